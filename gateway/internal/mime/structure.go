package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// scanner finds the header and the parts of a mail in one pass over its lines
// (RFC 2046 section 5.1). Open multiparts stand on a stack of at most maxDepth
// frames, so that the work per line does not depend on the mail: readers nested
// into each other, one per multipart, take time quadratic in the depth.
type scanner struct {
	msg   *Message
	size  int64
	stack []frame
	parts int
	full  bool // no further part is opened

	// cur is the part whose header or content the scanner is in; nil between
	// parts, before the first and behind the last.
	cur *node
	// section is the header of cur, until its end.
	section *section
	// partBudget is shared by the headers of all parts.
	partBudget int
}

// frame is an open multipart.
type frame struct {
	node     *node
	boundary string
	// sniff means that no usable boundary was declared: the first line that looks
	// like a delimiter is taken for one.
	sniff bool
}

// scan reads all of r and returns the root with its fields.
func (s *scanner) scan(r io.ReaderAt) (*node, []rawField, error) {
	root := &node{}
	budget := maxHeader
	top := &section{budget: &budget}
	s.cur, s.section, s.partBudget = root, top, maxHeader
	lines := newLineReader(io.NewSectionReader(r, 0, s.size))
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
	if s.cur != nil {
		s.cur.end = s.size
	}
	return root, top.fields, nil
}

// firstLine takes off what does not belong to the mail: a byte order mark, and
// the separator line of an mbox file.
func (s *scanner) firstLine(p piece, top *section) piece {
	if b, ok := bytes.CutPrefix(p.b, []byte("\ufeff")); ok {
		p.b, p.off = b, p.off+int64(len(p.b)-len(b))
		top.start = p.off
	}
	if isMboxLine(p) {
		s.msg.warn(WarnMboxLine, "", "the mail begins with an mbox separator line")
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
	if !closing && (s.parts == maxParts || s.partBudget <= 0) {
		// Everything from here on stays with the last part, where nothing is lost.
		s.full = true
		s.msg.cut(WarnTooManyParts, "", fmt.Sprintf("parts behind the first %d were not separated", s.parts))
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
		f.node.end = end
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
		s.msg.warn(WarnMissingHeader, n.path, "there is no header")
	} else if sec.junk > 0 {
		s.msg.warn(WarnMalformedHeader, n.path, fmt.Sprintf("lines of the header that are no fields: %d", sec.junk))
	}
	if sec.over {
		s.msg.cut(WarnHeaderTooLong, n.path, "the header is longer than the bound")
	}
	start = min(max(start, sec.start), s.size)
	n.start, n.end = start, start
	inDigest := len(s.stack) > 0 && n.path != "" && s.stack[len(s.stack)-1].node.contentType == "multipart/digest"
	n.interpret(s.msg, sec.fields, inDigest)
	if !n.multipart() {
		return
	}
	if len(s.stack) == maxDepth {
		s.msg.cut(WarnTooDeep, "", fmt.Sprintf("multiparts deeper than %d were not opened", maxDepth))
		return
	}
	boundary, _ := n.media.Raw("boundary")
	boundary = strings.TrimRight(boundary, " \t")
	f := frame{node: n, boundary: boundary}
	if boundary == "" || len(boundary) > maxBoundary {
		f.sniff = true
		s.msg.warn(WarnBadBoundary, n.path, "the multipart declares no usable boundary")
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
		if len(f.node.children) > 0 {
			s.msg.warn(WarnUnclosed, f.node.path, "the multipart is not closed")
		}
		s.finish(f)
		s.stack = s.stack[:len(s.stack)-1]
	}
}

// finish makes a leaf of a multipart in which no part was found: its content is
// read as plain text rather than lost.
func (s *scanner) finish(f *frame) {
	if len(f.node.children) > 0 {
		return
	}
	s.msg.warn(WarnMissingBoundary, f.node.path, "the multipart has no part; it is read as text")
	f.node.contentType = "text/plain"
}
