package hostilemail

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestMails(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	contents := make(map[string]string)
	for _, m := range Mails() {
		raw := m.Raw()
		if names[m.Name] || m.Name == "" {
			t.Errorf("%q is there twice", m.Name)
		}
		names[m.Name] = true
		if other, ok := contents[string(raw)]; ok {
			t.Errorf("%q is the same mail as %q", m.Name, other)
		}
		contents[string(raw)] = m.Name
		if len(raw) > MaxSize {
			t.Errorf("%q has %d octets", m.Name, len(raw))
		}
		if !bytes.Equal(raw, m.Raw()) {
			t.Errorf("%q is another mail when it is made again", m.Name)
		}
		bare := bytes.Count(raw, []byte("\n")) != bytes.Count(raw, []byte("\r\n"))
		if bare && !slices.Contains([]string{"bare line feeds", "8-bit junk"}, m.Name) {
			t.Errorf("%q has line feeds alone", m.Name)
		}
	}
	if len(names) < 80 {
		t.Errorf("%d mails", len(names))
	}
}

// TestMailsAreWhatTheySay looks into some whose oddness an edit could lose.
func TestMailsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	all := make(map[string]string)
	for _, m := range Mails() {
		all[m.Name] = string(m.Raw())
	}
	for name, want := range map[string]string{
		"a date far ahead":                   "Date: Thu, 31 Dec 9999 ",
		"a date before all":                  "Date: Thu, 01 Jan 0000 ",
		"a date that is none":                "Date: Thu, 99 Foo",
		"8-bit octets in the header":         "Subject: Gr\xfc\xdfe",
		"broken encoded words":               "Subject: =?utf-8?q?=FF=FE?=",
		"control characters in the header":   "Subject: a\x00b\x1b[2J",
		"characters that turn the direction": "Subject: =?utf-8?b?4oCu",
		"combining characters without end":   "Subject: Z\u0351",
		"a subject of 200 KB":                "Subject: order 4711 order 4711 ",
		"names that lead elsewhere":          `filename="../../../etc/passwd"`,
		"multiparts 500 deep":                "boundary=b499\r\n\r\n--b499\r\n",
	} {
		if !strings.Contains(all[name], want) {
			t.Errorf("%q has no %q", name, want)
		}
	}
	for name, gone := range map[string]string{
		"no From": "From:", "no Subject": "Subject:", "no Date": "Date:", "no Message-ID": "Message-ID:", "bare line feeds": "\r",
	} {
		if all[name] == "" || strings.Contains(all[name], gone) {
			t.Errorf("%q has %q", name, gone)
		}
	}
}

// TestSeriesGrow holds that each mail of a series has about the size that it is to have.
func TestSeriesGrow(t *testing.T) {
	t.Parallel()
	for _, s := range AllSeries() {
		for _, size := range []int{s.Most / 4, s.Most / 2, s.Most, 2 * s.Most} {
			got, want := len(s.Raw(size)), min(size, s.Most)
			if got < want*9/10 || got > want*11/10+600 || got > MaxSize {
				t.Errorf("%s: a mail of %d octets, want %d", s.Name, got, want)
			}
		}
	}
}
