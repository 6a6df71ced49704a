package payload

import (
	"cmp"
	"fmt"
	"math"
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

// LeavesAll reports whether all content stays inline, whatever a mail holds.
func (p Placement) LeavesAll() bool {
	return cmp.Or(p.Attachments, Inline) == Inline && p.MaxInlineSize == 0 && p.MaxPayloadSize == 0
}

// Placed is what a placement came to.
type Placed struct {
	Inline, ByURL, Omitted int
	// Size is the payload's, in octets, and Excess by how much it is still above
	// MaxPayloadSize: what stands in it beside attachments is never moved.
	Size, Excess int64
}

// String tells it to people.
func (p Placed) String() string {
	text := fmt.Sprintf("inline: %d, by URL: %d, omitted: %d; payload: %d octets", p.Inline, p.ByURL, p.Omitted, p.Size)
	if p.Excess > 0 {
		text += fmt.Sprintf(", %d above max_payload_size", p.Excess)
	}
	return text
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
	excess := int64(0)
	if p.MaxPayloadSize > 0 {
		excess = max(size-p.MaxPayloadSize, 0)
	}
	if excess > 0 && p.Overflow != "" {
		_, gained := m.shrink(excess, p.Overflow)
		size, excess = size-gained, max(excess-gained, 0)
	}
	placed := m.placed()
	placed.Size, placed.Excess = size, excess
	return placed, nil
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
	if moved, _ = m.shrink(math.MaxInt64, p.Overflow); moved == 0 {
		return 0, Placed{}, nil
	}
	now = m.placed()
	now.Size, err = d.EncodedSize()
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
	m.used = m.doc.UsedParts()
	return m.used
}

func (m *mover) move(i int, to Place) {
	part := &m.doc.Parts[i]
	part.URL, part.Omitted = "", to == Omitted
	if to == ByURL {
		part.URL = m.link(*part)
	}
}

// shrink moves content, the largest first, until the payload is smaller by at least
// excess octets, or nothing is left that would make it smaller.
func (m *mover) shrink(excess int64, to Place) (moved int, gained int64) {
	largest := slices.Clone(m.used)
	slices.SortStableFunc(largest, func(a, b int) int { return cmp.Compare(m.doc.Parts[b].Size, m.doc.Parts[a].Size) })
	for _, i := range largest {
		if gained >= excess {
			break
		}
		before := m.doc.Parts[i]
		if !before.Inline() {
			continue
		}
		m.move(i, to)
		gain := before.EncodedSize() - m.doc.Parts[i].EncodedSize()
		if gain <= 0 {
			m.doc.Parts[i] = before
			continue
		}
		gained += gain
		moved++
	}
	return moved, gained
}

// placed counts where content is now.
func (m *mover) placed() Placed {
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
	return p
}
