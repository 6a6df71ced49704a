package address

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// addresses makes a list of names and addresses, in turn.
func addresses(s ...string) []mail.Address {
	var list []mail.Address
	for i := 0; i < len(s); i += 2 {
		list = append(list, mail.Address{Name: s[i], Address: s[i+1]})
	}
	return list
}

func TestParseList(t *testing.T) {
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
		{"@", addresses("@", ""), false},
		{"A <@x>, B <b@>", addresses("A @x", "", "B b@", ""), false},
		{"a@b@x", addresses("", "a@b@x"), false},
		{"<root>", addresses("", "root"), false},
		{"<<a@x>>", addresses("", "a@x"), false},
		{"<mailto:a@x>", addresses("", "a@x"), true},
		{`"A <a@x>`, addresses("A", "a@x"), false},
		{`ceo@bank <evil@x>`, addresses("ceo@bank", "evil@x"), true},
	} {
		got, more, clean := ParseList(tc.in, 10)
		if diff := cmp.Diff(tc.want, got); diff != "" || more || clean != tc.clean {
			t.Errorf("ParseList(%q) clean %v (-want +got):\n%s", tc.in, clean, diff)
		}
	}
	if got, more, _ := ParseList("a@x, b@x, c@x", 2); len(got) != 2 || !more {
		t.Errorf("with limit 2: %v, more %v", got, more)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add(`"=?utf-8?q?a?=, b" <@r:a@x>, G: (c) d;`)
	f.Add(`"a b"@x (A \) B), =?utf-8?q?C,?= <mailto:c@x> <d@x`)
	f.Fuzz(func(t *testing.T, raw string) {
		const limit = 100
		list, more, _ := ParseList(raw, limit)
		if len(list) > limit || (more && len(list) < limit) {
			t.Errorf("%q gives %d addresses, more %v", raw, len(list), more)
		}
		for _, a := range list {
			if a == (mail.Address{}) || strings.HasPrefix(a.Address, "@") || strings.HasSuffix(a.Address, "@") {
				t.Errorf("%q gives the address %q", raw, a)
			}
			for _, s := range []string{a.Name, a.Address} {
				if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
					t.Errorf("%q gives %q", raw, s)
				}
			}
		}
	})
}
