package calendar

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const invitation = "BEGIN:VCALENDAR\r\nPRODID:-//x//y\r\nMETHOD:REQUEST\r\n" +
	"BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
	"BEGIN:VEVENT\r\nSUMMARY:A\r\n UID:no\r\nBEGIN:VALARM\r\nUID:alarm\r\nEND:VALARM\r\nUID:event-1\r\n @x\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:event-2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text, declared string
		want                 Object
	}{
		{"invitation", invitation, "", Object{"REQUEST", "event-1@x"}},
		{"line feeds only", strings.ReplaceAll(invitation, "\r", ""), "", Object{"REQUEST", "event-1@x"}},
		{"the text's method counts", invitation, "reply", Object{"REQUEST", "event-1@x"}},
		{"declared method", "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:a\n", " reply", Object{"REPLY", "a"}},
		{"lower case", "begin:vcalendar\nmethod:cancel\nbegin:vevent\nuid:a\n", "", Object{"CANCEL", "a"}},
		{"parameters", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID;X=\"a:b\";Y=c:d:e\n", "", Object{"", "d:e"}},
		{"escapes", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\\,b\\;c\\\\n\\nd\n", "", Object{"", `a,b;c\n d`}},
		{"no calendar", "hello\n", "publish", Object{"PUBLISH", ""}},
		{"empty", "", "", Object{}},
		{"methods that are none", "BEGIN:VCALENDAR\nMETHOD:two words\n", "<x>", Object{}},
		{"method within an event", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nMETHOD:X\nUID:a\n", "", Object{"", "a"}},
		{"UID outside of components", "UID:a\nBEGIN:VCALENDAR\nUID:b\n", "", Object{}},
		{"more ends than beginnings", "END:X\nEND:X\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\n", "", Object{"", "a"}},
		{"cut off in the UID", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a", "", Object{"", "a"}},
		{"blank lines", "\n\nBEGIN:VCALENDAR\n\nBEGIN:VEVENT\n\nUID:a\n", "", Object{"", "a"}},
		{"deep", strings.Repeat("BEGIN:X\n", 100) + "UID:a\n", "", Object{}},
	} {
		if got := Read(tc.text, tc.declared); got != tc.want {
			t.Errorf("%s: %+q, want %+q", tc.name, got, tc.want)
		}
	}
	long := Read("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:"+strings.Repeat("ä\n ", 10_000), "")
	if len(long.UID) > maxValue || !utf8.ValidString(long.UID) {
		t.Errorf("UID of %d octets", len(long.UID))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(invitation, "REQUEST")
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID;X=\":a\\n\":b\n\t", "")
	f.Fuzz(func(t *testing.T, text, declared string) {
		text, declared = strings.ToValidUTF8(text, ""), strings.ToValidUTF8(declared, "")
		o := Read(text, declared)
		for _, s := range []string{o.Method, o.UID} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") || len(s) > maxValue {
				t.Errorf("%q gives %q", text, s)
			}
		}
	})
}
