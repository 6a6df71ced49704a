package plugin

import (
	"errors"
	"io"
	"time"

	"github.com/postern-mail/postern/sdk/go/internal/abi"
)

// Envelope is what the SMTP client said about the mail, and the session that it
// said it in.
type Envelope struct {
	// DeliveryID is the webhook-id of this delivery.
	DeliveryID string
	Tenant     string
	// Alias is the alias that matched, as the configuration names it.
	Alias string
	// MailFrom is the reverse-path; empty for the null reverse-path <>.
	MailFrom string
	// RcptTo is the one recipient that this run is for.
	RcptTo   string
	HELO     string
	RemoteIP string
	// TLS is true where the session was encrypted.
	TLS        bool
	ReceivedAt time.Time
}

// Envelope asks for the permission "envelope".
func (m *Mail) Envelope() Envelope {
	s := abi.Envelope(m.fixture)
	return Envelope{
		DeliveryID: s.DeliveryID, Tenant: s.Tenant, Alias: s.Alias, MailFrom: s.MailFrom, RcptTo: s.RcptTo,
		HELO: s.Helo, RemoteIP: s.RemoteIP, TLS: s.TLS, ReceivedAt: time.UnixMilli(int64(s.ReceivedAt)).UTC(),
	}
}

// Field is a header field, unfolded and decoded to UTF-8.
type Field struct {
	Name  string
	Value string
}

// Headers returns the fields of the header in their order, with repeats. It asks
// for the permission "headers".
func (m *Mail) Headers() []Field {
	fields := abi.Headers(m.fixture)
	list := make([]Field, len(fields))
	for i, f := range fields {
		list[i] = Field(f)
	}
	return list
}

// Header returns the first value of a field, or "". The letter case of the name
// does not matter. It asks for the permission "headers".
func (m *Mail) Header(name string) string {
	if values := abi.Header(m.fixture, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// HeaderValues returns every value of a field. It asks for the permission
// "headers".
func (m *Mail) HeaderValues(name string) []string { return abi.Header(m.fixture, name) }

// Body is a readable body, decoded to UTF-8.
type Body struct {
	Text string
	// Truncated is true where the body was longer than 4 MiB.
	Truncated bool
}

// Text returns the plain text body; ok is false where the mail has none. It asks
// for the permission "body".
func (m *Mail) Text() (body Body, ok bool) {
	c, ok := abi.Text(m.fixture)
	return Body(c), ok
}

// HTML returns the HTML body; ok is false where the mail has none. It asks for
// the permission "body".
func (m *Mail) HTML() (body Body, ok bool) {
	c, ok := abi.HTML(m.fixture)
	return Body(c), ok
}

// Attachment is an attachment or inline part.
type Attachment struct {
	// Filename is as the sender chose it, and no path; empty where there is none.
	Filename    string
	ContentType string
	// Size counts the decoded octets.
	Size int64
	// ContentID is empty where there is none.
	ContentID string
	Inline    bool
	// SHA256 is of the decoded octets, in hexadecimal.
	SHA256 string

	fixture *abi.Fixture
	index   uint32
}

// Attachments lists the attachments and inline parts. It asks for the permission
// "attachments".
func (m *Mail) Attachments() []Attachment {
	parts := abi.Attachments(m.fixture)
	list := make([]Attachment, len(parts))
	for i, p := range parts {
		list[i] = Attachment{
			Filename: p.Filename, ContentType: p.ContentType, Size: int64(p.Size), ContentID: p.ContentID,
			Inline: p.Inline, SHA256: p.SHA256, fixture: m.fixture, index: uint32(i),
		}
	}
	return list
}

// Open returns the decoded octets. They are fetched slice by slice as they are
// read.
func (a Attachment) Open() io.Reader {
	return &reader{read: func(offset uint64, length uint32) ([]byte, string) {
		return abi.ReadAttachment(a.fixture, a.index, offset, length)
	}}
}

// RawSize returns the length of the raw message in octets. It asks for the
// permission "raw".
func (m *Mail) RawSize() int64 { return int64(abi.RawSize(m.fixture)) }

// Raw returns the raw message, exactly as received. It is fetched slice by slice
// as it is read. It asks for the permission "raw".
func (m *Mail) Raw() io.Reader {
	return &reader{read: func(offset uint64, length uint32) ([]byte, string) {
		return abi.ReadRaw(m.fixture, offset, length)
	}}
}

// reader reads from the host.
type reader struct {
	read   func(offset uint64, length uint32) ([]byte, string)
	offset uint64
}

// sliceSize is how much is fetched from the host at the most.
const sliceSize = 256 << 10

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, failed := r.read(r.offset, uint32(min(len(p), sliceSize)))
	if failed != "" {
		return 0, errors.New(failed)
	}
	if len(b) == 0 {
		return 0, io.EOF
	}
	r.offset += uint64(len(b))
	return copy(p, b), nil
}

// Report is what one of the gateway's scanners said.
type Report struct {
	// Engine is "rspamd", "clamav", "spf", "dkim", "dmarc", …
	Engine string
	// Part is the attachment it is about, counted from 0; -1 for the whole mail.
	Part int
	// Answer is JSON: the engine's own, or the form that wit/README.md gives.
	Answer []byte
}

// Scans lists what the gateway's scanners said. It asks for the permission
// "scans".
func (m *Mail) Scans() []Report {
	reports := abi.Scans(m.fixture)
	list := make([]Report, len(reports))
	for i, r := range reports {
		list[i] = Report{Engine: r.Engine, Part: -1, Answer: []byte(r.Answer)}
		if r.HasPart {
			list[i].Part = int(r.Part)
		}
	}
	return list
}
