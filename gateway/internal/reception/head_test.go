package reception

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// subjectOf reads the subject of a mail that comes in pieces.
func subjectOf(t testing.TB, r io.Reader) string {
	t.Helper()
	h := new(headReader)
	if _, err := io.Copy(io.MultiWriter(h), r); err != nil { // which hides who can read it at once
		t.Fatal(err)
	}
	if h.subject = h.end(); h.head != nil {
		t.Error("the header is kept")
	}
	return h.subject
}

func TestSubject(t *testing.T) {
	t.Parallel()
	fields := func(octets int) string {
		return strings.Repeat("X-Filler: "+strings.Repeat("x", 988)+"\r\n", octets/1000)
	}
	for name, tc := range map[string]struct{ mail, want string }{
		"plain":               {"From: a@example.com\r\nSubject: Hello\r\n\r\nSubject: no\r\n", "Hello"},
		"encoded and folded":  {"SUBJECT : =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=\r\n\taus K\xf6ln\r\nTo: x\r\n\r\n", "Grüße aus Köln"},
		"the first of two":    {"Subject: one\nSubject: two\n\n", "one"},
		"header only":         {"To: x\nSubject: one", "one"},
		"none":                {"To: x\r\n\r\nSubject: body\r\n", ""},
		"no header":           {"\r\nSubject: body\r\n\r\n", ""},
		"empty":               {"", ""},
		"byte order and mbox": {"\ufeffFrom x\nSubject: one\n\n", "one"},
		"behind a long field": {fields(60_000) + "Subject: one\r\n\r\n", "one"},
		"too far behind":      {fields(70_000) + "Subject: one\r\n\r\n", ""},
		"cut":                 {fields(65_000) + "Subject: one\r\n" + strings.Repeat(" folded", 200) + "\r\n\r\n", "one"},
		"long":                {"Subject: " + strings.Repeat("ä", store.MaxSubject) + "\r\n\r\n", strings.Repeat("ä", store.MaxSubject/2)},
		"a line without end":  {"Subject: " + strings.Repeat("x", 2*maxHead), ""},
	} {
		for pieces, r := range map[string]io.Reader{
			"at once": strings.NewReader(tc.mail), "by octets": iotest.OneByteReader(strings.NewReader(tc.mail)), "by halves": iotest.HalfReader(strings.NewReader(tc.mail)),
		} {
			if got := subjectOf(t, r); got != tc.want {
				t.Errorf("%s, %s: subject %.100q, want %.100q", name, pieces, got, tc.want)
			}
		}
	}
}

// FuzzSubject holds that the subject is the one that the whole mail has, however it comes.
func FuzzSubject(f *testing.F) {
	for i, mail := range []string{"Subject: a\r\n\r\nb", "A: b\n\n", "\r\n\r\n", "Subject: =?utf-8?b?w6Q=?=\n c\n\r\n"} {
		f.Add([]byte(mail), i)
	}
	f.Fuzz(func(t *testing.T, mail []byte, at int) {
		if len(mail) >= maxHead {
			return
		}
		h := new(headReader)
		at = min(max(at, 0), len(mail))
		for _, part := range [][]byte{mail[:at], mail[at:]} {
			if n, err := h.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		want := mime.Subject(mail)
		if got := h.end(); got != want[:min(len(got), len(want))] || len(got) > store.MaxSubject || len(got) < min(len(want), store.MaxSubject-3) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func BenchmarkSubject(b *testing.B) {
	var mail strings.Builder
	for i := range 40 {
		fmt.Fprintf(&mail, "X-Field-%d: of a mail that came a long way\r\n", i)
	}
	mail.WriteString("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus\r\n =?utf-8?q?K=C3=B6ln?=\r\n\r\n")
	octets := []byte(mail.String() + strings.Repeat("text\r\n", 500))
	b.ReportAllocs()
	for b.Loop() {
		h := new(headReader)
		_, _ = h.Write(octets)
		if h.end() == "" {
			b.Fatal("no subject")
		}
	}
}
