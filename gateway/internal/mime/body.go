package mime

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// bodies says which leaves are the bodies of a mail. All other leaves are
// attachments: a mail may show a variant or a picture to nobody, but the tenant
// gets every leaf.
type bodies struct {
	text, html []*structure.Node
	taken      map[*structure.Node]bool // bodies, and empty texts that are nothing
	related    map[*structure.Node]bool // leaves within multipart/related, but for its root
}

// sortBodies chooses the bodies.
func sortBodies(root *structure.Node) *bodies {
	b := &bodies{taken: make(map[*structure.Node]bool), related: make(map[*structure.Node]bool)}
	b.text, b.html = b.choose(root, true)
	for _, n := range slices.Concat(b.text, b.html) {
		b.taken[n] = true
	}
	return b
}

// choose returns the leaves of n that are bodies of each kind. first is true for
// the root and for first children: only there may a body have a file name.
func (b *bodies) choose(n *structure.Node, first bool) (text, html []*structure.Node) {
	if len(n.Children) == 0 {
		return b.chooseLeaf(n, first)
	}
	switch n.ContentType {
	case "multipart/alternative":
		// The best variant stands last (RFC 2046 section 5.1.4).
		for i, c := range n.Children {
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
		for _, c := range n.Children {
			if c != root {
				b.markRelated(c)
			}
		}
		return b.choose(root, true)
	}
	// RFC 2046 section 5.1.7: an unknown kind of multipart is read as mixed.
	for i, c := range n.Children {
		t, h := b.choose(c, i == 0)
		text, html = append(text, t...), append(html, h...)
	}
	return text, html
}

// chooseLeaf takes text/plain and text/html that is to be shown. A file name
// makes a file of it, except where some mailers name the body itself: in the
// first place, and without a Content-Disposition.
func (b *bodies) chooseLeaf(n *structure.Node, first bool) (text, html []*structure.Node) {
	isText, isHTML := n.ContentType == "text/plain", n.ContentType == "text/html"
	switch {
	case !isText && !isHTML, n.Disposition.Value == "attachment":
	case n.Filename() != "" && (!first || n.Disposition.Value != ""):
	case n.Part().Length == 0:
		b.taken[n] = true
	case isText:
		return []*structure.Node{n}, nil
	default:
		return nil, []*structure.Node{n}
	}
	return nil, nil
}

// relatedRoot returns the part that the others belong to: the one that the start
// parameter names, or else the first (RFC 2387 section 3.2).
func relatedRoot(n *structure.Node) *structure.Node {
	if start := strings.Trim(n.Media.Text("start"), "<>"); start != "" {
		for _, c := range n.Children {
			if c.ContentID == start {
				return c
			}
		}
	}
	return n.Children[0]
}

// markRelated notes that all leaves of n go with a text: with a Content-ID they
// are shown in its place, whatever their disposition is or lacks.
func (b *bodies) markRelated(n *structure.Node) {
	b.related[n] = true
	for _, c := range n.Children {
		b.markRelated(c)
	}
}
