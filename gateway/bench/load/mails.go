// Package load sends mail over SMTP from many connections, receives the webhooks that
// come of it, and tells what that took: mails per second, how long each 250 was waited
// for, and how far the receiver was behind what had been accepted.
package load

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
)

// mark is what stands in a mail where its own id goes.
const mark = "@@ID@@"

const lineLength = 76

// words are what texts are made of.
var words = strings.Fields("the gateway accepts a message stores it on disk and delivers order invoice ticket customer meeting status update please find attached kind regards number total amount shipping address") //nolint:gochecknoglobals // a constant

// source gives the same octets in every run.
func source() *rand.Rand { return rand.New(rand.NewPCG(7, 7)) } //nolint:gosec // no secret

// text makes lines of words, at least n octets of them.
func text(r *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		line := make([]string, 11)
		for i := range line {
			line[i] = words[r.IntN(len(words))]
		}
		s := strings.Join(line, " ")
		b.WriteString(s[:min(len(s), 74)] + "\r\n")
	}
	return b.String()
}

// header is that of all mails.
func header(contentType string) string {
	return "Received: from mx.example.org (mx.example.org [192.0.2.10])\r\n\tby relay.example.net with ESMTPS id 4XyZ12abcd;\r\n\tSun, 22 Nov 2026 03:00:00 +0000 (UTC)\r\n" +
		"From: \"Bench Sender\" <bench@bench.test>\r\nTo: \"Bench Rcpt\" <user@bench.test>\r\nDate: Sun, 22 Nov 2026 03:00:00 +0000\r\n" +
		"Message-ID: <" + mark + "@bench.test>\r\nSubject: Order confirmation " + mark + "\r\nMIME-Version: 1.0\r\nContent-Type: " + contentType + "\r\n"
}

// html makes an HTML document of at least n octets: headings, links, a list and a table.
func html(r *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html><head><title>News</title><style>p { margin: 0 }</style></head><body>`)
	for i := 1; b.Len() < n; i++ {
		sentence := strings.TrimSpace(strings.ReplaceAll(text(r, 200), "\r\n", " "))
		fmt.Fprintf(&b, "<h2>%d. News</h2>\n<p style=\"color:#333\">%s <a href=\"https://news.example/%d\">read on</a></p>\n<ul><li>one<li>two &amp; three</ul>\n<table><tr><td>total<td>%d.00 €</table>\n", i, sentence, i, i)
	}
	b.WriteString(`</body></html>`)
	return b.String()
}

// part makes a part of a multipart.
func part(boundary, fields, content string) string {
	return "--" + boundary + "\r\n" + fields + "\r\n" + content + "\r\n"
}

func encodedHTML(document string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(document)) // a buffer never fails
	_ = w.Close()
	return part("alternative", "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n", b.String())
}

const plainPart = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"

// Plain is a mail of so many octets, or a line more, with nothing but text.
func Plain(size int) []byte {
	head := header("text/plain; charset=utf-8") + "Content-Transfer-Encoding: 7bit\r\n\r\n"
	return []byte(head + text(source(), size-len(head)))
}

// HTML is a mail of so many octets, or some more, most of which is an HTML part beside
// a text.
func HTML(size int) []byte {
	r := source()
	head := header(`multipart/alternative; boundary="alternative"`) + "\r\n" + part("alternative", plainPart, text(r, size/8))
	return []byte(head + encodedHTML(html(r, (size-len(head))*9/10)) + "--alternative--\r\n")
}

// Mixed is a mail of about so many octets, and 40,000 at least: 6 KB of text, 15 KB of
// HTML, and an attachment.
func Mixed(size int) []byte {
	const others = 25_000 // octets of all that is not the attachment
	r := source()
	content := make([]byte, (size-others)*lineLength/(lineLength+2)*3/4)
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	encoded := base64.StdEncoding.EncodeToString(content)
	var lines strings.Builder
	lines.Grow(len(encoded) + len(encoded)/lineLength*2 + 2)
	for len(encoded) > 0 {
		n := min(len(encoded), lineLength)
		lines.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	head := header(`multipart/mixed; boundary="mixed"`) + "\r\n--mixed\r\nContent-Type: multipart/alternative; boundary=\"alternative\"\r\n\r\n"
	tail := encodedHTML(html(r, 15_000)) + "--alternative--\r\n" +
		part("mixed", "Content-Type: application/pdf; name=\"invoice.pdf\"\r\nContent-Disposition: attachment; filename=\"invoice.pdf\"\r\nContent-Transfer-Encoding: base64\r\n", lines.String()) +
		"--mixed--\r\n"
	return []byte(head + part("alternative", plainPart, text(r, 6000)) + tail)
}
