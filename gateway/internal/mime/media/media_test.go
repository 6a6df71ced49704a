package media

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
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
		{"attachment; filename=my file (1).txt", "attachment", "filename", "my file (1).txt", false},
		{`attachment; filename="a\"b\\c\d"`, "attachment", "filename", `a"b\c\d`, true},
		{`attachment; filename="a.txt`, "attachment", "filename", "a.txt", false},
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
		f := Parse(tc.in)
		if got := f.Text(tc.name); f.Value != tc.value || got != tc.want || f.Clean != tc.clean {
			t.Errorf("Parse(%q) = %q, %s %q, clean %v; want %q, %q, %v", tc.in, f.Value, tc.name, got, f.Clean, tc.value, tc.want, tc.clean)
		}
	}
}

// TestBadParam holds which parameters are told about. All of them are read.
func TestBadParam(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                          "",
		"a; filename=b":                             "",
		"a; filename=b; filename*=utf-8''c":         "", // for old readers
		"a; filename*=utf-8'de'%C3%A4":              "",
		"a; filename*0=a; filename*1=b":             "",
		"a; f*0*=utf-8''%C3; f*1*=%A4; f*2=b":       "",
		"a; filename=b; FILENAME=c":                 "filename",
		"a; filename==?utf-8?q?b?=":                 "filename",
		`a; filename="=?utf-8?q?b?="`:               "filename",
		"a; filename=M\xfcller":                     "filename",
		"a; filename=\"Müller\"":                    "",
		"a; filename*=b":                            "filename",
		"a; filename*=utf-8'b":                      "filename",
		"a; filename*=utf-8''%":                     "filename",
		"a; filename*=utf-8''%zz":                   "filename",
		"a; filename*=utf-8''%E4":                   "filename",
		"a; filename*=x-martian''b":                 "filename",
		"a; filename*=utf-8''b; filename*=utf-8''c": "filename",
		"a; filename*=utf-8''b; filename*0=c":       "filename",
		"a; filename*1=b":                           "filename",
		"a; filename*0=a; filename*2=b":             "filename",
		"a; filename*0=a; filename*0=b":             "filename",
		"a; filename*0=a; filename*1*=%41":          "filename",
		"a; filename*0==?utf-8?q?; filename*1=b?=":  "filename",
		"a; b=c; d*=e; f*=g":                        "d",
	} {
		if got := Parse(in).BadParam; got != want {
			t.Errorf("Parse(%q).BadParam = %q, want %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`attachment; filename*0*=utf-8'de'%C3; filename*1="x"`)
	f.Add(`Text / Plain (c) charset=us-ascii; name="=?utf-8?q?a?=`)
	f.Add(`multipart/mixed; boundary=a--; filename*=%zz`)
	f.Fuzz(func(t *testing.T, raw string) {
		field := Parse(raw)
		for _, s := range []string{field.Value, field.BadParam, field.Text("filename"), field.Text("name")} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
				t.Errorf("%q gives %q", raw, s)
			}
		}
		// Escapes only shrink; what grows is the charset of an extended value.
		if value, _ := field.Raw("filename"); len(value) > 4*len(raw)+3 {
			t.Errorf("%q gives a value of %d octets", raw, len(value))
		}
	})
}
