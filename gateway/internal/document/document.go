// Package document holds the payload in the making: a JSON tree whose objects
// keep their order, and the places of the attachments' content in the raw
// message.
//
// # Invariants
//
// A tree is always writable as JSON: strings are valid UTF-8, numbers are JSON
// numbers, names within an object are unique. Encode is a pure function of the
// tree and of what the part writer writes, so that every attempt of a delivery
// sends the same bytes.
//
// # Parts
//
// The content of an attachment never stands in the tree. The attachment's object
// has a member named [PartName] that counts into [Document.Parts]; Encode writes
// the member "content" in its place, streamed as base64, or as null where the part
// is not inline, with the member "url" behind it where it has one. The member
// belongs to the host: whoever lets a guest edit the tree must not let it make one.
package document

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// PartName is the member that stands for an attachment's content.
const PartName = "$part"

// contentName and urlName are the members that PartName becomes in the payload.
const (
	contentName = "content"
	urlName     = "url"
)

// Document is one payload before it is rendered.
type Document struct {
	Root *Value
	// Parts are what the PartName members count into, from 0.
	Parts []Part
}

// Part says where the content of one attachment lies in the raw message, and how the
// payload gives it, so that a payload can be rendered from document and raw message
// alone, without parsing again.
type Part struct {
	// Offset and Length bound the encoded octets within the raw message.
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
	// Encoding is the Content-Transfer-Encoding in lower case: "base64",
	// "quoted-printable", or anything else for octets as they are.
	Encoding string `json:"encoding,omitempty"`

	// Size is the length of the content, in octets; Filename, which is safe, and
	// ContentType are what a download of it says.
	Size        int64  `json:"size,omitempty"`
	Filename    string `json:"filename,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	// URL is where the content is to be had that the payload does not hold. Where
	// Omitted is true, it holds neither.
	URL     string `json:"url,omitempty"`
	Omitted bool   `json:"omitted,omitempty"`
}

// Inline reports whether the payload holds the part's content.
func (p Part) Inline() bool { return p.URL == "" && !p.Omitted }

// stored is the durable form of a Document.
type stored struct {
	Parts []Part          `json:"parts,omitempty"`
	Root  json.RawMessage `json:"root"`
}

// Marshal returns the form of the document that the store keeps.
func (d *Document) Marshal() ([]byte, error) {
	// By hand: json.Marshal would copy the root twice, and write <, > and & as six
	// octets each.
	out := writer{keepParts: true, buf: []byte{'{'}}
	if len(d.Parts) > 0 {
		parts, err := json.Marshal(d.Parts)
		if err != nil {
			return nil, fmt.Errorf("marshal document: %w", err)
		}
		out.buf = append(append(append(out.buf, `"parts":`...), parts...), ',')
	}
	out.buf = append(out.buf, `"root":`...)
	if err := d.Root.encode(&out); err != nil {
		return nil, fmt.Errorf("marshal document: %w", err)
	}
	return append(out.buf, '}'), nil
}

// Unmarshal reads what Marshal wrote.
func Unmarshal(b []byte) (*Document, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("unmarshal document: %w", err)
	}
	root, err := Parse(s.Root)
	if err != nil {
		return nil, fmt.Errorf("unmarshal document: %w", err)
	}
	if err := root.restoreParts(len(s.Parts)); err != nil {
		return nil, fmt.Errorf("unmarshal document: %w", err)
	}
	return &Document{Root: root, Parts: s.Parts}, nil
}

// restoreParts turns the PartName members of a parsed tree back into parts.
func (v *Value) restoreParts(parts int) error {
	for i := range v.items {
		if err := v.items[i].restoreParts(parts); err != nil {
			return err
		}
	}
	for i := range v.members {
		m := &v.members[i]
		if m.Name != PartName {
			if err := m.Value.restoreParts(parts); err != nil {
				return err
			}
			continue
		}
		n, err := strconv.Atoi(m.Value.text)
		if m.Value.kind != kindNumber || err != nil || n < 0 || n >= parts {
			return fmt.Errorf("%s is not that of an attachment", PartName)
		}
		m.Value = partValue(n)
	}
	return nil
}
