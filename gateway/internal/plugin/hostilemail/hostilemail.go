// Package hostilemail makes the mails that a plugin meets one day and its author has
// not thought of: broken, odd, huge and hostile ones. It makes them of code, so that a
// program can carry them, and the same ones each time.
//
// # Invariants
//
//   - A mail is the same octets whenever it is made.
//   - Lines end in CRLF where a mail is not about its line ends.
//   - No mail is larger than MaxSize.
package hostilemail

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// MaxSize bounds a mail, in octets.
const MaxSize = 8 << 20

// Mail is one of the mails.
type Mail struct {
	// Name says in a few words what is odd about it, and is its alone.
	Name string
	make func() string
}

// Raw makes the mail's octets.
func (m Mail) Raw() []byte { return []byte(m.make()) }

// ordinary is the header of a mail with nothing odd about it, without the type of
// its content.
const ordinary = "Date: Thu, 12 Feb 2026 10:30:00 +0100\r\n" +
	"From: Alice <alice@shop.example>\r\n" +
	"To: support@acme.test\r\n" +
	"Subject: Order 4711\r\n" +
	"Message-ID: <order-4711@shop.example>\r\n" +
	"MIME-Version: 1.0\r\n"

// Ordinary is a mail with nothing odd about it: text, HTML and an attachment.
func Ordinary() Mail {
	return Mail{"an ordinary mail", func() string {
		return mixed(
			part("text/plain; charset=utf-8", "Hello,\r\n\r\nyour order 4711 is on its way: https://shop.example/track/4711\r\n"),
			part("text/html; charset=utf-8", "<h1>Hello</h1><p>your order <b>4711</b> is <a href=\"https://shop.example/track/4711\">on its way</a></p>\r\n"),
			attached("invoice.pdf", "application/pdf", "%PDF-1.4 an invoice"),
		)
	}}
}

// Mails lists all mails, those of a kind together.
func Mails() []Mail {
	list := []Mail{Ordinary()}
	for _, kind := range [][]Mail{headers(), texts(), pages(), structures(), files(), kinds()} {
		list = append(list, kind...)
	}
	return list
}

// header makes a mail of an ordinary header with more fields, and a line of text.
func header(more string) string { return ordinary + more + "\r\nHello.\r\n" }

// typed makes a mail of one part.
func typed(contentType, body string) string {
	return ordinary + "Content-Type: " + contentType + "\r\n\r\n" + body
}

// boundary parts the parts of all multiparts that are not about it.
const boundary = "=_postern_5f2c"

// mixed makes a mail of parts.
func mixed(parts ...string) string {
	var b strings.Builder
	b.WriteString(ordinary + "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n")
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + p + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}

func part(contentType, body string) string {
	return "Content-Type: " + contentType + "\r\n\r\n" + body
}

// attached makes a part with a file; the name stands in the header as it is given.
func attached(name, contentType, content string) string {
	return "Content-Type: " + contentType + "\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + inBase64(content)
}

// inBase64 encodes in lines of 76 characters, as RFC 2045 has it.
func inBase64(content string) string {
	text := base64.StdEncoding.EncodeToString([]byte(content))
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return b.String() + text
}

// numbered repeats a format with the numbers from 0.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// junk makes octets of no meaning, by a generator of its own: those of the library may
// change.
func junk(n int) string {
	b := make([]byte, n)
	state := uint32(0x2545f491)
	for i := range b {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		b[i] = byte(state >> 11)
	}
	return string(b)
}
