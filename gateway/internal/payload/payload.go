// Package payload makes what a webhook says about a mail: the document, from the
// parsed view and the facts of the transaction, and the payload's bytes, from
// the document and the raw message.
//
// # Invariants
//
// Build and Render are pure: the same mail, facts and document give the same
// bytes, so every attempt of a delivery sends the same payload. The content of
// attachments is streamed from the raw message and is never whole in memory.
//
// The fields "message", "integrity" and "security" are those of the product's payload
// reference, field for field; "id", "schema", "timestamp", "tenant", "envelope"
// and "parse_warnings" are added beside them and never change their meaning.
package payload

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
)

// Schema is the version of the payload's form. It grows by a minor number when
// fields are added and by a major one when a field changes its meaning.
const Schema = "1.0"

// timeLayout is ISO 8601 in UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Facts are what the document says beside the mail itself.
type Facts struct {
	ID         mail.DeliveryID
	Tenant     string
	Alias      string
	Recipient  string
	Envelope   mail.Envelope
	ReceivedAt time.Time
	// SHA256 is the hex hash of the octets exactly as received.
	SHA256 string
	// Virus is what the virus scanner came to; nil where the mail was not to be shown
	// to it, and the payload says nothing about it.
	Virus *VirusScan
}

// Build makes the document of one delivery.
func Build(m *mime.Message, f Facts) *document.Document {
	attachments, parts := buildAttachments(m.Attachments, f.Virus)
	members := []document.Member{
		member("id", document.String(string(f.ID))),
		member("schema", document.String(Schema)),
		member("timestamp", timestamp(f.ReceivedAt)),
		member("tenant", document.String(f.Tenant)),
		member("message", buildMessage(m, f, attachments)),
		member("integrity", document.Object(
			member("contentHash", document.String(ContentHash(contentOf(m, f)))),
			member("rawEmailHash", document.String(f.SHA256)),
		)),
	}
	if f.Virus != nil {
		members = append(members, member("security", f.Virus.section()))
	}
	members = append(members, member("envelope", buildEnvelope(m, f)), member("parse_warnings", buildWarnings(m.Warnings)), member("truncated", document.Bool(m.Truncated)))
	return &document.Document{Root: document.Object(members...), Parts: parts}
}

// Render writes the payload of a document whose raw message is raw. It fails with
// [io.ErrUnexpectedEOF] where raw ends within a part.
func Render(w io.Writer, d *document.Document, raw io.ReaderAt) error {
	return d.Encode(w, func(w io.Writer, p document.Part) error {
		_, err := io.Copy(w, mime.Open(wholeParts{raw}, p))
		return err
	})
}

// wholeParts makes an error of an end that comes too early: a part is read no
// further than its length, so a short read means that octets are gone, and half
// an attachment must not look like a whole one.
type wholeParts struct{ raw io.ReaderAt }

func (r wholeParts) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.raw.ReadAt(p, off)
	if n < len(p) && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func buildMessage(m *mime.Message, f Facts, attachments *document.Value) *document.Value {
	date := m.Date
	// A sender's zone can carry a year of four digits out of timeLayout's reach.
	if year := date.UTC().Year(); date.IsZero() || year < 1 || year > 9999 {
		date = f.ReceivedAt
	}
	return document.Object(
		member("date", timestamp(date)),
		member("sender", address(sender(m, f))),
		member("content", document.Object(
			member("text", body(m.Text)),
			member("html", body(m.HTML)),
			member("links", buildLinks(m.Links)),
		)),
		member("subject", document.String(m.Subject)),
		member("recipient", address(recipient(m, f.Recipient))),
		member("attachments", attachments),
		member("from", addresses(m.From)),
		member("senderField", addresses(m.Sender)),
		member("messageId", document.StringOrNull(m.MessageID)),
		member("threadId", document.StringOrNull(m.ThreadID)),
		member("inReplyTo", document.Strings(m.InReplyTo)),
		member("references", document.Strings(m.References)),
		member("to", addresses(m.To)),
		member("cc", addresses(m.Cc)),
		member("replyTo", addresses(m.ReplyTo)),
		member("headers", buildHeaders(m.Fields)),
		member("automatic", buildAutomatic(m.Automatic)),
		member("report", buildReport(m.Report)),
		member("textParts", buildTextParts(m.Text, m.HTML)),
		member("parts", buildParts(m.Tree)),
	)
}

// sender is who the mail says wrote it, or else who the envelope says sent it.
func sender(m *mime.Message, f Facts) mail.Address {
	for _, list := range [][]mail.Address{m.From, m.Sender} {
		if len(list) > 0 {
			return list[0]
		}
	}
	// Unlike m, the envelope may hold anything; the hash is over what the payload says.
	return mail.Address{Address: strings.ToValidUTF8(f.Envelope.ReversePath, "\uFFFD")}
}

// recipient is the envelope's recipient, by the name that the mail calls it.
func recipient(m *mime.Message, addr string) mail.Address {
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			if a.Name != "" && strings.EqualFold(a.Address, addr) {
				return mail.Address{Name: a.Name, Address: addr}
			}
		}
	}
	return mail.Address{Address: addr}
}

func buildAttachments(list []mime.Attachment, virus *VirusScan) (*document.Value, []document.Part) {
	items := make([]*document.Value, len(list))
	parts := make([]document.Part, len(list))
	for i, a := range list {
		content := document.PartMember(i)
		if virus.excludes(i) {
			// The part stays empty: whoever edits the document cannot bring it back.
			content = member("content", document.Null())
		} else {
			parts[i] = partOf(a)
		}
		items[i] = document.Object(append([]document.Member{
			member("filename", document.StringOrNull(a.Filename)),
			member("contentType", document.String(a.ContentType)),
			member("size", document.Int(a.Size)),
			content,
			member("contentId", document.StringOrNull(a.ContentID)),
			member("inline", document.Bool(a.Inline)),
			member("sha256", document.String(a.SHA256)),
			member("part", document.StringOrNull(a.Path)),
			member("safeFilename", document.String(a.SafeFilename)),
			member("subject", document.StringOrNull(a.Subject)),
			member("calendar", buildCalendar(a.Calendar)),
		}, virus.attachment(i)...)...)
	}
	return document.Array(items...), parts
}

// maxPartType bounds the content type of a part, which its URL says, in octets.
const maxPartType = 255

// partOf says what rendering and download have to know of an attachment.
func partOf(a mime.Attachment) document.Part {
	p := a.Part
	p.Size, p.Filename = a.Size, a.SafeFilename
	if len(a.ContentType) <= maxPartType {
		p.ContentType = a.ContentType
	}
	return p
}

func buildEnvelope(m *mime.Message, f Facts) *document.Value {
	s := f.Envelope.Session
	ip := ""
	if s.RemoteIP.IsValid() {
		ip = s.RemoteIP.String()
	}
	return document.Object(
		member("mailFrom", document.StringOrNull(f.Envelope.ReversePath)),
		member("rcptTo", document.String(f.Recipient)),
		member("alias", document.String(f.Alias)),
		member("helo", document.StringOrNull(s.HELO)),
		member("remoteIp", document.StringOrNull(ip)),
		member("tls", document.Bool(s.TLS != "")),
		member("receivedAt", timestamp(f.ReceivedAt)),
		member("blindCopy", document.Bool(!names(m, f.Recipient))),
	)
}

// names reports whether a mail is addressed to a recipient, as far as it says.
func names(m *mime.Message, recipient string) bool {
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			if strings.EqualFold(a.Address, recipient) {
				return true
			}
		}
	}
	return false
}

func buildLinks(list []mime.Link) *document.Value {
	return array(list, func(l mime.Link) *document.Value {
		return document.Object(member("url", document.String(l.URL)), member("text", document.String(l.Text)), member("otherHost", document.Bool(l.OtherHost)))
	})
}

func buildHeaders(list []mime.Field) *document.Value {
	return array(list, func(f mime.Field) *document.Value {
		return document.Object(member("name", document.String(f.Name)), member("value", document.String(f.Value)))
	})
}

func buildWarnings(list []mime.Warning) *document.Value {
	return array(list, func(w mime.Warning) *document.Value {
		return document.Object(
			member("code", document.String(w.Code)),
			member("part", document.StringOrNull(w.Part)),
			member("text", document.String(w.Text)),
		)
	})
}

// array makes a JSON array of what value makes of each entry.
func array[T any](list []T, value func(T) *document.Value) *document.Value {
	items := make([]*document.Value, len(list))
	for i, entry := range list {
		items[i] = value(entry)
	}
	return document.Array(items...)
}

func addresses(list []mail.Address) *document.Value {
	return array(list, address)
}

func address(a mail.Address) *document.Value {
	return document.Object(member("name", document.StringOrNull(a.Name)), member("email", document.StringOrNull(a.Address)))
}

func body(b *mime.Body) *document.Value {
	if b == nil {
		return document.Null()
	}
	return document.String(b.Content)
}

func timestamp(t time.Time) *document.Value { return document.String(t.UTC().Format(timeLayout)) }

func member(name string, v *document.Value) document.Member {
	return document.Member{Name: name, Value: v}
}
