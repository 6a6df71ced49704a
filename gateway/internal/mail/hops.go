package mail

import "bytes"

// LoopField names the field by which a gateway knows a mail that it has passed on itself; its
// value is the gateway's host name.
const LoopField = "X-Postern-Loop"

const (
	// maxHops is how many Received fields a mail may have before it is taken to go
	// round in circles (RFC 5321 section 6.3).
	maxHops = 50
	// maxOwn is how often one gateway may have passed it on. A mail may come back for a reason.
	maxOwn = 3
)

// Hops counts the fields that show how often a mail was passed on. It is given the mail's octets
// piece by piece.
type Hops struct {
	received, own int
	ownLine       []byte // LoopField of the gateway, in lower case
	line          []byte // the beginning of the current line
	ended         bool
}

// NewHops returns one for the gateway of a host name.
func NewHops(host string) *Hops {
	return &Hops{ownLine: bytes.ToLower([]byte(LoopField + ": " + host))}
}

// Count counts on. It does nothing after the end of the header.
func (h *Hops) Count(p []byte) {
	for _, b := range p {
		switch {
		case h.ended:
			return
		case b == '\n' && len(h.line) == 0:
			h.ended = true
		case b == '\n':
			h.endLine()
		case b != '\r' && len(h.line) <= max(len(h.ownLine), len(received)):
			h.line = append(h.line, b)
		}
	}
}

const received = "received:"

func (h *Hops) endLine() {
	switch {
	case len(h.line) >= len(received) && bytes.EqualFold(h.line[:len(received)], []byte(received)):
		h.received++
	case bytes.EqualFold(h.line, h.ownLine):
		h.own++
	}
	h.line = h.line[:0]
}

// Ended reports whether the header has ended.
func (h *Hops) Ended() bool { return h.ended }

// Looping reports whether the mail has been passed on so often that it goes round in circles.
func (h *Hops) Looping() bool { return h.received > maxHops || h.own > maxOwn }
