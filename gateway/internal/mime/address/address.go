// Package address reads the address fields of a mail, From, To, Cc and their
// like.
//
// Values come in raw, as in package header, and the strings that go out are as
// clean as there: valid UTF-8 on one line. The parser of net/mail is not asked,
// since it refuses a whole list for one bad entry; this one goes over its input
// once and keeps what it can read.
package address

import (
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// ParseList reads an address list (RFC 5322 section 3.4): mailboxes, groups,
// comments, the obsolete forms, and what mailers make of them. At most limit
// addresses are returned; more is true where others followed.
//
// Entries that hold no address keep their name, so that "To: Recipient List"
// is not lost; clean is then false, as it is for any other breach of the
// grammar. What is wrong with the text of a name does not count. Members of
// groups are returned like all others, the name of a group is not.
func ParseList(raw string, limit int) (list []mail.Address, more, clean bool) {
	p := parser{clean: true, limit: limit}
	for raw != "" {
		if p.more {
			break
		}
		raw = p.step(raw)
	}
	p.flush()
	return p.list, p.more, p.clean
}

// parser collects the parts of one mailbox until its end.
type parser struct {
	list  []mail.Address
	limit int
	more  bool
	clean bool

	phrase  strings.Builder // display name, or an address without brackets
	comment strings.Builder
	angle   string
	hasAddr bool
	hasAt   bool // the phrase holds an @
	gap     bool // white space since the last word of the phrase
}

// step takes one token off the list.
func (p *parser) step(raw string) string {
	switch raw[0] {
	case ' ', '\t', '\r', '\n':
		p.gap = true
		return raw[1:]
	case ',', ';': // Outlook separates by semicolons; otherwise one ends a group
		p.flush()
		return raw[1:]
	case '"':
		text, rest := quoted(raw)
		if strings.HasPrefix(rest, "@") { // a quoted local part keeps its quotes
			p.add(raw[:len(raw)-len(rest)])
		} else {
			p.add(text)
		}
		return rest
	case '(':
		text, rest := header.Comment(raw)
		if p.comment.Len() == 0 {
			p.comment.WriteString(text)
		}
		p.gap = true
		return rest
	case '<':
		end := strings.IndexAny(raw, ">,;")
		if end < 0 || raw[end] != '>' {
			return p.openAngle(raw[1:])
		}
		p.setAngle(raw[1:end])
		return raw[end+1:]
	case ':':
		if !p.hasAddr && !p.hasAt {
			p.reset() // the name of a group
			return raw[1:]
		}
		p.add(":")
		return raw[1:]
	case '>':
		p.clean = false
		return raw[1:]
	}
	// Commas and brackets inside of an encoded word are text.
	if n := header.WordLen(raw); n > 0 {
		p.add(raw[:n])
		return raw[n:]
	}
	end := 1
	for end < len(raw) && !strings.ContainsRune(" \t\r\n,;\"(<>:", rune(raw[end])) {
		end++
	}
	p.add(raw[:end])
	return raw[end:]
}

// openAngle reads an address whose bracket is not closed before the next
// separator: "<a@x, b@y", or a route "<@relay,@relay:a@x>" (RFC 5322 section
// 4.4), in which the commas are part of it.
func (p *parser) openAngle(raw string) string {
	if strings.HasPrefix(raw, "@") {
		if end := strings.IndexAny(raw, "><;"); end > 0 && raw[end] == '>' {
			p.setAngle(raw[:end])
			return raw[end+1:]
		}
	}
	p.clean = false
	end := strings.IndexAny(raw, ",;")
	if end < 0 {
		end = len(raw)
	}
	p.setAngle(raw[:end])
	return raw[end:]
}

func (p *parser) setAngle(s string) {
	if strings.HasPrefix(s, "@") {
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			s = s[i+1:]
		}
	}
	if p.hasAddr { // "<a@x> <b@y>": the comma is missing
		p.clean = false
		p.flush()
	}
	p.angle, p.hasAddr = s, true
}

// add appends a word to the phrase, with one space for any white space before.
func (p *parser) add(s string) {
	if p.hasAddr { // text behind the brackets belongs to nobody
		p.clean = false
		return
	}
	if p.gap && p.phrase.Len() > 0 {
		p.phrase.WriteByte(' ')
	}
	p.gap = false
	p.hasAt = p.hasAt || strings.Contains(s, "@")
	p.phrase.WriteString(s)
}

// flush ends a mailbox.
func (p *parser) flush() {
	phrase := p.phrase.String()
	var a mail.Address
	ok := true
	if p.hasAddr {
		a.Name, _ = header.Text(phrase)
		a.Address = addrSpec(p.angle)
	} else {
		a.Name, a.Address, ok = p.bare(phrase)
	}
	if a.Name == "" && a.Address != "" && p.comment.Len() > 0 {
		// "a@x (Alice)" is how names were written before RFC 822.
		a.Name, _ = header.Text(p.comment.String())
	}
	p.reset()
	if strings.HasPrefix(a.Address, "@") || strings.HasSuffix(a.Address, "@") { // half of one says nothing
		a = mail.Address{Name: strings.TrimSpace(a.Name + " " + a.Address)}
	}
	if a == (mail.Address{}) {
		return
	}
	_, _, err := mail.SplitAddress(a.Address)
	p.clean = p.clean && ok && err == nil
	if len(p.list) == p.limit {
		p.more = true
		return
	}
	p.list = append(p.list, a)
}

// bare reads a mailbox without angle brackets: the last word with an @ is the
// address, whatever is around it the name.
func (p *parser) bare(phrase string) (name, addr string, clean bool) {
	if !strings.Contains(phrase, "@") {
		name, _ = header.Text(phrase)
		if strings.Contains(name, "@") && !strings.Contains(name, " ") {
			return "", name, false // a mailer encoded the address as well
		}
		return name, "", false
	}
	at := strings.LastIndexByte(phrase, '@')
	start := strings.LastIndexByte(phrase[:at], ' ') + 1
	if at > 0 && phrase[at-1] == '"' { // a quoted local part may hold spaces
		if open := strings.LastIndexByte(phrase[:at-1], '"'); open >= 0 {
			start = open
		}
	}
	end := len(phrase)
	if i := strings.IndexByte(phrase[at:], ' '); i >= 0 {
		end = at + i
	}
	name, _ = header.Text(phrase[:start] + phrase[end:])
	return name, addrSpec(phrase[start:end]), name == ""
}

func (p *parser) reset() {
	p.phrase.Reset()
	p.comment.Reset()
	p.angle, p.hasAddr, p.hasAt, p.gap = "", false, false, false
}

// addrSpec cleans an address: white space and comments have no meaning in one,
// and "mailto:" and a second pair of brackets come from careless programs.
func addrSpec(s string) string {
	text, _ := header.Text(s)
	if strings.HasSuffix(text, ")") {
		text, _, _ = strings.Cut(text, "(")
	}
	text = strings.Trim(text, " \t<>'")
	if len(text) > len("mailto:") && strings.EqualFold(text[:len("mailto:")], "mailto:") {
		text = text[len("mailto:"):]
	}
	if strings.HasPrefix(text, `"`) {
		return text
	}
	return strings.Join(strings.Fields(text), "")
}

// quoted reads the quoted string that s begins with and returns its content
// without quotes and backslashes. An unterminated one ends with s.
func quoted(s string) (text, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i+1 < len(s) {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
