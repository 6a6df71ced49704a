// Package structure finds the parts of a mail: raw octets to a tree of Nodes,
// each with its place in the raw message.
//
// The octets are read once, front to back, and only those of header fields are
// kept. Nothing that a mail holds is an error: what is broken is read as well as
// possible and told to Notes. All content belongs to some leaf, but for what
// stands before the first part of a multipart or behind its last, which RFC 2046
// section 5.1.1 has everybody ignore.
//
// Time is linear in the mail whatever its parts look like, and memory is bounded
// by the constants below. The package holds no state and writes nothing.
package structure

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of one mail. What is beyond them is left out or, where octets
// would be lost, belongs to the part before it.
const (
	MaxParts  = 1000 // parts of all multiparts together
	MaxFields = 2000 // fields of the header

	maxDepth    = 30      // multiparts within each other; Postfix cuts at 100
	maxHeader   = 1 << 20 // octets of the header, and again of the headers of all parts
	maxBoundary = 1000    // octets; RFC 2046 allows 70
	maxFilename = 1024    // octets
)

// byteOrderMark is what some programs begin a text in UTF-8 with.
const byteOrderMark = "\ufeff"

// Scan reads the mail in the first size octets of r. It returns the tree of its
// parts and the fields of its header, in order and with repeats, and tells notes
// what was wrong. The error is one of reading.
func Scan(r io.ReaderAt, size int64, notes *Notes) (*Node, []Field, error) {
	s := scanner{notes: notes, size: size}
	return s.scan(r)
}

// scanner finds the header and the parts of a mail in one pass over its lines
// (RFC 2046 section 5.1). Open multiparts stand on a stack of at most maxDepth
// frames, so that the work per line does not depend on the mail: readers nested
// into each other, one per multipart, take time quadratic in the depth.
type scanner struct {
	notes *Notes
	size  int64
	stack []frame
	parts int
	full  bool // no further part is opened

	// cur is the part whose header or content the scanner is in; nil between
	// parts, before the first and behind the last.
	cur *Node
	// section is the header of cur, until its end.
	section *section
	// partBudget is shared by the headers of all parts.
	partBudget int
}

// frame is an open multipart.
type frame struct {
	node     *Node
	boundary string
	// sniff means that no usable boundary was declared: the first line that looks
	// like a delimiter is taken for one.
	sniff bool
}

// scan reads all of r and returns the root with its fields.
func (s *scanner) scan(r io.ReaderAt) (*Node, []Field, error) {
	root := &Node{}
	budget := maxHeader
	top := &section{budget: &budget}
	s.cur, s.section, s.partBudget = root, top, maxHeader
	lines := newLineReader(io.NewSectionReader(r, 0, s.size), s.size)
	for {
		p, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read message at octet %d: %w", lines.off, err)
		}
		if p.off == 0 {
			p = s.firstLine(p, top)
			if len(p.b) == 0 {
				continue
			}
		}
		s.line(p)
	}
	if s.section != nil {
		s.endHeader(s.size)
	}
	s.closeTo(0, s.size)
	return root, top.fields, nil
}

// firstLine takes off what does not belong to the mail: a byte order mark, and
// the separator line of an mbox file.
func (s *scanner) firstLine(p piece, top *section) piece {
	if b, ok := bytes.CutPrefix(p.b, []byte(byteOrderMark)); ok {
		p.b, p.off = b, p.off+int64(len(p.b)-len(b))
		top.start = p.off
	}
	if isMboxLine(p) {
		s.notes.Warn(WarnMboxLine, "", "the mail begins with an mbox separator line")
		top.start = p.off + int64(len(p.b))
		p.b = nil
	}
	return p
}

func (s *scanner) line(p piece) {
	if p.whole && !s.full && bytes.HasPrefix(p.b, []byte("--")) && s.delimiter(p) {
		return
	}
	switch {
	case s.section == nil: // content; its borders are all that counts
	case p.blank():
		s.endHeader(p.off + int64(len(p.b)))
	case !s.section.add(p):
		s.endHeader(s.section.start)
	}
}

// delimiter handles a line that begins with "--". It returns false where the
// line belongs to the content.
func (s *scanner) delimiter(p piece) bool {
	line := string(bytes.TrimRight(p.text(), " \t"))[len("--"):]
	i, closing := s.match(line)
	if i < 0 {
		return false
	}
	if !closing && (s.parts == MaxParts || s.partBudget <= 0) {
		// Everything from here on stays with the last part, where nothing is lost.
		s.full = true
		s.notes.Cut(WarnTooManyParts, "", fmt.Sprintf("parts behind the first %d were not separated", s.parts))
		return false
	}
	end := p.off - p.eol // the line end before a delimiter belongs to it
	if s.section != nil {
		s.endHeader(end)
	}
	// endHeader may have opened a multipart on top, which is closed with those
	// that the delimiter leaves.
	s.closeTo(i+1, end)
	f := &s.stack[i]
	if closing {
		// Right behind the header, the line end before the delimiter is the header's.
		f.node.end = max(end, f.node.start)
		s.finish(f)
		s.stack = s.stack[:i]
		return true
	}
	s.parts++
	s.cur = f.node.child()
	s.section = &section{start: p.off + int64(len(p.b)), keep: isContentField, budget: &s.partBudget}
	return true
}

// match finds the open multipart that a line delimits, the innermost first. A
// line that ends with "--" closes a multipart unless it is the whole delimiter
// of another: boundaries may end with "--" themselves.
func (s *scanner) match(line string) (frame int, closing bool) {
	for i := len(s.stack) - 1; i >= 0; i-- {
		if f := &s.stack[i]; !f.sniff && line == f.boundary {
			return i, false
		}
	}
	if stem, ok := strings.CutSuffix(line, "--"); ok {
		for i := len(s.stack) - 1; i >= 0; i-- {
			if f := &s.stack[i]; !f.sniff && stem == f.boundary {
				return i, true
			}
		}
	}
	top := len(s.stack) - 1
	if top >= 0 && s.stack[top].sniff && s.section == nil && s.cur == nil &&
		line != "" && len(line) <= maxBoundary && !strings.ContainsAny(line, " \t") {
		s.stack[top].boundary, s.stack[top].sniff = line, false
		return top, false
	}
	return -1, false
}

// endHeader interprets the header of the current part, whose content begins at
// start.
func (s *scanner) endHeader(start int64) {
	n, sec := s.cur, s.section
	s.section = nil
	if sec.seen == 0 && sec.junk > 0 {
		// There is no header: what was read belongs to the content.
		start = sec.start
		s.notes.Warn(WarnMissingHeader, n.Path, "there is no header")
	} else if sec.junk > 0 {
		s.notes.Warn(WarnMalformedHeader, n.Path, fmt.Sprintf("lines of the header that are no fields: %d", sec.junk))
	}
	if sec.over {
		s.notes.Cut(WarnHeaderTooLong, n.Path, "the header is longer than the bound")
	}
	start = min(max(start, sec.start), s.size)
	n.start, n.end = start, start
	inDigest := len(s.stack) > 0 && n.Path != "" && s.stack[len(s.stack)-1].node.ContentType == "multipart/digest"
	n.interpret(s.notes, sec.fields, inDigest)
	if !n.multipart() {
		return
	}
	if len(s.stack) == maxDepth {
		s.notes.Cut(WarnTooDeep, "", fmt.Sprintf("multiparts deeper than %d were not opened", maxDepth))
		return
	}
	boundary, _ := n.Media.Raw("boundary")
	boundary = strings.TrimRight(boundary, " \t")
	f := frame{node: n, boundary: boundary}
	if boundary == "" || len(boundary) > maxBoundary {
		f.sniff = true
		s.notes.Warn(WarnBadBoundary, n.Path, "the multipart declares no usable boundary")
	}
	s.stack = append(s.stack, f)
	s.cur = nil
}

// closeTo ends the current part and all multiparts above the given height, whose
// own end was not seen.
func (s *scanner) closeTo(height int, end int64) {
	if s.cur != nil {
		s.cur.end = max(end, s.cur.start)
		s.cur = nil
	}
	for len(s.stack) > height {
		f := &s.stack[len(s.stack)-1]
		f.node.end = max(end, f.node.start)
		if len(f.node.Children) > 0 {
			s.notes.Warn(WarnUnclosed, f.node.Path, "the multipart is not closed")
		}
		s.finish(f)
		s.stack = s.stack[:len(s.stack)-1]
	}
}

// finish makes a leaf of a multipart in which no part was found: its content is
// read as plain text rather than lost.
func (s *scanner) finish(f *frame) {
	if len(f.node.Children) > 0 {
		return
	}
	s.notes.Warn(WarnMissingBoundary, f.node.Path, "the multipart has no part; it is read as text")
	f.node.ContentType = "text/plain"
}
