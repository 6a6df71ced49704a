package filename

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
)

func TestSafe(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"invoice.pdf":                            "invoice.pdf",
		"Grüße aus Köln (1).txt":                 "Grüße aus Köln (1).txt",
		"../../etc/passwd":                       "passwd",
		`C:\Users\a\invoice.pdf`:                 "invoice.pdf",
		`..\x/..\..\y.txt`:                       "y.txt",
		"folder/":                                "folder",
		"a/b/":                                   "b",
		"/":                                      "",
		"..":                                     "",
		" . . ":                                  "",
		"":                                       "",
		"a:b.txt":                                "a_b.txt",
		"a\x00b\r\nc\x7f\u0085.txt":              "ab c.txt",
		"photo\u202egpj.exe":                     "photogpj.exe",
		"a\u200b\u2066b\u00ad\ufeff.c":           "ab.c",
		"\U000e0041x":                            "x",
		"a\uff0fb\u2215c\uff3cd.txt":             "a_b_c_d.txt",
		`a*b?c"d<e>f|g`:                          "a_b_c_d_e_f_g",
		".htaccess":                              "htaccess",
		"-rf":                                    "_-rf",
		"evil.exe. . ":                           "evil.exe",
		"CON":                                    "_CON",
		"nul.txt":                                "_nul.txt",
		"Aux .tar.gz":                            "_Aux .tar.gz",
		"COM1":                                   "_COM1",
		"lpt².x":                                 "_lpt².x",
		"COM10":                                  "COM10",
		"console.log":                            "console.log",
		"u\u0308.txt":                            "ü.txt",
		"a\xffb":                                 "a_b",
		"  two \t words  .txt":                   "two words.txt",
		"日本語.pdf":                                "日本語.pdf",
		strings.Repeat("ä", 300) + ".pdf":        strings.Repeat("ä", 98) + ".pdf",
		"a." + strings.Repeat("x", 300):          "a." + strings.Repeat("x", 198),
		strings.Repeat("x/", 10_000) + "end.txt": "end.txt",
		strings.Repeat("x", 195) + ". . . . . .pdf":    strings.Repeat("x", 195) + ".pdf",
		strings.Repeat("日", 5000) + "\u202e.pdf":       strings.Repeat("日", 65) + ".pdf",
		"a" + strings.Repeat("\u0301", 500) + "b.docx": "á" + strings.Repeat("\u0301", 9) + "b.docx",
	} {
		got := Safe(in)
		if got != want {
			t.Errorf("Safe(%+.60q) = %+q, want %+q", in, got, want)
		}
		if got != "" {
			checkName(t, in, got)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	var s Set
	var got []string
	for _, a := range [][2]string{
		{"a.txt", ""},
		{"A.TXT", ""},
		{"a-2.txt", ""},
		{"x/a.txt", ""},
		{"", "application/pdf"},
		{"..", "message/rfc822"},
		{"attachment-8.bin", ""},
		{"", "x/y"},
		{"", "text/calendar"},
		{"noext", ""},
		{"noext", ""},
	} {
		got = append(got, s.Add(a[0], a[1]))
	}
	want := []string{
		"a.txt", "A-2.TXT", "a-2-2.txt", "a-3.txt", "attachment-5.pdf", "attachment-6.eml", "attachment-8.bin",
		"attachment-8-2.bin", "attachment-9.ics", "noext", "noext-2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestSetOfOneName holds that a thousand attachments of one long name stay
// within the bound, each with its own.
func TestSetOfOneName(t *testing.T) {
	t.Parallel()
	var s Set
	seen := make(map[string]bool)
	for range 1000 {
		name := s.Add(strings.Repeat("ä", 200)+".pdf", "")
		if checkName(t, "", name); seen[name] || !strings.HasSuffix(name, ".pdf") {
			t.Fatalf("name %q, seen %v", name, seen[name])
		}
		seen[name] = true
	}
}

// checkName holds for every name that goes out.
func checkName(t *testing.T, in, name string) {
	t.Helper()
	switch {
	case name == "", len(name) > maxName, !utf8.ValidString(name), !norm.NFC.IsNormalString(name),
		strings.ContainsAny(name, `/\:*?"<>|`), strings.ContainsFunc(name, unicode.IsControl),
		strings.ContainsAny(name, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b"),
		strings.HasPrefix(name, "."), strings.HasPrefix(name, "-"), strings.HasSuffix(name, "."), strings.HasSuffix(name, " "),
		isDevice(name):
		t.Errorf("%+q gives the name %+q", in, name)
	}
}

func FuzzSet(f *testing.F) {
	f.Add("a.txt", "../A.TXT", "text/plain")
	f.Add("con\u202e.exe", "-u\u0308. ", "")
	f.Add(strings.Repeat("x", 300)+".pdf", strings.Repeat("X", 300)+".PDF", "image/png")
	f.Fuzz(func(t *testing.T, first, second, contentType string) {
		var s Set
		seen := make(map[string]bool)
		for _, sent := range []string{first, second, first, "", second} {
			name := s.Add(sent, contentType)
			checkName(t, sent, name)
			if seen[fold(name)] {
				t.Errorf("%q was given out twice", name)
			}
			seen[fold(name)] = true
			if again := Safe(name); again != name {
				t.Errorf("%+q is not safe by itself: %+q", name, again)
			}
		}
	})
}
