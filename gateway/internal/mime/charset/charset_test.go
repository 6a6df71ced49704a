package charset

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, label, want string
		outcome         Outcome
	}{
		{"a", "", "a", AsDeclared},
		{"\xc3\xa4", "UTF-8", "ä", AsDeclared},
		{"\xef\xbb\xbfa\x00b", "utf-8", "ab", AsDeclared},
		{"\xe4", "utf-8", "ä", Mismatch},
		{"ää\xc3", "utf-8", "ää\ufffd", Mismatch},
		{"\xe4", "us-ascii", "ä", Mismatch},
		{"\xe4\x80", `"ISO-8859-1"`, "ä€", AsDeclared},
		{"\xc3\xa4", "windows-1252", "ä", Mismatch},
		{"\xa4", "iso-8859-15", "€", AsDeclared},
		{"\xd0\xd2\xc9\xd7\xc5\xd4", "koi8-r", "привет", AsDeclared},
		{"\xcf\xf0\xe8", "cp1251", "При", AsDeclared},
		{"\xc4\xe3", "gb2312", "你", AsDeclared},
		{"\xc4\xe3", "gbk", "你", AsDeclared},
		{"\xa7A", "big5", "你", AsDeclared},
		{"\x82\xa0", "shift_jis", "あ", AsDeclared},
		{"\x82\xa0", "x-sjis", "あ", AsDeclared},
		{"\xa4\xa2", "euc-jp", "あ", AsDeclared},
		{"\x1b$B$\"\x1b(B", "iso-2022-jp", "あ", AsDeclared},
		{"\xb0\xa1", "ks_c_5601-1987", "가", AsDeclared},
		{"\xb0\xa1", "euc-kr", "가", AsDeclared},
		{"a\x00\xac ", "utf-16le", "a€", AsDeclared},
		{"\xfe\xff\x00a", "utf-16", "a", AsDeclared},
		{"a+APY-b+-c", "utf-7", "aöb+c", AsDeclared},
		{"+2D3eAA", "utf-7", "😀", AsDeclared},
		{"+! \xe4 +A", "utf-7", "\ufffd! \ufffd \ufffd", Mismatch},
		{"\xc3\xa4", "x-martian", "ä", Unknown},
		{"\xe4", "x-martian", "ä", Unknown},
		{"ab\xe4", "iso-2022-kr", "abä", Unknown},
		{"\xe4", strings.Repeat("x", 1000), "ä", Unknown},
		{"ää", "gbk", "盲盲", AsDeclared}, // nobody can tell
	} {
		got, outcome := Decode([]byte(tc.in), tc.label)
		if got != tc.want || outcome != tc.outcome {
			t.Errorf("Decode(%q, %.20q) = %q, %v; want %q, %v", tc.in, tc.label, got, outcome, tc.want, tc.outcome)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, label := range []string{"", "utf-7", "iso-2022-jp", "gb18030", "utf-16", "big5", "hz-gb-2312", "x"} {
		f.Add([]byte("a+APY-\x1b$B\xe4~{"), label)
	}
	f.Fuzz(func(t *testing.T, in []byte, label string) {
		got, _ := Decode(in, label)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("Decode(%q, %q) = %q", in, label, got)
		}
		if len(got) > 4*len(in)+3 {
			t.Errorf("%d octets of %d", len(got), len(in))
		}
	})
}
