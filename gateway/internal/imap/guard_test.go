package imap

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat("(", maxDepth+1)
	long := strings.Repeat("x", maxLine)
	large := fmt.Sprintf("{%d}\r\n", maxLiteral+1)
	for name, tc := range map[string]struct {
		in  string
		err string
	}{
		"greeting":                          {in: "* OK [CAPABILITY IMAP4rev1] :-( :-(\r\n"},
		"a mail":                            {in: "* 1 FETCH (UID 1 BODY[] {100}\r\n" + nested + strings.Repeat("x", 100-len(nested)) + ")\r\nT1 OK\r\n"},
		"depth":                             {in: "* 1 FETCH (" + nested, err: "parentheses"},
		"depth over literals":               {in: "* LIST " + strings.Repeat("( {1}\r\nx", maxDepth+1), err: "parentheses"},
		"depth begins anew":                 {in: strings.Repeat("* LIST "+nested[:maxDepth]+"\r\n", 3)},
		"parentheses in a quoted string":    {in: `* LIST () "/" "\"` + nested + nested + "\"\r\n"},
		"parentheses in text":               {in: "* OK " + nested + "\r\n+ " + nested + "\r\nT1 NO " + nested + "\r\n* 5 BYE " + nested + "\r\n"},
		"after text":                        {in: "* OK text\r\n* LIST " + nested, err: "parentheses"},
		"a literal in text is none":         {in: "* OK {9999}\r\n* LIST " + nested, err: "parentheses"},
		"and in a tagged one":               {in: "T1 ok {9999}\r\n* LIST " + nested, err: "parentheses"},
		"and after a number":                {in: "* 5 no {9999}\r\n* LIST " + nested, err: "parentheses"},
		"and in a continuation":             {in: "+ {9999}\r\n* LIST " + nested, err: "parentheses"},
		"not at the end of a line is none":  {in: "* LIST {9999} x\r\n* LIST " + nested, err: "parentheses"},
		"in a quoted string is none":        {in: "* LIST \"{9999}\r\n\" " + nested, err: "parentheses"},
		"with a space, as the parser does":  {in: "* LIST {5} \r\n" + "(((((" + strings.Repeat("(", maxDepth) + "\r\n"},
		"LF alone":                          {in: "* LIST {5}\n" + "(((((" + strings.Repeat("(", maxDepth) + "\n"},
		"a line":                            {in: "* LIST " + long, err: "a line"},
		"a line without an end, as text":    {in: "* OK " + long, err: "a line"},
		"a quoted string over lines":        {in: "* LIST \"" + strings.Repeat("x\r\n", maxLine/3), err: "a line"},
		"a line in pieces between literals": {in: "* LIST " + strings.Repeat(long[:maxLine/4]+" {1}\r\nx", 5), err: "a line"},
		"a literal that is no mail":         {in: "* LIST () \"/\" " + large, err: "a literal"},
		"that has its place in a list":      {in: "* 1 FETCH (ENVELOPE (" + large, err: "a literal"},
		"that has the name, deeper":         {in: "* 1 FETCH (BODY[HEADER.FIELDS (BODY[] " + large, err: "a literal"},
		"a mail of the largest size":        {in: fmt.Sprintf("* 1 FETCH (body[] {%d}\r\n", 1<<20)},
		"a mail that is too large":          {in: fmt.Sprintf("* 1 FETCH (BODY[] {%d}\r\n", 1<<20+1), err: "a literal"},
		"a list in capabilities":            {in: "* CAPABILITY IMAP4rev1 (", err: "capabilities"},
		"at once":                           {in: "* capability(", err: "capabilities"},
		"in those that are enabled":         {in: "* 5 ENABLED (", err: "capabilities"},
		"in a code":                         {in: "* OK [CAPABILITY IMAP4rev1 (", err: "capabilities"},
		"in a code of a tagged line":        {in: "T1 NO [CAPABILITY(", err: "capabilities"},
		"not behind a code":                 {in: "* OK [CAPABILITY IMAP4rev1] (x)\r\n* LIST ()\r\n* OK (CAPABILITY (\r\n"},
		"a number that has no end":          {in: "* 1 FETCH (BODY[] {" + strings.Repeat("9", 1000) + "}\r\n", err: "a literal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1, 7, len(tc.in)} {
				g := guard{mail: 1 << 20}
				var err error
				for rest := tc.in; err == nil && rest != ""; {
					n := min(piece, len(rest))
					err = g.check([]byte(rest[:n]))
					rest = rest[n:]
				}
				if tc.err == "" && err != nil || tc.err != "" && (!errors.Is(err, errResponse) || !strings.Contains(err.Error(), tc.err)) {
					t.Errorf("in pieces of %d: %v, want %q", piece, err, tc.err)
				}
				if len(g.begin)+len(g.tail) > 64 {
					t.Errorf("it keeps %d octets", len(g.begin)+len(g.tail))
				}
			}
		})
	}
}

// BenchmarkGuard measures what a line costs; mails are passed over at once.
func BenchmarkGuard(b *testing.B) {
	line := []byte("* 12 FETCH (UID 12 RFC822.SIZE 4711 INTERNALDATE \"24-Nov-2026 18:00:00 +0000\")\r\n")
	g := guard{mail: 1 << 20}
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := g.check(line); err != nil {
			b.Fatal(err)
		}
	}
}
