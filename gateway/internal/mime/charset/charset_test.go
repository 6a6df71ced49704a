package charset

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, label, want, charset string
		outcome                  Outcome
	}{
		{"a", "", "a", "utf-8", AsDeclared},
		{"\xc3\xa4", "UTF-8", "ä", "utf-8", AsDeclared},
		{"\xef\xbb\xbfa\x00b", "utf-8", "ab", "utf-8", AsDeclared},
		{"\xe4", "utf-8", "ä", "windows-1252", Mismatch},
		{"ää\xc3", "utf-8", "ää\ufffd", "utf-8", Mismatch},
		{"\xe4", "us-ascii", "ä", "windows-1252", Mismatch},
		{"\xe4\x80", `"ISO-8859-1"`, "ä€", "windows-1252", AsDeclared},
		{"\xc3\xa4", "windows-1252", "ä", "utf-8", Mismatch},
		{"\xa4", "iso-8859-15", "€", "iso-8859-15", AsDeclared},
		{"\xd0\xd2\xc9\xd7\xc5\xd4", "koi8-r", "привет", "koi8-r", AsDeclared},
		{"\xcf\xf0\xe8", "cp1251", "При", "windows-1251", AsDeclared},
		{"\xc4\xe3", "gb2312", "你", "gbk", AsDeclared},
		{"\xc4\xe3", "gbk", "你", "gbk", AsDeclared},
		{"\xa7A", "big5", "你", "big5", AsDeclared},
		{"\x82\xa0", "shift_jis", "あ", "shift_jis", AsDeclared},
		{"\x82\xa0", "x-sjis", "あ", "shift_jis", AsDeclared},
		{"\xa4\xa2", "euc-jp", "あ", "euc-jp", AsDeclared},
		{"\x1b$B$\"\x1b(B", "iso-2022-jp", "あ", "iso-2022-jp", AsDeclared},
		{"\xb0\xa1", "ks_c_5601-1987", "가", "euc-kr", AsDeclared},
		{"\xb0\xa1", "euc-kr", "가", "euc-kr", AsDeclared},
		{"a\x00\xac ", "utf-16le", "a€", "utf-16le", AsDeclared},
		{"\xfe\xff\x00a", "utf-16", "a", "utf-16", AsDeclared},
		{"a+APY-b+-c", "utf-7", "aöb+c", "utf-7", AsDeclared},
		{"+2D3eAA", "utf-7", "😀", "utf-7", AsDeclared},
		{"+! \xe4 +A", "utf-7", "\ufffd! \ufffd \ufffd", "utf-7", Mismatch},
		{"\xc3\xa4", "x-martian", "ä", "utf-8", Unknown},
		{"\xe4", "x-martian", "ä", "windows-1252", Unknown},
		{"ab\xe4", "iso-2022-kr", "abä", "windows-1252", Unknown},
		{"\xe4", strings.Repeat("x", 1000), "ä", "windows-1252", Unknown},
		{"ää", "gbk", "盲盲", "gbk", AsDeclared}, // nobody can tell
		{"a", "ASCII", "a", "us-ascii", AsDeclared},
		{"\xc3\xa4", "us-ascii", "ä", "utf-8", Mismatch},
		{"ä", "ascii", "ä", "utf-8", Mismatch},
		{"ä \xff", "gb2312", "盲 \ufffd", "gbk", Mismatch},
		{"zoë", "iso-8859-3", "zoë", "utf-8", Mismatch},
	} {
		want := Text{Content: tc.want, Charset: tc.charset, Outcome: tc.outcome}
		if got := Decode([]byte(tc.in), tc.label); got != want {
			t.Errorf("Decode(%q, %.20q) = %+v, want %+v", tc.in, tc.label, got, want)
		}
	}
}

func TestReplaced(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"": 0, "ää": 0, "ää\xc3": 1, "ä\ufffdä\xffä": 2, "\xe4": 0} {
		if got := Decode([]byte(in), "").Replaced(); got != want {
			t.Errorf("%d characters of %q are replaced, want %d", got, in, want)
		}
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<meta charset=gbk>`: "gbk",
		`<html><head><META http-equiv="Content-Type" content="text/html; charset=ISO-8859-2">`: "iso-8859-2",
		`<meta name=x><meta charset = 'koi8-r'/>`:                                              "koi8-r",
		`<meta content="text/html; charset='big5'">`:                                           "big5",
		`<meta charset="utf-16">`:                                                              "",
		`<meta charset>`:                                                                       "",
		`<meta charset=>`:                                                                      "",
		`<p>charset=gbk</p>`:                                                                   "",
		`<meta name=x charset=gbk`:                                                             "gbk",
		strings.Repeat(" ", sniffed) + "<meta charset=gbk>":                                    "",
		strings.Repeat("<meta ", 1000):                                                         "",
	} {
		if got := Sniff([]byte(in)); got != want {
			t.Errorf("Sniff(%.60q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, label := range []string{"", "utf-7", "iso-2022-jp", "gb18030", "utf-16", "big5", "hz-gb-2312", "x"} {
		f.Add([]byte("a+APY-\x1b$B\xe4~{"), label)
	}
	f.Fuzz(func(t *testing.T, in []byte, label string) {
		got := Decode(in, label).Content
		Sniff(in)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("Decode(%q, %q) = %q", in, label, got)
		}
		if len(got) > 4*len(in)+3 {
			t.Errorf("%d octets of %d", len(got), len(in))
		}
	})
}
