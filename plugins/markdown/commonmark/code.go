package commonmark

import "bytes"

// EndCode writes the code span that has been read, if any.
func (w *Writer) EndCode() {
	if len(w.code) == 0 || w.Now.Pre {
		return
	}
	code := w.code
	w.code = w.code[:0]
	trimmed := bytes.TrimFunc(code, isBlank)
	if len(trimmed) == 0 {
		w.space = true
		return
	}
	w.space = w.space || isBlank(rune(code[0]))
	if w.InLink() && bytes.ContainsAny(trimmed, "`[]") {
		// Some renderers look for the end of a link's text without regard to code.
		isCode := w.Now.Code
		w.Now.Code = false
		w.Text(string(trimmed))
		w.Now.Code = isCode
		w.space = isBlank(rune(code[len(code)-1]))
		return
	}
	w.begin("`")
	w.link.hasText = true
	w.defuse()
	if w.last() == '`' { // lest two runs become one
		w.buf = append(w.buf, ' ')
	}
	fence := longestRun(trimmed) + 1
	w.buf = appendRun(w.buf, '`', fence)
	if fence > 1 {
		w.buf = append(w.buf, ' ')
	}
	pending := false
	for _, b := range trimmed {
		switch class[b] {
		case space:
			pending = true
		case control:
		default:
			if pending {
				w.buf = append(w.buf, ' ')
				pending = false
			}
			w.buf = append(w.buf, b)
		}
	}
	if fence > 1 {
		w.buf = append(w.buf, ' ')
	}
	w.buf = appendRun(w.buf, '`', fence)
	w.lead = -1
	w.space = isBlank(rune(code[len(code)-1]))
}

func isBlank(r rune) bool { return r <= ' ' || r == 0x7f }

// longestRun returns the length of the longest run of backticks.
func longestRun(s []byte) int {
	longest, run := 0, 0
	for _, b := range s {
		switch {
		case b == '`':
			run++
			longest = max(longest, run)
		case class[b] != control: // which are left out
			run = 0
		}
	}
	return longest
}

func appendRun(dst []byte, b byte, n int) []byte {
	for range n {
		dst = append(dst, b)
	}
	return dst
}

// StartPre begins a listing. Text is taken as it is until EndPre.
func (w *Writer) StartPre(language string) {
	w.EndCode()
	w.Now.Pre = true
	w.language = language
}

// Language says what language the listing is in, unless that is known or some of
// the listing is written.
func (w *Writer) Language(name string) {
	if w.language == "" && len(w.code) == 0 {
		w.language = name
	}
}

// endLine ends a line of a listing, unless it is empty.
func (w *Writer) endLine() {
	if n := len(w.code); n > 0 && w.code[n-1] != '\n' {
		w.code = append(w.code, '\n')
	}
}

// EndPre makes a block of the listing that has been read.
func (w *Writer) EndPre() {
	code := bytes.TrimRightFunc(w.code, isBlank)
	w.code = w.code[:0]
	for len(code) > 0 { // lines at the beginning that are empty
		line, rest, found := bytes.Cut(code, []byte{'\n'})
		if !found || len(bytes.TrimFunc(line, isBlank)) > 0 {
			break
		}
		code = rest
	}
	if len(code) == 0 {
		return
	}
	fence := max(3, longestRun(code)+1)
	w.buf = appendRun(w.buf, '`', fence)
	w.buf = append(w.buf, w.language...)
	w.buf = append(w.buf, '\n')
	for i, b := range code {
		switch {
		case b == '\r' && (i+1 == len(code) || code[i+1] != '\n'):
			w.buf = append(w.buf, '\n')
		case b == '\n' || b == '\t' || b == ' ' || class[b] != control && class[b] != space:
			w.buf = append(w.buf, b)
		}
	}
	w.buf = append(w.buf, '\n')
	w.buf = appendRun(w.buf, '`', fence)
	w.addBlock(codeBlock, 0, w.Now.Box)
	w.lead = 0
}
