package reception

import (
	"bytes"
	"crypto/sha256"
	"hash"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// maxMessageID is how much of a Message-ID field counts, in octets.
const maxMessageID = 4096

// digester works out the [store.Digest] of a mail as it streams by: SHA-256 over the value of its
// first Message-ID field and the octets after the header section. Servers add header fields and
// change some; neither of these do they touch. A mail without a Message-ID is known by all of its octets.
//
// The zero value is not ready; see newDigester.
type digester struct {
	all  hash.Hash // what is known of a mail without a Message-ID
	body hash.Hash // from when the header section has ended
	// line holds what counts of the line under way, which has so many octets.
	line   []byte
	octets int64
	field  bool // the line before belongs to the Message-ID
	found  bool // there was a Message-ID, which is value
	value  []byte
}

func newDigester() *digester {
	return &digester{all: sha256.New()}
}

// Write implements io.Writer. It never fails.
func (d *digester) Write(p []byte) (int, error) {
	n := len(p)
	d.all.Write(p)
	for d.body == nil && len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		d.line = append(d.line, line[:min(len(line), maxMessageID-len(d.line))]...)
		d.octets += int64(len(line))
		if p = rest; ended {
			d.endLine()
		}
	}
	if d.body != nil {
		d.body.Write(p)
	}
	return n, nil
}

// endLine takes a line of the header section, or ends it.
func (d *digester) endLine() {
	line := d.line
	blank := d.octets == 0 || d.octets == 1 && line[0] == '\r'
	d.line, d.octets = d.line[:0], 0
	if blank {
		d.body = sha256.New()
		// The length stands before it, so that no octet can be of either.
		d.body.Write(append(d.value, 0))
		d.line = nil
		return
	}
	if line[0] == ' ' || line[0] == '\t' {
		if d.field {
			d.add(line)
		}
		return
	}
	name, value, _ := bytes.Cut(line, []byte{':'})
	d.field = !d.found && bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte("Message-ID"))
	if d.field {
		d.found = true
		d.add(value)
	}
}

// add adds to the value, whose white space at the ends of lines does not count.
func (d *digester) add(text []byte) {
	text = bytes.TrimSpace(text)
	d.value = append(d.value, text[:min(len(text), maxMessageID-len(d.value))]...)
}

// Sum returns the digest of what was written.
func (d *digester) Sum() (digest store.Digest) {
	switch {
	case len(d.value) == 0:
		d.all.Sum(digest[:0])
	case d.body == nil: // it ends within its header
		digest = sha256.Sum256(append(d.value, 0))
	default:
		d.body.Sum(digest[:0])
	}
	return digest
}
