package secret

import (
	"strings"
	"testing"
)

func TestParsePassword(t *testing.T) {
	t.Parallel()
	const control = "holds a line break or another control character"
	for name, tc := range map[string]struct{ text, err string }{
		"dsn":            {text: "postgres://postern:kkkk@db:5432/postern?sslmode=verify-full"},
		"words":          {text: "host=db password='k k' dbname=postern"},
		"one octet":      {text: "k"},
		"not ASCII":      {text: "schlüssel"},
		"longest":        {text: strings.Repeat("k", 4096)},
		"too long":       {text: strings.Repeat("k", 4097), err: "is longer than 4096 octets"},
		"empty":          {err: "is empty"},
		"not UTF-8":      {text: "k\xff", err: "is not valid UTF-8"},
		"two lines":      {text: "k\nk", err: control},
		"line break":     {text: "k\n", err: control},
		"NUL":            {text: "k\x00", err: control},
		"next line (C1)": {text: "k\u0085", err: control},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := ParsePassword(tc.text)
			if tc.err != "" {
				if err == nil || err.Error() != tc.err || !p.IsZero() {
					t.Fatalf("ParsePassword = %v, %v; want the zero Password and %q", p, err, tc.err)
				}
				return
			}
			if err != nil || p.IsZero() || p.Text() != tc.text {
				t.Fatalf("ParsePassword = %q, %v", p.Text(), err)
			}
		})
	}
	if zero := (Password{}); !zero.IsZero() || zero.Text() != "" {
		t.Errorf("Text() of the zero Password = %q", zero.Text())
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	password := func(text string) Password {
		p, err := ParsePassword(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, got := range map[string][2]bool{
		"same keys":         {mustParse(t, written(32)).Equal(mustParse(t, written(32))), true},
		"other keys":        {mustParse(t, written(32)).Equal(mustParse(t, written(33))), false},
		"no key":            {mustParse(t, written(32)).Equal(Key{}), false},
		"zero keys":         {Key{}.Equal(Key{}), true},
		"same passwords":    {password("kk").Equal(password("kk")), true},
		"other passwords":   {password("kk").Equal(password("kx")), false},
		"a longer password": {password("kk").Equal(password("kkk")), false},
		"no password":       {Password{}.Equal(password("kk")), false},
		"zero passwords":    {Password{}.Equal(Password{}), true},
		"one octet":         {password("k").Equal(password("k")), true},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: Equal = %t", name, got[0])
		}
	}
}

func TestSuspect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		published:                       true,
		"in the middle of whsec_x":      true,
		"WHSEC_x":                       true,
		"postgres://postern:kkkk@db/x":  true,
		"PostgreSQL://u:k/k@db/x":       true,
		"postgres://u:k\nk@db/x":        true,
		"https://user@host/":            true,
		"host=db password=kkkk":         true,
		"host=db password = 'k k'":      true,
		"sslpassword=k":                 true,
		"":                              false,
		"postgres://db/postern":         false,
		"https://host/a@b":              false,
		"oci://registry/crm@sha256:9f2": false,
		"user@host":                     false,
		"no password here":              false,
	} {
		if got := Suspect(text); got != want {
			t.Errorf("Suspect(%q) = %t", text, got)
		}
	}
}
