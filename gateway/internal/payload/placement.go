package payload

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/postern-mail/postern/gateway/internal/document"
)

// Place is how a payload gives the content of an attachment.
type Place string

// The places.
const (
	Inline  Place = "inline" // in the payload, as base64
	ByURL   Place = "url"    // where a URL says
	Omitted Place = "omit"   // nowhere
)

// Placement is how an endpoint wants the content of attachments.
type Placement struct {
	// Attachments is the place of those that no bound applies to.
	Attachments Place
	// MaxInlineSize bounds the content of one attachment that is inline, and
	// MaxPayloadSize the payload that has any inline, both in octets; 0 means any.
	MaxInlineSize, MaxPayloadSize int64
	// Overflow is the place of content that is not inline for its size. Where it is
	// empty, nothing is moved.
	Overflow Place
}

// Placed is what a placement came to.
type Placed struct {
	Inline, ByURL, Omitted int
	// Size is the payload's, in octets.
	Size int64
}

// String tells it to people.
func (p Placed) String() string {
	return fmt.Sprintf("inline: %d, by URL: %d, omitted: %d; payload: %d octets", p.Inline, p.ByURL, p.Omitted, p.Size)
}

// Link makes the URL that a part's content is to be had at.
type Link func(document.Part) string

// PlaceContent decides for each attachment of a document where its content goes. Where
// the payload would be too large, the largest are moved first, and none for which
// its URL would take more than its content.
func PlaceContent(d *document.Document, p Placement, link Link) (Placed, error) {
	m := mover{doc: d, link: link}
	for _, i := range m.begin() {
		place := cmp.Or(p.Attachments, Inline)
		if place == Inline && p.MaxInlineSize > 0 && d.Parts[i].Size > p.MaxInlineSize {
			place = cmp.Or(p.Overflow, Inline)
		}
		m.move(i, place)
	}
	size, err := d.EncodedSize()
	if err != nil {
		return Placed{}, err
	}
	if p.MaxPayloadSize > 0 && p.Overflow != "" {
		m.shrink(size-p.MaxPayloadSize, p.Overflow)
	}
	return m.placed()
}

// MoveContent moves all content that is inline, where that makes the payload smaller:
// what is done for an endpoint that calls it too large. It reports how many
// attachments that were.
func MoveContent(d *document.Document, p Placement, link Link) (moved int, now Placed, err error) {
	if p.Overflow == "" {
		return 0, Placed{}, nil
	}
	m := mover{doc: d, link: link}
	m.begin()
	moved = m.shrink(1<<62, p.Overflow)
	now, err = m.placed()
	return moved, now, err
}

// mover moves content out of a document.
type mover struct {
	doc  *document.Document
	link Link
	used []int // the parts that the payload refers to
}

func (m *mover) begin() []int {
	m.doc.Parts = slices.Clone(m.doc.Parts) // other documents may share them
	m.used = m.doc.Placed()
	return m.used
}

func (m *mover) move(i int, to Place) {
	part := &m.doc.Parts[i]
	switch part.URL, part.Omitted = "", to == Omitted; to {
	case ByURL:
		part.URL = m.link(*part)
	case Inline, Omitted:
	}
}

// shrink moves content, the largest first, until the payload is smaller by at least
// excess octets, or nothing is left that would make it smaller.
func (m *mover) shrink(excess int64, to Place) (moved int) {
	largest := slices.Clone(m.used)
	slices.SortStableFunc(largest, func(a, b int) int { return cmp.Compare(m.doc.Parts[b].Size, m.doc.Parts[a].Size) })
	for _, i := range largest {
		if excess <= 0 {
			break
		}
		before := m.doc.Parts[i]
		if !before.Inline() {
			continue
		}
		m.move(i, to)
		gain := encodedContent(before) - encodedContent(m.doc.Parts[i])
		if gain <= 0 {
			m.doc.Parts[i] = before
			continue
		}
		excess -= gain
		moved++
	}
	return moved
}

// encodedContent is what a part takes in the payload.
func encodedContent(p document.Part) int64 {
	switch {
	case p.Inline():
		return int64(len(`""`) + base64.StdEncoding.EncodedLen(int(p.Size)))
	case p.URL != "":
		return int64(len(`null,"url":""`) + len(p.URL))
	default:
		return int64(len(`null`))
	}
}

// placed counts where content is now.
func (m *mover) placed() (Placed, error) {
	var p Placed
	for _, i := range m.used {
		switch part := m.doc.Parts[i]; {
		case part.Inline():
			p.Inline++
		case part.URL != "":
			p.ByURL++
		default:
			p.Omitted++
		}
	}
	size, err := m.doc.EncodedSize()
	p.Size = size
	return p, err
}
