package mime

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/charset"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// bodies says which leaves are the bodies of a mail. All other leaves are
// attachments: a mail may show a variant or a picture to nobody, but the tenant
// gets every leaf.
type bodies struct {
	text, html []*node
	taken      map[*node]bool // bodies, and empty texts that are nothing
	related    map[*node]bool // leaves within multipart/related, but for its root
}

// sortBodies chooses the bodies.
func sortBodies(root *node) *bodies {
	b := &bodies{taken: make(map[*node]bool), related: make(map[*node]bool)}
	b.text, b.html = b.choose(root, true)
	for _, n := range append(b.text[:len(b.text):len(b.text)], b.html...) {
		b.taken[n] = true
	}
	return b
}

// choose returns the leaves of n that are bodies of each kind. first is true for
// the root and for first children: only there may a body have a file name.
func (b *bodies) choose(n *node, first bool) (text, html []*node) {
	if len(n.children) == 0 {
		return b.chooseLeaf(n, first)
	}
	switch n.contentType {
	case "multipart/alternative":
		// The best variant stands last (RFC 2046 section 5.1.4).
		for i, c := range n.children {
			t, h := b.choose(c, i == 0)
			if len(t) > 0 {
				text = t
			}
			if len(h) > 0 {
				html = h
			}
		}
		return text, html
	case "multipart/related":
		root := relatedRoot(n)
		for _, c := range n.children {
			if c != root {
				b.markRelated(c)
			}
		}
		return b.choose(root, true)
	}
	// RFC 2046 section 5.1.7: an unknown kind of multipart is read as mixed.
	for i, c := range n.children {
		t, h := b.choose(c, i == 0)
		text, html = append(text, t...), append(html, h...)
	}
	return text, html
}

// chooseLeaf takes text/plain and text/html that is to be shown. A file name
// makes a file of it, except where some mailers name the body itself: in the
// first place, and without a Content-Disposition.
func (b *bodies) chooseLeaf(n *node, first bool) (text, html []*node) {
	isText, isHTML := n.contentType == "text/plain", n.contentType == "text/html"
	switch {
	case !isText && !isHTML, n.disposition.Value == "attachment":
	case n.filename() != "" && (!first || n.disposition.Value != ""):
	case n.start == n.end:
		b.taken[n] = true
	case isText:
		return []*node{n}, nil
	default:
		return nil, []*node{n}
	}
	return nil, nil
}

// relatedRoot returns the part that the others belong to: the one that the start
// parameter names, or else the first (RFC 2387 section 3.2).
func relatedRoot(n *node) *node {
	if start := strings.Trim(n.media.Text("start"), "<>"); start != "" {
		for _, c := range n.children {
			if c.contentID == start {
				return c
			}
		}
	}
	return n.children[0]
}

// markRelated notes that all leaves of n go with a text: with a Content-ID they
// are shown in its place, whatever their disposition is or lacks.
func (b *bodies) markRelated(n *node) {
	b.related[n] = true
	for _, c := range n.children {
		b.markRelated(c)
	}
}

// readBody decodes and joins the leaves of a body, up to maxBody octets of
// UTF-8. It returns nil where there is none.
func (m *Message) readBody(r io.ReaderAt, leaves []*node) (*Body, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	label, _ := header.Text(strings.ToLower(leaves[0].media.Text("charset")))
	body := &Body{Charset: label}
	var content strings.Builder
	for i, n := range leaves {
		if i > 0 {
			content.WriteByte('\n')
		}
		text, err := m.readText(r, n, body)
		if err != nil {
			return nil, err
		}
		content.WriteString(text)
		// Single leaves are bounded by readText; here their sum is, so that a
		// thousand of them cannot be a thousand times the bound.
		if content.Len() > maxBody {
			body.Truncated = true
		}
		if body.Truncated {
			m.cut(WarnBodyTooLong, n.path, fmt.Sprintf("text beyond %d octets was left out", maxBody))
			break
		}
	}
	body.Content = header.Cut(content.String(), maxBody)
	return body, nil
}

// readText decodes one leaf. It marks the body as truncated where the leaf alone
// is longer than a body may be.
func (m *Message) readText(r io.ReaderAt, n *node, body *Body) (string, error) {
	decoder := open(r, n.part())
	octets, err := io.ReadAll(io.LimitReader(decoder, maxBody+1))
	if err != nil {
		return "", fmt.Errorf("read part %q: %w", n.path, err)
	}
	if len(octets) > maxBody {
		// This may cut a character; charset.Decode copes.
		octets = octets[:maxBody]
		body.Truncated = true
	}
	if decoder.Damaged() {
		m.warn(WarnBadEncoding, n.path, "the part is not proper "+n.encoding)
	}
	label := n.media.Text("charset")
	text, outcome := charset.Decode(octets, label)
	switch outcome {
	case charset.Unknown:
		m.warn(WarnUnknownCharset, n.path, "unknown charset "+strconv.Quote(header.Cut(label, 40)))
	case charset.Mismatch:
		m.warn(WarnBadCharset, n.path, "the text is not in charset "+strconv.Quote(header.Cut(label, 40)))
	}
	return strings.ReplaceAll(text, "\r\n", "\n"), nil
}
