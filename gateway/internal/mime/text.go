package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/mime/charset"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
	"github.com/postern-mail/postern/gateway/internal/mime/transfer"
)

// readBody decodes and joins the leaves of a body, up to maxBody octets of
// UTF-8. It returns nil where there is none.
func (p *parser) readBody(leaves []*structure.Node) (*Body, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	body := &Body{Charset: declaredCharset(leaves[0])}
	var content strings.Builder
	for i, n := range leaves {
		if i > 0 && !body.Truncated {
			content.WriteByte('\n')
		}
		text, err := p.readText(n, body)
		if err != nil {
			return nil, err
		}
		if len(leaves) == 1 {
			body.Content = text
			break
		}
		content.WriteString(text)
		// Single leaves are bounded by readText; here their sum is, so that a
		// thousand of them cannot be a thousand times the bound.
		if content.Len() > maxBody && !body.Truncated {
			body.Truncated, body.Parts[i].Truncated = true, true
		}
	}
	if len(leaves) > 1 {
		body.Content = content.String()
	}
	if len(body.Content) > maxBody {
		// What a charset makes of its octets may be longer than they are.
		body.Content = header.Cut(body.Content, maxBody)
		body.Truncated, body.Parts[len(body.Parts)-1].Truncated = true, true
	}
	if body.Truncated {
		p.notes.Cut(structure.WarnBodyTooLong, body.firstTruncated(), fmt.Sprintf("text beyond %d octets was left out", maxBody))
	}
	return body, nil
}

// firstTruncated returns the place of the part in which the bound was met.
func (b *Body) firstTruncated() string {
	for _, part := range b.Parts {
		if part.Truncated {
			return part.Path
		}
	}
	return ""
}

// readText decodes one leaf and tells body about it. It marks the body as
// truncated where the leaf alone is longer than a body may be. Once it is, leaves
// are only measured.
func (p *parser) readText(n *structure.Node, body *Body) (string, error) {
	decoder, isBase64, err := p.openText(n)
	if err != nil {
		return "", fmt.Errorf("read part %q: %w", n.Path, err)
	}
	head := prefix{limit: maxBody}
	if body.Truncated {
		head.limit = 0
	}
	// Decoding only shrinks.
	head.octets = make([]byte, 0, min(n.Part().Length, int64(head.limit)))
	size, err := io.Copy(&head, decoder)
	if err != nil {
		return "", fmt.Errorf("read part %q: %w", n.Path, err)
	}
	p.sizes[n] = size
	switch {
	case !isBase64:
		p.notes.Warn(structure.WarnBadEncoding, n.Path, "the part is no base64 at all; it is read as it is")
	case decoder.Damaged():
		p.notes.Warn(structure.WarnBadEncoding, n.Path, "the part is not proper "+n.Encoding)
	}
	part := TextPart{Path: n.Path, DeclaredCharset: declaredCharset(n), Truncated: head.cut}
	if body.Truncated { // before this leaf
		part.Truncated = true
		body.Parts = append(body.Parts, part)
		return "", nil
	}
	body.Truncated = head.cut
	text := p.decodeText(n, head.octets, head.cut)
	part.Charset = text.Charset
	content := cleanText(text.Content)
	part.Replaced = text.Replaced()
	body.Parts = append(body.Parts, part)
	return content, nil
}

// openText begins to decode a leaf. isBase64 is false where its encoding is said
// to be base64 and its first line is plain text, which is then not decoded:
// nothing readable would come of it.
func (p *parser) openText(n *structure.Node) (decoder *transfer.Reader, isBase64 bool, err error) {
	part := n.Part()
	decoder = p.open(part)
	if part.Encoding != "base64" {
		return decoder, true, nil
	}
	content := io.NewSectionReader(p.raw, part.Offset, part.Length)
	var first [200]byte // more than two lines of base64
	m, err := io.ReadFull(content, first[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, false, err
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(first[:m], "\r\n"), []byte("\n"))
	encoding := part.Encoding
	isBase64 = len(bytes.Fields(line)) < 3
	if !isBase64 {
		encoding = ""
	}
	// What was read is not read again.
	decoder.Reset(encoding, io.MultiReader(bytes.NewReader(first[:m]), content))
	return decoder, isBase64, nil
}

// decodeText reads octets in the charset that a leaf declares, or that its HTML
// declares itself.
func (p *parser) decodeText(n *structure.Node, octets []byte, cut bool) charset.Text {
	if cut {
		octets = withoutPartOfRune(octets)
	}
	label := n.Media.Text("charset")
	text := charset.Decode(octets, label)
	if n.ContentType == "text/html" && text.Outcome != charset.AsDeclared && (label == "" || text.Outcome == charset.Unknown) {
		if own := charset.Sniff(octets); own != "" {
			if t := charset.Decode(octets, own); t.Outcome == charset.AsDeclared {
				text.Content, text.Charset = t.Content, t.Charset
				if label == "" {
					text.Outcome = charset.AsDeclared
				}
			}
		}
	}
	quoted := strconv.Quote(header.Cut(label, 40))
	switch {
	case text.Outcome == charset.Unknown:
		p.notes.Warn(structure.WarnUnknownCharset, n.Path, "unknown charset "+quoted)
	case text.Outcome == charset.Mismatch && label == "":
		p.notes.Warn(structure.WarnBadCharset, n.Path, "the text declares no charset and is not UTF-8")
	case text.Outcome == charset.Mismatch:
		p.notes.Warn(structure.WarnBadCharset, n.Path, "the text is not in charset "+quoted)
	}
	return text
}

// declaredCharset returns the charset that a part declares, in lower case.
func declaredCharset(n *structure.Node) string {
	return header.Cut(strings.ToLower(n.Media.Text("charset")), maxLabel)
}

// withoutPartOfRune takes the beginning of a character in UTF-8 off the end, so
// that a text which was cut here does not look like one of another charset.
func withoutPartOfRune(octets []byte) []byte {
	for i := len(octets) - 1; i >= max(0, len(octets)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(octets[i]) {
			if !utf8.FullRune(octets[i:]) {
				return octets[:i]
			}
			break
		}
	}
	return octets
}

// cleanText makes LF of CR LF and takes the control characters away that no text
// has. Written as JSON each would be six octets, so that a mail of them would
// take six times its size in every delivery; and a terminal would obey them.
func cleanText(text string) string {
	var b strings.Builder
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != 0x7f || c == '\n' || c == '\t' || c == '\f' {
			continue
		}
		if c == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			continue
		}
		if start == 0 {
			b.Grow(len(text))
		}
		b.WriteString(text[start:i])
		start = i + 1
	}
	if start == 0 {
		return text
	}
	b.WriteString(text[start:])
	return b.String()
}

// prefix keeps the first octets of what is written to it, up to limit.
type prefix struct {
	octets []byte
	limit  int
	cut    bool
}

func (p *prefix) Write(b []byte) (int, error) {
	kept := min(len(b), p.limit-len(p.octets))
	p.octets = append(p.octets, b[:kept]...)
	p.cut = p.cut || kept < len(b)
	return len(b), nil
}
