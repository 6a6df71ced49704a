package mime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	_ "github.com/emersion/go-message/charset"
	gomail "github.com/emersion/go-message/mail"
)

// mail50KiB is an ordinary mail: text, HTML with many links, and a picture.
func mail50KiB() []byte {
	var b bytes.Buffer
	b.WriteString("From: Ada Holm <ada@sender.example>\r\nTo: desk@acme.example\r\n" +
		"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 3 Mar 2026 09:30:00 +0100\r\n" +
		strings.Repeat("Received: from a.example by b.example with ESMTPS id 0123456789\r\n", 8) +
		"Content-Type: multipart/mixed; boundary=outer\r\n\r\n" +
		"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n" +
		"--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
	for i := range 80 {
		fmt.Fprintf(&b, "A line of text with a link: https://shop.example/order/%03d\r\n", i)
	}
	b.WriteString("--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for i := range 160 {
		text := "text"
		if i%8 == 0 {
			text = "www.shop.example" // has to be compared
		}
		fmt.Fprintf(&b, "<p class=3D\"line\">A line of <a href=3D\"https://shop.example/%03d\">%s</a></p>\r\n", i, text)
	}
	b.WriteString("--inner--\r\n--outer\r\nContent-Type: image/png; name=p.png\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("picture "), 3000))
	for len(picture) > 76 {
		b.WriteString(picture[:76] + "\r\n")
		picture = picture[76:]
	}
	b.WriteString(picture + "\r\n--outer--\r\n")
	return b.Bytes()
}

func BenchmarkParse50KiB(b *testing.B) {
	raw := mail50KiB()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(bytes.NewReader(raw), int64(len(raw))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGoMessage50KiB is the reference: the library alone, which reads all
// parts but neither hashes them nor looks for links.
func BenchmarkGoMessage50KiB(b *testing.B) {
	raw := mail50KiB()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := gomail.CreateReader(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		for {
			p, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, p.Body); err != nil {
				b.Fatal(err)
			}
		}
	}
}
