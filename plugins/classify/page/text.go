package page

import "strings"

// ReadText reads a plain text. Quoted lines are left out, which another wrote, and
// all that comes after the line that introduces a forwarded mail; so are the links
// themselves, whose words are no prose.
func ReadText(s string) *Page {
	p := &Page{Text: make([]byte, 0, len(s))}
	for len(s) > 0 {
		line, rest, _ := strings.Cut(s, "\n")
		if strings.HasPrefix(line, ">") {
			p.Quotes = true
			s = rest
			continue
		}
		if isSeparator(line) || isField(line, fromNames) && isField(firstLine(rest), sentNames) {
			p.Quotes = true
			break
		}
		s = rest
		p.addLine(line)
	}
	return p
}

// addLine adds a line, and the links that it has.
func (p *Page) addLine(line string) {
	for {
		i := strings.Index(line, "http")
		if i < 0 {
			break
		}
		p.Text = append(p.Text, line[:i]...)
		line = line[i:]
		if !strings.HasPrefix(line, "http://") && !strings.HasPrefix(line, "https://") {
			p.Text = append(p.Text, "http"...)
			line = line[len("http"):]
			continue
		}
		end := strings.IndexAny(line, " \t\r<>\"|")
		if end < 0 {
			end = len(line)
		}
		p.addLink(Link{line[:end], len(p.Text), len(p.Text)})
		line = line[end:]
	}
	p.Text = append(append(p.Text, line...), '\n')
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// maxSeparator is more than any line that introduces a mail has.
const maxSeparator = 100

// isSeparator reports whether a line is such as "-----Original Message-----".
func isSeparator(line string) bool {
	if !strings.HasPrefix(line, "-----") || len(line) > maxSeparator {
		return false
	}
	line = strings.ToLower(line)
	for _, stem := range []string{
		"original", "forwarded", "ursprüngliche", "weitergeleitet", "d'origine", "d’origine", "transféré", "reenviado", "oorspronkelijk",
		"doorgestuurd", "inoltrato", "encaminhada", "reencaminhada", "oryginalna", "przekazana", "przesłana",
	} {
		if strings.Contains(line, stem) {
			return true
		}
	}
	return false
}

// fromNames and sentNames are what Outlook calls the first fields of a mail that
// it quotes, as in "Von: ..." and "Gesendet: ...".
const (
	fromNames = " from von de van da od "
	sentNames = " sent gesendet envoyé enviado verzonden inviato enviada wysłano "
)

// isField reports whether a line begins with one of the names and a colon.
func isField(line, names string) bool {
	name, _, ok := strings.Cut(line[:min(len(line), maxSeparator)], ":")
	name, _, _ = strings.Cut(strings.Trim(name, " *"), " ") // "Enviado el:"; "*From:*" of Gmail
	return ok && name != "" && strings.Contains(names, " "+strings.ToLower(name)+" ")
}
