package payload

import (
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/mime/report"
)

// What the view knows of a mail beside its text and attachments. Where there is
// nothing of a kind, the member is null.

func buildAutomatic(a *mime.Automatic) *document.Value {
	if a == nil {
		return document.Null()
	}
	return document.Object(member("kind", document.String(string(a.Kind))), member("signs", document.Strings(a.Signs)))
}

func buildReport(r *mime.Report) *document.Value {
	if r == nil {
		return document.Null()
	}
	recipients := array(r.Recipients, func(to report.Recipient) *document.Value {
		return document.Object(
			member("finalRecipient", document.StringOrNull(to.Final)),
			member("originalRecipient", document.StringOrNull(to.Original)),
			member("action", document.StringOrNull(to.Action)),
			member("status", document.StringOrNull(to.Status)),
			member("diagnosticCode", document.StringOrNull(to.DiagnosticCode)),
			member("remoteMta", document.StringOrNull(to.RemoteMTA)),
		)
	})
	feedback, disposition := document.Null(), document.Null()
	if f := r.Feedback; f != nil {
		feedback = document.Object(
			member("type", document.StringOrNull(f.Type)),
			member("userAgent", document.StringOrNull(f.UserAgent)),
			member("originalMailFrom", document.StringOrNull(f.OriginalMailFrom)),
			member("sourceIp", document.StringOrNull(f.SourceIP)),
			member("reportedDomains", document.Strings(f.ReportedDomains)),
		)
	}
	if d := r.Disposition; d != nil {
		disposition = document.Object(member("type", document.StringOrNull(d.Type)), member("automatic", document.Bool(d.Automatic)))
	}
	return document.Object(
		member("kind", document.String(r.Kind)),
		member("reporter", document.StringOrNull(r.Reporter)),
		member("originalMessageId", document.StringOrNull(r.OriginalMessageID)),
		member("recipients", recipients),
		member("feedback", feedback),
		member("disposition", disposition),
		member("truncated", document.Bool(r.Truncated)),
	)
}

func buildCalendar(c *mime.Calendar) *document.Value {
	if c == nil {
		return document.Null()
	}
	return document.Object(member("method", document.StringOrNull(c.Method)), member("uid", document.StringOrNull(c.UID)))
}

// buildTextParts says with what fidelity the parts of the bodies were read.
func buildTextParts(bodies ...*mime.Body) *document.Value {
	var parts []mime.TextPart
	for _, b := range bodies {
		if b != nil {
			parts = append(parts, b.Parts...)
		}
	}
	return array(parts, func(p mime.TextPart) *document.Value {
		return document.Object(
			member("part", document.StringOrNull(p.Path)),
			member("declaredCharset", document.StringOrNull(p.DeclaredCharset)),
			member("charset", document.StringOrNull(p.Charset)),
			member("replacedCharacters", document.Int(int64(p.Replaced))),
			member("truncated", document.Bool(p.Truncated)),
		)
	})
}

// buildParts gives the tree as a list, each part before those that it holds; the
// place of a part says where it hangs.
func buildParts(list []mime.Node) *document.Value {
	return array(list, func(n mime.Node) *document.Value {
		return document.Object(
			member("part", document.StringOrNull(n.Path)),
			member("contentType", document.String(n.ContentType)),
			member("charset", document.StringOrNull(n.Charset)),
			member("encoding", document.StringOrNull(n.Encoding)),
			member("disposition", document.StringOrNull(n.Disposition)),
			member("filename", document.StringOrNull(n.Filename)),
			member("encodedSize", document.Int(n.EncodedSize)),
			member("size", document.Int(n.Size)),
		)
	})
}
