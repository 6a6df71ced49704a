package mime

import (
	"encoding/base64"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// hugeMail is a mail of 50 MiB that is never in memory: a header, and behind it
// the same octets again and again. Every part of them counts as one, so that
// they may hold delimiters.
type hugeMail struct{ header, repeated string }

const hugeSize = 50 << 20

func (h hugeMail) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < hugeSize {
		from := h.header
		at := off
		if off >= int64(len(h.header)) {
			from, at = h.repeated, (off-int64(len(h.header)))%int64(len(h.repeated))
		}
		m := copy(p[n:min(int64(len(p)), int64(n)+hugeSize-off)], from[at:])
		n += m
		off += int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestMemory holds what a mail of 50 MiB may cost. It counts all that is
// allocated on the way, used or not, which is more than is ever held at one
// time. It is not parallel: it looks at what the whole process allocates.
func TestMemory(t *testing.T) {
	encoded := strings.Repeat("aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVs\r\n", 100)
	line := func(s string) string { return strings.Repeat(s+"\r\n", 100) }
	const attachment, text = 1 << 20, 32 << 20 // octets: buffers and hashes; twice 4 MiB, and what decoding takes
	for _, tc := range []struct {
		name  string
		mail  hugeMail
		limit uint64
	}{
		{"attachment", hugeMail{"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n", encoded}, attachment},
		{"attachment as it is", hugeMail{"Content-Type: application/zip\r\n\r\n", encoded}, attachment},
		{"attachment in quoted-printable", hugeMail{"Content-Type: x/y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", line("=C3=A4=")}, attachment},
		{"enclosed mail", hugeMail{"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n", line("X: y")}, 2 * attachment},
		{"calendar", hugeMail{"Content-Type: text/calendar\r\n\r\n", line("X:y")}, 2 * attachment},
		{"text", hugeMail{"\r\n", line("Grüße aus Köln")}, text},
		{"text in base64", hugeMail{"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n", encoded}, text},
		{"text in another charset", hugeMail{"Content-Type: text/plain; charset=windows-1251\r\n\r\n", line("\xcf\xf0\xe8")}, text},
		{"HTML of links", hugeMail{"Content-Type: text/html\r\n\r\n", line(`<a href="https://x.example/?a&amp;b">www.example.com</a>`)}, text},
		{"text and HTML, all the same", hugeMail{"Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\nContent-Type: text/plain\r\n\r\n" + line("x") + "--b\r\nContent-Type: text/html\r\n\r\n" + line("<p>y")}, 2 * text},
		{"no line at all", hugeMail{"Content-Type: text/plain; charset=utf-8\r\n\r\n", strings.Repeat("x", 1000)}, text},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Parse(tc.mail, hugeSize)
		runtime.ReadMemStats(&after)
		if err != nil || len(m.Tree) == 0 {
			t.Fatalf("%s: %v, parts %+v", tc.name, err, m)
		}
		used := after.TotalAlloc - before.TotalAlloc
		if t.Logf("%s: %d KiB", tc.name, used>>10); used > tc.limit {
			t.Errorf("%s: %d octets were allocated, want at most %d", tc.name, used, tc.limit)
		}
		checkParts(t, m)
	}
}

// TestHugeMail holds that the mails of TestMemory are what they seem.
func TestHugeMail(t *testing.T) {
	t.Parallel()
	line := base64.StdEncoding.EncodeToString([]byte("hello!")) + "\r\n"
	m, err := Parse(hugeMail{"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n", line}, hugeSize)
	if err != nil || len(m.Attachments) != 1 || m.Attachments[0].Size < hugeSize/2 {
		t.Fatalf("Parse: %v, attachments %+v", err, m.Attachments)
	}
	b := make([]byte, 12)
	if n, err := (hugeMail{"abc", "de"}).ReadAt(b[:6], 1); n != 6 || err != nil || string(b[:6]) != "bcdede" {
		t.Errorf("ReadAt = %d, %v, %q", n, err, b[:n])
	}
	if n, err := (hugeMail{"abc", "de"}).ReadAt(b, hugeSize-5); n != 5 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt at the end = %d, %v", n, err)
	}
}
