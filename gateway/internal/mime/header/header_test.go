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
		flaws    Flaws
	}{
		{"plain text", "plain text", 0},
		{"  =?utf-8?q?a?=  b ", "a  b", 0},
		{"=?utf-8?Q?a_b=C3=A4?=", "a bä", 0},
		{"=?UTF-8?B?w6Q=?=", "ä", 0},
		{"=?utf-8*de?q?x?=", "x", 0},
		{"=?utf-8?q?a?= =?iso-8859-1?q?=E4?=\t=?utf-8?q?c?=", "aäc", 0},
		{"(=?utf-8?q?a?=)", "(a)", 0},
		{"=?utf-8?q??= x", "x", 0},
		{"zoë", "zoë", 0},
		{"a=?b ?= 2+2=?", "a=?b ?= 2+2=?", 0}, // no word, and none meant

		// Not set off from the neighbours.
		{"x=?utf-8?q?a?=y", "xay", BadWord},
		{"=?utf-8?q?a?==?utf-8?q?b?=", "ab", BadWord},
		{`"=?utf-8?q?a?=" b`, `"a" b`, BadWord},
		// Foreign characters within, or padding left out.
		{"=?utf-8?q?what? yes?=", "what? yes", BadWord},
		{"=?utf-8?q?a b?=", "a b", BadWord},
		{"=?utf-8?q?a=ZZ?=", "a=ZZ", BadWord},
		{"=?UTF-8?B?w6Q?=", "ä", BadWord},
		{"=?UTF-8?B?w*6Q=?=", "ä", BadWord},
		// Cut within a character.
		{"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä", BadWord},
		{"=?utf-8?b?w6TD?= =?utf-8?b?pA==?=", "ää", BadWord},
		// Unfinished, or of no encoding.
		{"=?utf-8?q?a", "=?utf-8?q?a", BadWord},
		{"=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b", BadWord},
		{"=?utf-8?x?a?=", "=?utf-8?x?a?=", BadWord},
		{"=?utf-8?", "=?utf-8?", BadWord},
		{"=?=?=?", "=?=?=?", BadWord},
		// Encoded again by a relay: one layer is taken off.
		{"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?=", 0},

		{"=?x-martian?q?=E4?=", "ä", UnknownCharset},
		{"=?utf-8?q?=E4?= b", "ä b", WrongCharset},
		{"=?iso-8859-1?q?=C3=A4?=", "ä", WrongCharset},
		{"=?us-ascii?q?=C3=A4?=", "ä", WrongCharset},
		{"M\xfcller", "Müller", RawOctets},
		{"M\xfcller =?x-martian?q?a b?= =?utf-8?q?=E4?=", "Müller a bä", RawOctets | UnknownCharset | BadWord | WrongCharset},
		{"=?iso-8859-1?q?M\xfcller?=", "Müller", 0},
		{"=?utf-8?q?a=0D=0AX:_b=00?=", "a  X: b", 0},
	} {
		got, flaws := Text(tc.in)
		if got != tc.want || flaws != tc.flaws {
			t.Errorf("Text(%q) = %q, %04b; want %q, %04b", tc.in, got, flaws, tc.want, tc.flaws)
		}
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Tue, 3 Mar 2026 09:30:00 +0100":          "2026-03-03T09:30:00+01:00",
		"3 Mar 2026 09:30 GMT":                    "2026-03-03T09:30:00Z",
		"Tue, 3 Mar 26 09:30:00 EST (comment)":    "2026-03-03T09:30:00-05:00",
		"Tue, 3 Mar 2026 09:30:00 +0100 (W. Eur)": "2026-03-03T09:30:00+01:00",
		"Sat (x) 31 (y) Dec 2016 23:59:60 Z":      "2016-12-31T23:59:59Z",

		"Tue, 03 Mar 2026 09:30:00":              "~2026-03-03T09:30:00Z",
		"Tue, 3 Mar 2026 9:30:00 +0100":          "~2026-03-03T09:30:00+01:00",
		"Tue, 3 Mar 2026 09:30:00 +01:00":        "~2026-03-03T09:30:00+01:00",
		"Tuesday, March 3rd, 2026 9:30 PM -0700": "~2026-03-03T21:30:00-07:00",
		"Tue Mar  3 09:30:00 2026":               "~2026-03-03T09:30:00Z",
		"Tue Mar  3 09:30:00 PST 2026":           "~2026-03-03T09:30:00-08:00",
		"2026-03-03T09:30:00+01:00":              "~2026-03-03T09:30:00+01:00",
		"2026-03-03T09:30":                       "~2026-03-03T09:30:00Z",
		"2026-03-03 09:30:00.123 +01":            "~2026-03-03T09:30:00+01:00",
		"03-Mar-2026 09:30:00 +0100":             "~2026-03-03T09:30:00+01:00",
		"3/4/2026 12:05:06 am":                   "~2026-03-04T00:05:06Z",
		"Di, 3 Mar 2026 09:30:00 GMT+02:00":      "~2026-03-03T09:30:00+02:00",
		"=?utf-8?q?3_Mar_2026_09:30_+0100?=":     "2026-03-03T09:30:00+01:00",

		"Fri, 30 Feb 2026 09:30:00 +0000":  "",
		"Fri, 3 Mar 2026 29:30:00 +0000":   "",
		"yesterday":                        "",
		"":                                 "",
		"1 Jan 99999 00:00":                "",
		"1 Jan 99999999999999999999 00:00": "",
	} {
		got, clean := Date(in)
		text := ""
		if !got.IsZero() {
			text = got.Format(time.RFC3339)
		}
		if guessed := strings.HasPrefix(want, "~"); text != strings.TrimPrefix(want, "~") || clean != (want != "" && !guessed) {
			t.Errorf("Date(%q) = %q, clean %v; want %q", in, text, clean, want)
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
	f.Add("Tue, 3 Mar 2026 09:30:00 +0100")
	f.Add("Tuesday, 3rd March 2026 (c) 9:30 pm GMT+02:00")
	f.Fuzz(func(t *testing.T, raw string) {
		check := func(s string) {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
				t.Errorf("%q gives %q", raw, s)
			}
		}
		text, flaws := Text(raw)
		check(text)
		if !strings.Contains(raw, "=?") && (flaws&^RawOctets != 0 || (flaws != 0) == utf8.ValidString(raw)) {
			t.Errorf("%q has the flaws %04b", raw, flaws)
		}
		if n := WordLen(raw); n < 0 || n > len(raw) {
			t.Errorf("WordLen(%q) = %d", raw, n)
		}
		for _, id := range MessageIDs(raw, 100) {
			check(id)
		}
		d, clean := Date(raw)
		if _, err := d.MarshalJSON(); err != nil {
			t.Error(err)
		}
		// What is well-formed to the standard library is the same date here.
		if want, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", raw); err == nil && len(raw) <= maxDate && d.Year() == want.Year() {
			if want = want.Truncate(time.Second); !d.Equal(want) { // it takes fractions too
				t.Errorf("%q is %v, want %v", raw, d, want)
			}
		}
		if clean && !strings.ContainsAny(raw, "0123456789=") {
			t.Errorf("%q is no clean date", raw)
		}
	})
}
