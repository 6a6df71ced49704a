package header

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string
		clean    bool
	}{
		{"plain text", "plain text", true},
		{"  =?utf-8?q?a?=  b ", "a  b", true},
		{"=?utf-8?Q?a_b=C3=A4?=", "a bä", true},
		{"=?UTF-8?B?w6Q?=", "ä", true},
		{"=?utf-8*de?q?x?=", "x", true},
		{"=?utf-8?q?a?= =?iso-8859-1?q?=E4?=\t=?utf-8?q?c?=", "aäc", true},
		{"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä", true},
		{"x=?utf-8?q?a?=y", "xay", true},
		{`"=?utf-8?q?a?=" b`, `"a" b`, true},
		{"=?utf-8?q?what? yes?=", "what? yes", true},
		{"=?iso-8859-1?q?M\xfcller?=", "Müller", true},
		{"M\xfcller", "Müller", false},
		{"=?utf-8?q?a", "=?utf-8?q?a", false},
		{"=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b", false},
		{"=?utf-8?x?a?=", "=?utf-8?x?a?=", false},
		{"=?x-martian?q?=E4?=", "ä", false},
		{"=?utf-8?q?a=0D=0AX:_b=00?=", "a  X: b", true},
		{"=?=?=?", "=?=?=?", false},
	} {
		got, clean := Text(tc.in)
		if got != tc.want || clean != tc.clean {
			t.Errorf("Text(%q) = %q, %v; want %q, %v", tc.in, got, clean, tc.want, tc.clean)
		}
	}
}

// addresses makes a list of names and addresses, in turn.
func addresses(s ...string) []mail.Address {
	var list []mail.Address
	for i := 0; i < len(s); i += 2 {
		list = append(list, mail.Address{Name: s[i], Address: s[i+1]})
	}
	return list
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in    string
		want  []mail.Address
		clean bool
	}{
		{"a@x", addresses("", "a@x"), true},
		{"A B <a@x>, <b@x>", addresses("A B", "a@x", "", "b@x"), true},
		{`"B, A" <a@x>`, addresses("B, A", "a@x"), true},
		{`"\"A\" (b)" <a@x>`, addresses(`"A" (b)`, "a@x"), true},
		{"a@x (A (b) C)", addresses("A (b) C", "a@x"), true},
		{"(c) A <a@x> (d)", addresses("A", "a@x"), true},
		{"G: a@x, B <b@x>;, c@x", addresses("", "a@x", "B", "b@x", "", "c@x"), true},
		{"undisclosed-recipients:;", nil, true},
		{"=?utf-8?q?B=2C?= =?utf-8?q?_A?= <a@x>", addresses("B, A", "a@x"), true},
		{"=?utf-8?q?B,A?= <a@x>", addresses("B,A", "a@x"), true},
		{`"=?utf-8?q?=C3=A4?=" <a@x>`, addresses("ä", "a@x"), true},
		{`"a b"@x`, addresses("", `"a b"@x`), true},
		{`N <"a b"@x>`, addresses("N", `"a b"@x`), true},
		{"<@r,@s:a@x>", addresses("", "a@x"), true},
		{"< a @ x >", addresses("", "a@x"), true},
		{"a@[127.0.0.1]", addresses("", "a@[127.0.0.1]"), true},
		{"zoë@bücher.example", addresses("", "zoë@bücher.example"), true},
		{"<>", nil, true},
		{"Recipient List", addresses("Recipient List", ""), false},
		{"A a@x", addresses("A", "a@x"), false},
		{"A <a@x", addresses("A", "a@x"), false},
		{"A <a@x, b@y", addresses("A", "a@x", "", "b@y"), false},
		{"<a@x> <b@y>", addresses("", "a@x", "", "b@y"), false},
		{"a@x; b@y", addresses("", "a@x", "", "b@y"), true},
		{"<<a@x>>", addresses("", "a@x"), false},
		{"<mailto:a@x>", addresses("", "a@x"), true},
		{`"A <a@x>`, addresses("A", "a@x"), false},
		{`ceo@bank <evil@x>`, addresses("ceo@bank", "evil@x"), true},
	} {
		got, more, clean := Addresses(tc.in, 10)
		if diff := cmp.Diff(tc.want, got); diff != "" || more || clean != tc.clean {
			t.Errorf("Addresses(%q) clean %v (-want +got):\n%s", tc.in, clean, diff)
		}
	}
	if got, more, _ := Addresses("a@x, b@x, c@x", 2); len(got) != 2 || !more {
		t.Errorf("with limit 2: %v, more %v", got, more)
	}
}

func TestParseMedia(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, value, name, want string
		clean                 bool
	}{
		{`Text/Plain; charset="utf-8"`, "text/plain", "charset", "utf-8", true},
		{"text/plain; charset=us-ascii (Plain text)", "text/plain", "charset", "us-ascii", true},
		{"text / plain;charset = x", "text/plain", "charset", "x", true},
		{`multipart/mixed boundary="b"`, "multipart/mixed", "boundary", "b", false},
		{"multipart/mixed; boundary=a--; type=x", "multipart/mixed", "boundary", "a--", true},
		{"text/plain; a=b charset=c", "text/plain", "charset", "c", true},
		{"text/plain; charset", "text/plain", "charset", "", false},
		{"attachment; filename=my file (1).txt", "attachment", "filename", "my file (1).txt", true},
		{`attachment; filename="a\"b\\c\d"`, "attachment", "filename", `a"b\c\d`, true},
		{`attachment; filename="a.txt`, "attachment", "filename", "a.txt", true},
		{`attachment; filename="a;b.txt"; x=y`, "attachment", "filename", "a;b.txt", true},
		{"; filename=a", "", "filename", "a", true},
		{`attachment; filename="=?utf-8?q?=C3=A4?="`, "attachment", "filename", "ä", true},
		{"attachment; filename=\"\xe4\"", "attachment", "filename", "ä", true},
		{`a; filename=x; filename*=utf-8''%C3%A4`, "a", "filename", "ä", true},
		{`a; filename*=iso-8859-1'de'%E4`, "a", "filename", "ä", true},
		{`a; filename*=%C3%A4`, "a", "filename", "ä", true},
		{`a; filename*1=b; filename*0=a; filename*2="c"`, "a", "filename", "abc", true},
		{`a; filename*0*=utf-8''%C3; filename*1*=%A4; filename*2=%41`, "a", "filename", "ä%41", true},
		{`a; filename*0="=?utf-8?q?=C3="; filename*1="A4?="`, "a", "filename", "ä", true},
		{`a; filename*0=a; filename*0=b`, "a", "filename", "a", true},
		{`a; filename*x=a`, "a", "filename", "", false},
		{`a; name=1; NAME=2`, "a", "name", "1", true},
		{`a; x*=utf-8''%0D%0A%00b%zz`, "a", "x", "b%zz", true},
	} {
		m := ParseMedia(tc.in)
		if got := m.Text(tc.name); m.Value != tc.value || got != tc.want || m.Clean != tc.clean {
			t.Errorf("ParseMedia(%q) = %q, %s %q, clean %v; want %q, %q, %v", tc.in, m.Value, tc.name, got, m.Clean, tc.value, tc.want, tc.clean)
		}
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Tue, 3 Mar 2026 09:30:00 +0100":          "2026-03-03T09:30:00+01:00",
		"3 Mar 2026 09:30 GMT":                    "2026-03-03T09:30:00Z",
		"Tue, 3 Mar 26 09:30:00 EST (comment)":    "2026-03-03T09:30:00-05:00",
		"Tue, 03 Mar 2026 09:30:00":               "2026-03-03T09:30:00Z",
		"Tuesday, March 3rd, 2026 9:30 PM -0700":  "2026-03-03T21:30:00-07:00",
		"Tue Mar  3 09:30:00 2026":                "2026-03-03T09:30:00Z",
		"Tue Mar  3 09:30:00 PST 2026":            "2026-03-03T09:30:00-08:00",
		"2026-03-03T09:30:00+01:00":               "2026-03-03T09:30:00+01:00",
		"2026-03-03T09:30":                        "2026-03-03T09:30:00Z",
		"2026-03-03 09:30:00.123 +01":             "2026-03-03T09:30:00+01:00",
		"03-Mar-2026 09:30:00 +0100":              "2026-03-03T09:30:00+01:00",
		"3/4/2026 12:05:06 am":                    "2026-03-04T00:05:06Z",
		"Di, 3 Mar 2026 09:30:00 GMT+02:00":       "2026-03-03T09:30:00+02:00",
		"Tue, 3 Mar 2026 09:30:00 +0100 (W. Eur)": "2026-03-03T09:30:00+01:00",
		"=?utf-8?q?3_Mar_2026_09:30_+0100?=":      "2026-03-03T09:30:00+01:00",
		"Fri, 30 Feb 2026 09:30:00 +0000":         "",
		"Fri, 3 Mar 2026 29:30:00 +0000":          "",
		"yesterday":                               "",
		"":                                        "",
		"1 Jan 99999 00:00":                       "",
		"1 Jan 99999999999999999999 00:00":        "",
		"Sat (x) 31 (y) Dec 2016 23:59:60 Z":      "2016-12-31T23:59:59Z",
	} {
		got, ok := Date(in)
		text := ""
		if ok {
			text = got.Format(time.RFC3339)
		}
		if text != want {
			t.Errorf("Date(%q) = %q, want %q", in, text, want)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"<a@x>":              {"a@x"},
		"<a@x> (c)\t<b @x>":  {"a@x", "b@x"},
		"<a@x><b@x>,<c@x>":   {"a@x", "b@x", "c@x"},
		"<a@x":               {"a@x"},
		"a@x b@x":            {"a@x", "b@x"},
		"your mail of today": nil,
		"<> <  >":            nil,
		"<1><2><3><4><5>":    {"1", "2", "3", "4"},
	} {
		if diff := cmp.Diff(want, MessageIDs(in, 4)); diff != "" {
			t.Errorf("MessageIDs(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(`"=?utf-8?q?a?=, b" <@r:a@x>, G: (c) d;`)
	f.Add(`attachment; filename*0*=utf-8'de'%C3; filename*1="x"`)
	f.Add("Tuesday, 3rd March 2026 9:30 pm GMT+02:00")
	f.Fuzz(func(t *testing.T, raw string) {
		check := func(s string) {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
				t.Errorf("%q gives %q", raw, s)
			}
		}
		text, _ := Text(raw)
		check(text)
		list, _, _ := Addresses(raw, 100)
		for _, a := range list {
			check(a.Name)
			check(a.Address)
		}
		m := ParseMedia(raw)
		check(m.Value)
		check(m.Text("filename"))
		for _, id := range MessageIDs(raw, 100) {
			check(id)
		}
		if d, ok := Date(raw); ok {
			if _, err := d.MarshalJSON(); err != nil {
				t.Error(err)
			}
		}
	})
}
