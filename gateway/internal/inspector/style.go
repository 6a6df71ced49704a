package inspector

// maxHeaderRunes is how much of a header field is printed.
const maxHeaderRunes = 200

// style sets parts of a heading apart.
type style struct{ color bool }

func (s style) heading(text string) string { return s.ansi("1", text) }
func (s style) good(text string) string    { return s.ansi("32", text) }
func (s style) bad(text string) string     { return s.ansi("1;31", text) }
func (s style) dim(text string) string     { return s.ansi("2", text) }

func (s style) ansi(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
