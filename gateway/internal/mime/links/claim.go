package links

import (
	"slices"
	"strings"
	"unicode"
)

// otherHost reports whether the text of a link names a host, and not the one that
// the link leads to. Hosts of one owner count as one.
func otherHost(link, text string) bool {
	if !strings.ContainsAny(text, ".@") && !strings.Contains(text, "://") && isASCII(text) {
		return false
	}
	if link == text && isASCII(link) && !strings.Contains(link, "@") {
		return false // most links of a plain text
	}
	c := claims{link: link}
	c.read(text)
	if len(c.hosts) == 0 {
		return false
	}
	hosts := targets(link)
	if len(hosts) == 0 || c.forged {
		return c.forged && len(hosts) > 0
	}
	// Most that are not equal differ in "www." only, which is told without asking
	// who registered what.
	c.hosts = slices.DeleteFunc(c.hosts, func(claimed string) bool {
		return slices.ContainsFunc(hosts, func(host string) bool {
			return strings.TrimPrefix(host, "www.") == strings.TrimPrefix(claimed, "www.")
		})
	})
	if len(c.hosts) == 0 {
		return false
	}
	for i, host := range hosts {
		hosts[i] = site(host)
	}
	return slices.ContainsFunc(c.hosts, func(claimed string) bool { return !slices.Contains(hosts, site(claimed)) })
}

// claims are the hosts that a text names, as a reader would understand it.
type claims struct {
	link  string
	hosts []string
	last  string // what was added last, as it was written
	// forged means that a name is made of look-alikes: whatever host it is, the
	// reader sees another one.
	forged bool
}

// read finds them in the words of a text.
func (c *claims) read(text string) {
	if !isASCII(text) {
		text = visible(text)
	}
	words := strings.FieldsFunc(text, separates)
	for _, w := range words {
		c.word(w, len(words) == 1)
	}
}

// separates reports whether a character is part of no host, URL or address.
func separates(r rune) bool {
	switch r {
	case ' ', '<', '>', '"', '\'', '`', '(', ')', '{', '}', '|', ',', ';', '“', '”', '„', '«', '»', '‘', '’':
		return true
	}
	return unicode.IsSpace(r)
}

// visible takes out what shows nothing, and makes dots of what DNS takes for one.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '。', r == '．', r == '｡':
			return '.'
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}

// word takes one word of the text. only says that there is no other.
func (c *claims) word(w string, only bool) {
	w = strings.Trim(w, ".:!?*_~=")
	if scheme, rest, ok := strings.Cut(w, "://"); ok {
		if isScheme(scheme) {
			user, host := authority(rest)
			c.add(host)
			c.addNamed(strings.TrimLeft(user, "/"), true)
		}
		return
	}
	if user, host, ok := cutLast(w, "@"); ok {
		host = before(host, `/\?#:`)
		if strings.Contains(host, ".") {
			c.add(host)
		}
		if hasWWW(user) {
			c.addNamed(user, true)
		}
		return
	}
	c.addNamed(before(w, `/\?#:`), only)
}

// addNamed adds what may be a host without a scheme: a name with "www." before it
// or one that is registered. In running text a full stop without a space behind
// it looks the same ("see here.Now …"); a capital after the dot gives it away.
func (c *claims) addNamed(name string, only bool) {
	name, _, _ = strings.Cut(name, ":")
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case len(last) == len(name), strings.ContainsFunc(name, notOfHost):
	case hasWWW(name):
		c.add(name)
	case !only && strings.ToLower(last) != last && strings.ToUpper(name) != name:
	case c.isFile(name, last):
	default:
		if host := appendHost(nil, name); len(host) == 1 && isRegistered(host[0]) {
			c.add(name)
		}
	}
}

func (c *claims) add(host string) {
	if isForged(host) {
		c.forged = true
	}
	if len(c.hosts) == 0 || host != c.last {
		c.hosts = appendHost(c.hosts, host)
	}
	c.last = host
}

// isFile reports whether a name is that of the file which the link leads to, as
// in a link to …/README.md. Some extensions are top-level domains too.
func (c *claims) isFile(name, extension string) bool {
	switch strings.ToLower(extension) {
	case "ai", "app", "cc", "md", "mov", "pl", "ps", "py", "rs", "sh", "so", "zip":
		_, file, _ := cutLast(before(c.link, "?#"), "/")
		return strings.EqualFold(unpercent(file), name)
	}
	return false
}

// isForged reports whether a label of a host mixes Latin letters with Greek or
// Cyrillic ones. No registry has such names, but they are what a name looks like
// that pretends to be another one.
func isForged(host string) bool {
	if isASCII(host) {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		latin := strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
		other := strings.ContainsFunc(label, func(r rune) bool { return unicode.In(r, unicode.Cyrillic, unicode.Greek) })
		if latin && other {
			return true
		}
	}
	return false
}

func isScheme(s string) bool {
	return strings.EqualFold(s, "http") || strings.EqualFold(s, "https") || strings.EqualFold(s, "ftp")
}

func hasWWW(name string) bool {
	return len(name) > len("www.") && strings.EqualFold(name[:len("www.")], "www.") && strings.Contains(name[len("www."):], ".")
}

// notOfHost reports whether no host has a character.
func notOfHost(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '.' && r != '_'
}

// before returns what stands before the first of several characters.
func before(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i]
	}
	return s
}
