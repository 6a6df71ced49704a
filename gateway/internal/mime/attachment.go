package mime

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/calendar"
	"github.com/postern-mail/postern/gateway/internal/mime/charset"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/report"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// readAttachments measures every leaf that is not a body, in order.
func (p *parser) readAttachments(n *structure.Node, bodies *bodies) error {
	if len(n.Children) == 0 {
		if bodies.taken[n] {
			return nil
		}
		a, err := p.readAttachment(n)
		if err != nil {
			return err
		}
		a.Inline = n.Disposition.Value == "inline" || (n.ContentID != "" && bodies.related[n])
		p.msg.Attachments = append(p.msg.Attachments, a)
		return nil
	}
	for _, c := range n.Children {
		if err := p.readAttachments(c, bodies); err != nil {
			return err
		}
	}
	return nil
}

// readAttachment streams one leaf. Its octets are read this once, whatever is to be
// known of them.
func (p *parser) readAttachment(n *structure.Node) (Attachment, error) {
	a := Attachment{
		Path:        n.Path,
		Filename:    n.Filename(),
		ContentType: n.ContentType,
		ContentID:   n.ContentID,
		Part:        n.Part(),
	}
	a.SafeFilename = p.names.Add(a.Filename, a.ContentType)
	// Only the hash and the length stay, and of some parts the beginning: a part
	// may be as large as a mail.
	content := p.open(a.Part)
	hash := sha256.New()
	p.head = prefix{octets: p.head.octets[:0], limit: p.headOf(n)}
	var err error
	if p.head.limit == 0 {
		a.Size, err = io.Copy(hash, content)
	} else {
		a.Size, err = io.Copy(io.MultiWriter(hash, &p.head), content)
	}
	if err != nil {
		return a, fmt.Errorf("read part %q: %w", n.Path, err)
	}
	if content.Damaged() {
		p.notes.Warn(structure.WarnBadEncoding, n.Path, "the part is not proper "+n.Encoding)
	}
	p.sizes[n] = a.Size
	a.SHA256 = hex.EncodeToString(hash.Sum(nil))
	p.readHead(n, &a)
	return a, nil
}

// headOf returns how many of the first octets of a part are to be kept for
// readHead.
func (p *parser) headOf(n *structure.Node) int {
	switch {
	case n == p.status, calendar.Is(n.ContentType):
		return maxFacts
	case n == p.original, isEnclosed(n):
		return maxEnclosed
	}
	return 0
}

// isEnclosed reports whether a leaf is a whole message. It is not parsed further:
// whoever wants its parts has its octets, and a mail in a mail in a mail costs
// nothing.
func isEnclosed(n *structure.Node) bool {
	return n.ContentType == "message/rfc822" || n.ContentType == "message/global"
}

// readHead reads what the beginning of a part tells about the part or the mail.
func (p *parser) readHead(n *structure.Node, a *Attachment) {
	octets := p.head.octets
	if calendar.Is(n.ContentType) {
		// A UID behind the bound is one behind 256 KiB of time zones: it is left out.
		text := charset.Decode(octets, n.Media.Text("charset")).Content
		o := calendar.Read(text, n.Media.Text("method"))
		a.Calendar = &o
	}
	if isEnclosed(n) {
		fields, _ := structure.Header(octets)
		for _, f := range fields { // of a repeated one the first counts, as in the mail itself
			if strings.EqualFold(f.Name, "subject") {
				a.Subject, _ = header.Text(string(f.Value))
				break
			}
		}
	}
	switch n {
	case p.status:
		r := report.Read(report.Kind(n.ContentType), octets)
		if r.Truncated = r.Truncated || p.head.cut; r.Truncated {
			p.notes.Cut(structure.WarnTooManyEntries, n.Path, "the rest of the report was left out")
		}
		p.msg.Report = r
	case p.original: // stands behind the status
		p.msg.Report.SetOriginal(octets)
	}
}

// findReport finds the parts of the first report (RFC 6522 section 3): the one
// for programs, and the mail behind it that it is about. A part of fields
// elsewhere is a file that somebody attached.
func (p *parser) findReport(n *structure.Node) {
	if p.status != nil {
		return
	}
	for _, c := range n.Children {
		switch {
		case n.ContentType != "multipart/report" || len(c.Children) > 0:
			p.findReport(c)
		case p.status == nil && report.Kind(c.ContentType) != "":
			p.status = c
		case p.status != nil && p.original == nil && report.IsOriginal(c.ContentType):
			p.original = c
		}
	}
}
