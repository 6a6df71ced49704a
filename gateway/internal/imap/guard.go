package imap

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// What a server's response may be. The protocol's parser has no such bounds: it takes six octets of
// memory for each of a line, and builds what it reads before anybody can look at it.
const (
	maxLine    = 256 << 10 // octets of a line, its literals aside
	maxDepth   = 64        // parentheses in parentheses
	maxLiteral = 16 << 10  // octets of a literal that is not a mail
)

// errResponse is in the chain of what a guard refuses.
var errResponse = errors.New("the server's response is not acceptable")

// guard reads along what a server sends, below the protocol's parser, and refuses what would take the
// parser too much. It keeps a few octets, whatever comes, and never looks at one twice.
//
// What it must agree about with the parser is where a literal is: in one, nothing is counted. There is none in a
// status response and in a continuation, whose text is anything. The literal that holds a mail, which the parser
// streams, is known by its place: "BODY[] {", directly in the list of a FETCH.
type guard struct {
	// mail bounds a literal that holds a mail.
	mail int64

	line    int // octets of the line, so far
	depth   int
	quoted  bool
	escaped bool  // the next octet is quoted by a backslash
	literal int64 // octets that are left of one

	word  int    // which word of the line it is in, from 0
	text  bool   // the line is text
	caps  bool   // it is in a list of capabilities
	begin []byte // of the word, or of the text
	tail  []byte // the last octets of the line

	// What may be the announcement of a literal, "{N}" at the end of a line.
	announced announcement
	size      int64
	large     bool // it is the literal of a mail
}

// announcement says how much of an announcement was read.
type announcement int

const (
	noLiteral    announcement = iota
	openBrace                 // and digits
	closedBrace               // the end of the line has to follow
	spaceOrBreak              // a space has followed, which the parser allows
)

// mailPlace is what stands before the literal of a mail.
const mailPlace = "BODY[] "

// check reads along. After an error it is not to be used again.
func (g *guard) check(p []byte) error {
	for len(p) > 0 {
		if g.literal > 0 {
			n := min(g.literal, int64(len(p)))
			g.literal -= n
			p = p[n:]
			continue
		}
		if err := g.octet(p[0]); err != nil {
			return err
		}
		p = p[1:]
	}
	return nil
}

func (g *guard) octet(c byte) error {
	if g.line++; g.line > maxLine {
		return fmt.Errorf("%w: a line of more than %d octets", errResponse, maxLine)
	}
	if g.quoted {
		switch {
		case g.escaped:
			g.escaped = false
		case c == '\\':
			g.escaped = true
		case c == '"':
			g.quoted = false
		}
		return nil
	}
	if c == '\n' {
		return g.endLine()
	}
	if g.text {
		g.readCode(c)
	} else {
		g.readWord(c)
	}
	if c == '(' && g.caps {
		// The parser never comes back from there: it waits for the end of the spaces before it.
		return fmt.Errorf("%w: a parenthesis in a list of capabilities", errResponse)
	}
	if g.text {
		return nil
	}
	g.readAnnouncement(c)
	g.tail = append(g.tail[max(0, len(g.tail)-len(mailPlace)+1):], c)
	switch c {
	case '"':
		g.quoted = true
	case '(':
		if g.depth++; g.depth > maxDepth {
			return fmt.Errorf("%w: more than %d parentheses within each other", errResponse, maxDepth)
		}
	case ')':
		g.depth = max(0, g.depth-1)
	}
	return nil
}

// readWord finds out whether a line is text: "+ …", or "* OK …" and its like, with a tag in place of the
// asterisk, and, since the parser allows that, with a number before the status.
func (g *guard) readWord(c byte) {
	if g.word > 2 {
		return
	}
	if g.word == 0 && len(g.begin) == 0 && c == '+' && g.line == 1 {
		g.text = true
		return
	}
	if c != ' ' && c != '\r' && c != '[' && c != '(' {
		g.keep(c)
		return
	}
	g.endWord()
}

// keep keeps the beginning of a word, or of a text.
func (g *guard) keep(c byte) {
	if len(g.begin) < 16 {
		g.begin = append(g.begin, c)
	}
}

// capabilityCode is the one code of a status response that has a list of another form than the others.
const capabilityCode = "[CAPABILITY"

// readCode finds out whether the text of a status response begins by a list of capabilities.
func (g *guard) readCode(c byte) {
	if g.word == 0 {
		return // a continuation
	}
	if g.keep(c); len(g.begin) == len(capabilityCode) && string(g.begin) == capabilityCode {
		g.caps = true
	}
	if c == ']' {
		g.caps = false
	}
}

func (g *guard) endWord() {
	word := string(bytes.ToUpper(g.begin))
	number := word != "" && word[0] >= '0' && word[0] <= '9'
	g.begin = g.begin[:0]
	if g.word > 0 && slices.Contains([]string{"OK", "NO", "BAD", "BYE", "PREAUTH"}, word) {
		g.text = true
	}
	g.caps = g.word > 0 && (word == "CAPABILITY" || word == "ENABLED")
	if g.word++; g.word == 2 && !number {
		g.word = 3 // what it is, is said
	}
}

// readAnnouncement reads "{N}".
func (g *guard) readAnnouncement(c byte) {
	switch {
	case c == '{':
		g.announced, g.size = openBrace, 0
		g.large = g.depth == 1 && bytes.EqualFold(g.tail, []byte(mailPlace))
	case g.announced == openBrace && c >= '0' && c <= '9':
		if g.size < 1<<50 {
			g.size = g.size*10 + int64(c-'0')
		}
	case g.announced == openBrace && c == '}':
		g.announced = closedBrace
	case g.announced == closedBrace && c == ' ':
		g.announced = spaceOrBreak
	case (g.announced == closedBrace || g.announced == spaceOrBreak) && c == '\r':
	default:
		g.announced = noLiteral
	}
}

// endLine ends a line, or begins a literal in it.
func (g *guard) endLine() error {
	literal := !g.text && g.announced > openBrace
	g.announced = noLiteral
	if !literal {
		g.line, g.depth, g.word, g.text, g.caps = 0, 0, 0, false, false
		g.begin, g.tail = g.begin[:0], g.tail[:0]
		return nil
	}
	bound := int64(maxLiteral)
	if g.large {
		bound = g.mail
	}
	if g.size > bound {
		return fmt.Errorf("%w: a literal of %d octets, of which at most %d are taken", errResponse, g.size, bound)
	}
	g.literal = g.size
	g.tail = g.tail[:0]
	return nil
}
