package header

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
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

// TestComment holds where comments end: addresses and dates both step over them.
func TestComment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, text, rest string }{
		{"(a) b", "a", " b"},
		{"(a (b) c)(d)", "a (b) c", "(d)"},
		{`(a \) b)`, "a ) b", ""},
		{"(a", "a", ""},
		{`(a\`, `a\`, ""},
		{"()", "", ""},
	} {
		if text, rest := Comment(tc.in); text != tc.text || rest != tc.rest {
			t.Errorf("Comment(%q) = %q, %q; want %q, %q", tc.in, text, rest, tc.text, tc.rest)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("=?utf-8?q?a?= =?iso-8859-1*de?b?5A==?= b")
	f.Add("<a@x> (c) <b @x>")
	f.Add("Tuesday, 3rd March 2026 (c) 9:30 pm GMT+02:00")
	f.Fuzz(func(t *testing.T, raw string) {
		check := func(s string) {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
				t.Errorf("%q gives %q", raw, s)
			}
		}
		text, _ := Text(raw)
		check(text)
		if n := WordLen(raw); n < 0 || n > len(raw) {
			t.Errorf("WordLen(%q) = %d", raw, n)
		}
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
