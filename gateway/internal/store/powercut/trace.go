package powercut

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxLine bounds a line of strace, in octets. A written octet takes four.
const maxLine = 64 << 20

// never is when a call has returned that had not when the recording ended.
const never = math.MaxInt

// errSyntax means that a line is not as strace writes it.
var errSyntax = errors.New("not understood")

// call is a system call.
type call struct {
	name   string
	args   []arg
	result int64
	failed bool // and so has changed nothing
	begin  int  // the number of the event at which it began
	end    int  // and of that at which it had returned, or never
}

// arg is an argument: a string, a descriptor, or a word that stands for itself.
type arg struct {
	word   string
	quoted bool
	text   []byte // of a string
	fd     int    // of a descriptor, or cwd; otherwise noFD
	path   string // of a descriptor
}

const (
	noFD = -1
	cwd  = -100
)

// event is that a call begins or has ended. Strace stops a thread before the kernel does
// what it asks for, and again after: what a call did was done between its two events.
type event struct {
	call  *call
	ended bool
}

// parse reads what strace wrote.
func parse(r io.Reader) (*Recording, error) {
	p := &parser{unfinished: make(map[int]*entry)}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		if err := p.line(lines.Text()); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return &Recording{events: p.events}, nil
}

// parser holds what goes on from line to line.
type parser struct {
	events     []event
	unfinished map[int]*entry // by thread
}

// entry is a call that has begun in an earlier line.
type entry struct {
	call *call
	text string // of its arguments so far
}

func (p *parser) line(line string) error {
	number, rest, _ := strings.Cut(line, " ")
	thread, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%w: no thread in %s", errSyntax, short(line))
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "+++ ") || strings.HasPrefix(rest, "--- ") {
		return nil // a thread ends, or gets a signal
	}
	if resumed, ok := strings.CutPrefix(rest, "<... "); ok {
		name, tail, found := strings.Cut(resumed, " resumed>")
		e := p.unfinished[thread]
		if !found || e == nil || e.call.name != name {
			return fmt.Errorf("%w: %s goes on without a beginning", errSyntax, short(line))
		}
		delete(p.unfinished, thread)
		return p.finish(e.call, e.text+strings.Replace(tail, " <unfinished ...>", "", 1))
	}
	name, text, found := strings.Cut(rest, "(")
	if !found || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fmt.Errorf("%w: no system call in %s", errSyntax, short(line))
	}
	c := &call{name: name, begin: len(p.events), end: never}
	p.events = append(p.events, event{call: c})
	if text, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
		p.unfinished[thread] = &entry{c, text}
		c.args, err = arguments(text)
		return err
	}
	return p.finish(c, text)
}

// finish reads the rest of a call.
func (p *parser) finish(c *call, text string) error {
	at := strings.LastIndex(text, " = ")
	if at < 0 {
		return fmt.Errorf("%w: no result in %s(%s", errSyntax, c.name, short(text))
	}
	list, ok := strings.CutSuffix(strings.TrimRight(text[:at], " "), ")")
	if !ok {
		return fmt.Errorf("%w: no end of %s(%s", errSyntax, c.name, short(text))
	}
	var err error
	if c.args, err = arguments(list); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	outcome := text[at+len(" = "):]
	word := outcome
	if i := strings.IndexAny(word, " <"); i >= 0 {
		word = word[:i]
	}
	switch {
	case word == "?" && strings.Contains(outcome, "ERESTART"):
		c.failed = true // it begins once more
	case word == "?":
		return nil // the thread ended in it
	case word == "-1":
		c.failed = true
	default:
		n, err := strconv.ParseUint(word, 0, 64)
		if err != nil {
			return fmt.Errorf("%w: result of %s: %s", errSyntax, c.name, short(outcome))
		}
		c.result = int64(n)
	}
	c.end = len(p.events)
	p.events = append(p.events, event{call: c, ended: true})
	return nil
}

// arguments splits a list at its commas.
func arguments(list string) ([]arg, error) {
	var args []arg
	depth, start := 0, 0
	add := func(text string) error {
		a, err := argument(strings.TrimSpace(text))
		args = append(args, a)
		return err
	}
	for i := range len(list) {
		switch list[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				if err := add(list[start:i]); err != nil {
					return nil, err
				}
				start = i + 1
			}
		}
	}
	if list == "" {
		return nil, nil
	}
	return args, add(list[start:])
}

func argument(text string) (arg, error) {
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		digits, ok := strings.CutSuffix(quoted, `"`)
		if !ok {
			return arg{}, fmt.Errorf("%w: string %s", errSyntax, short(text))
		}
		b, err := unhex(digits)
		return arg{quoted: true, text: b, fd: noFD}, err
	}
	number, path, found := strings.Cut(strings.TrimSuffix(text, "(deleted)"), "<")
	path, closed := strings.CutSuffix(path, ">")
	if !found || !closed {
		return arg{word: text, fd: noFD}, nil
	}
	b, err := unhex(path)
	if err != nil {
		return arg{}, err
	}
	if number == "AT_FDCWD" {
		return arg{word: number, fd: cwd, path: string(b)}, nil
	}
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return arg{word: text, fd: noFD}, nil
	}
	return arg{word: number, fd: fd, path: string(b)}, nil
}

// unhex reads a string whose every octet is written as in \x41.
func unhex(text string) ([]byte, error) {
	digits := make([]byte, 0, len(text)/2)
	for i := 0; i < len(text); i += 4 {
		if len(text) < i+4 || text[i] != '\\' || text[i+1] != 'x' {
			return nil, fmt.Errorf("%w: string %s", errSyntax, short(text[i:]))
		}
		digits = append(digits, text[i+2], text[i+3])
	}
	b := make([]byte, len(digits)/2)
	if _, err := hex.Decode(b, digits); err != nil {
		return nil, fmt.Errorf("%w: %w", errSyntax, err)
	}
	return b, nil
}

// number is an argument that is one.
func (a arg) number() (int64, error) {
	n, err := strconv.ParseInt(a.word, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: number %s", errSyntax, short(a.word))
	}
	return n, nil
}

// vector is an argument that is a list of pieces to be written: [{iov_base="…", iov_len=3}].
func (a arg) vector() ([][]byte, error) {
	list, begun := strings.CutPrefix(a.word, "[")
	list, ended := strings.CutSuffix(list, "]")
	if !begun || !ended {
		return nil, fmt.Errorf("%w: vector %s", errSyntax, short(a.word))
	}
	var pieces [][]byte
	for list != "" {
		rest, ok := strings.CutPrefix(list, `{iov_base="`)
		digits, rest, found := strings.Cut(rest, `", iov_len=`)
		length, rest, closed := strings.Cut(rest, "}")
		if !ok || !found || !closed {
			return nil, fmt.Errorf("%w: piece %s", errSyntax, short(list))
		}
		piece, err := unhex(digits)
		if err != nil {
			return nil, err
		}
		if length != strconv.Itoa(len(piece)) {
			return nil, fmt.Errorf("%w: %d octets of %s", errSyntax, len(piece), short(length))
		}
		pieces = append(pieces, piece)
		list = strings.TrimPrefix(rest, ", ")
	}
	return pieces, nil
}

// has reports whether an argument of flags has one.
func (a arg) has(flag string) bool {
	for f := range strings.SplitSeq(a.word, "|") {
		if f == flag {
			return true
		}
	}
	return false
}

// short is the beginning of a text, for an error.
func short(text string) string {
	const limit = 120
	if len(text) > limit {
		return text[:limit] + "…"
	}
	return text
}
