package syntax

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestHostileFiles feeds what would overflow the stack of an unguarded parser,
// or keep it busy for minutes. Each must be answered by a problem that says so.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	const n = 100_000
	repeat := strings.Repeat
	for name, c := range map[string]struct{ src, want string }{
		"brackets":            {"a = " + repeat("[", n), "nested more than 32 deep"},
		"brackets closed":     {"a = " + repeat("[", n) + repeat("]", n) + "\n", "nested more than 32 deep"},
		"objects":             {"a = " + repeat("{a=", n), "nested more than 32 deep"},
		"blocks":              {repeat("a {\n", n), "nested more than 32 deep"},
		"parentheses":         {"a = " + repeat("(", n), "nested more than 32 deep"},
		"calls":               {"a = " + repeat("f(", n), "nested more than 32 deep"},
		"loops":               {"a = " + repeat("[for x in ", n/2), "nested more than 32 deep"},
		"indexes in indexes":  {"a = " + repeat("a[", n), "nested more than 32 deep"},
		"wrong closers":       {"a = " + repeat("[}", n), `"}" stands where the "[" of line 1 is still open`},
		"only closers":        {repeat("}", n), `"}" closes nothing`},
		"minus":               {"a = " + repeat("-", n) + "1\n", noExpressions},
		"not":                 {"a = " + repeat("!", n) + "true\n", noExpressions},
		"minus on lines":      {"a = (" + repeat("-\n", n) + "1)\n", noExpressions},
		"sum":                 {"a = 1" + repeat("+1", n) + "\n", noExpressions},
		"conditionals":        {"a = " + repeat("b?c:", n/2) + "d\n", noExpressions},
		"attributes":          {"a = b" + repeat(".c", n) + "\n", noExpressions},
		"splats":              {"a = b" + repeat("[*]", n) + "\n", noExpressions},
		"templates":           {"a = " + repeat(`"${`, n), noExpressions},
		"template directives": {"a = \"" + repeat("%{if a}", n/2) + "\"\n", noExpressions},
		"heredoc templates":   {"a = <<E\n" + repeat("${<<E\n", n), noExpressions},
		"string in pieces":    {"a = \"" + repeat("$ ", n) + "\"\n", "the string has more than 1000 pieces"},
		"heredoc of lines":    {"a = <<E\n" + repeat("\n", n) + "E\n", "the string has more than 1000 pieces"},
		"digits":              {"a = " + repeat("7", n) + "\n", "the number has more than 64 characters"},
		"tokens":              {repeat("a\n", 400_000), "more than 400000 tokens"},
		"too long":            {repeat("#", maxFileSize+1), "longer than 1 MiB"},
		"bad lines":           {repeat("a\n", n), "argument or block definition required"},
		"bad characters":      {repeat("'", n), "single quotes are not valid"},
		"NUL":                 {"a = 1\nb = \"\x00\"\n", "x.hcl:2:6: the file holds a NUL byte"},
		"not UTF-8":           {"a = 1\n# é\xff\n", "x.hcl:2:4: the file is not valid UTF-8"},
		"UTF-16":              {"\xff\xfea\x01", "x.hcl:1:1: the file is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "x.hcl")
			if err := os.WriteFile(file, []byte(c.src), 0o600); err != nil {
				t.Fatal(err)
			}
			_, ps := ReadFiles([]string{file})
			if len(ps) == 0 || !strings.Contains(ps.Error(), c.want) {
				t.Errorf("ReadFiles = %.500v, want %q", ps, c.want)
			}
			if len(ps.Error()) > MaxProblems*1000 {
				t.Errorf("the problems have %d octets", len(ps.Error()))
			}
		})
	}
}

// TestDeepestAdmitted parses what the bounds let through at their very edge, in
// the shapes that recurse most.
func TestDeepestAdmitted(t *testing.T) {
	t.Parallel()
	repeat := strings.Repeat
	for _, src := range []string{
		"a = " + repeat("[", maxDepth) + repeat("]", maxDepth) + "\n",
		"a = " + repeat("(", maxDepth) + repeat("-", maxOperators) + "1" + repeat(")", maxDepth) + "\n",
		"a = " + repeat("b ? c : ", maxOperators) + "d\n",
		repeat("a {\n", maxDepth) + repeat("}\n", maxDepth),
		"a = \"" + repeat("$ ", maxPieces/2) + "\"\n",
	} {
		tokens, _ := hclsyntax.LexConfig([]byte(src), "x.hcl", hcl.InitialPos)
		if ps := admit(tokens); ps != nil {
			t.Errorf("admit(%.40q…) = %v", src, ps)
		}
		if _, ps := parse("x.hcl", []byte(src)); ps != nil {
			t.Errorf("parse(%.40q…) = %v", src, ps)
		}
	}
}

func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	_, ps := ReadFiles(make([]string, maxFiles+1))
	if want := "1001 configuration files, at most 1000 are allowed"; !strings.Contains(ps.Error(), want) {
		t.Errorf("ReadFiles = %v, want %q", ps, want)
	}
}

func TestTooLongTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var files []string
	for i := range maxTotalSize/maxFileSize + 1 {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.hcl", i)))
		if err := os.WriteFile(files[i], []byte(strings.Repeat("#", maxFileSize)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bodies, ps := ReadFiles(files)
	if want := files[len(files)-1] + ": the configuration files are longer than 16 MiB together"; ps.Error() != want || len(bodies) != len(files)-1 {
		t.Errorf("ReadFiles = %d bodies, %.300v; want all but the last, %q", len(bodies), ps, want)
	}
}

// FuzzParse holds that no file makes the parser panic or hang. What is parsed is
// also read, as settings and as free-form attributes: no shape of expression may
// get past literals.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"a = [1, \"b\", true, null, -1, {c = 1}]\n", "a \"b\" c {\n  d = <<-E\n  x\n  E\n}\n", "a = f(b...)\n", "a = a::b(1)\n", "a = b.0.1[*].c\n",
		"a = {for k, v in b : k => v... if c}\n", "a = \"${b}%{ if c ~}d%{ else }e%{ endif }\"\n", "a = b ? (c) : !d && e || f == -1 % 2\n", "a { b = 1 }\n",
		"a = \"$${b}%%{c} $ % \\u0041\"\n", "a = (\n", "a = [\n# x\n1 /* y */,\n]\n",
		"b = { a = null, \"c/d\" : [-1e-7, 18446744073709551615, 1e999], (e) = 1, a = 2 }\na = \"\\u2028<\"\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		body, ps := parse("x.hcl", src)
		if ps != nil {
			return
		}
		read(t, body)
	})
}

// read reads each value of a body and of the blocks in it.
func read(t *testing.T, body Body) {
	t.Helper()
	checkJSON(t, body.Attributes)
	for _, attr := range body.Attributes {
		if v, ps := attr.Value(); (v.Data == nil) == (ps == nil) {
			t.Errorf("the value of %s = %v, %v", attr.Name, v, ps)
		}
		if attr.At.Line == 0 {
			t.Errorf("%s has no place", attr.Name)
		}
	}
	for _, b := range body.Blocks {
		read(t, b.Body)
	}
}
