package config

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
		"labels":              {"listener " + repeat("b ", n) + "{\n}\n", "listener takes one name only"},
		"bad lines":           {repeat("a\n", n), "argument or block definition required"},
		"bad characters":      {repeat("'", n), "single quotes are not valid"},
		"long name":           {repeat("a", n) + " = 1\n", `no setting "` + repeat("a", maxQuoted) + `…"`},
		"long label":          {"tenant \"" + repeat("a", n) + "\" {\n}\n", `tenant name "` + repeat("a", maxQuoted) + `…"`},
		"long list":           {"delivery {\n  allow_ports = [" + repeat("1,", maxEntries) + "1]\n}\n", "at most 10000 are allowed"},
		"huge exponent":       {"delivery {\n  concurrency = 1e999999999\n}\n", "want a whole number"},
		"indexes":             {"delivery {\n  concurrency = a" + repeat("[0]", n) + "\n}\n", noExpressions},
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
			_, err := Load(Options{Files: []string{file}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load = %.500v, want %q", err, c.want)
			}
			if err != nil && len(err.Error()) > maxProblems*1000 {
				t.Errorf("the problems have %d octets", len(err.Error()))
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
	_, err := Load(Options{Files: make([]string, maxFiles+1)})
	if want := "1001 configuration files, at most 1000 are allowed"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Load = %v, want %q", err, want)
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
	_, err := Load(Options{Files: files})
	if want := files[len(files)-1] + ": the configuration files are longer than 16 MiB together"; err == nil || err.Error() != want {
		t.Errorf("Load = %.300v, want %q", err, want)
	}
}

// TestTooManyBlocks spreads blocks over files, each of which is admitted.
func TestTooManyBlocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const each = maxTokens/6 - 1
	src := []byte(strings.Repeat("x {\n}\n", each))
	var files []string
	for i := range maxBlocks/each + 1 {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.hcl", i)))
		if err := os.WriteFile(files[i], src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(Options{Files: files})
	// Each is unknown, then one problem says that there are too many, and two
	// that the settings of the server are missing; a listener is as well.
	if want := fmt.Sprintf("and %d more", maxBlocks+1+2+1-maxProblems); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Load = …%s, want %q", err.Error()[max(0, len(err.Error())-100):], want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.hcl")
	_, err := Load(Options{Files: []string{missing, dir, missing}})
	want := missing + ": read configuration: open " + missing + ": no such file or directory\n" +
		missing + ": the file is given twice\n" +
		dir + ": read configuration: read " + dir + ": is a directory"
	if err == nil || err.Error() != want {
		t.Errorf("Load =\n%v\nwant\n%s", err, want)
	}
	if _, err := Load(Options{}); err == nil || !strings.Contains(err.Error(), "no listener block") {
		t.Errorf("Load of nothing = %v", err)
	}
}

// TestProblemsAreCapped has one mistake in each of many blocks.
func TestProblemsAreCapped(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.hcl")
	src := "server {\n  hostname = \"a\"\n  data_dir = \"a\"\n}\nlistener \"a\" {\n  address = \":1\"\n}\n" + strings.Repeat("lisener {\n}\n", 250)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Options{Files: []string{file}})
	ps, _ := err.(Problems) //nolint:errorlint // Load promises the type itself
	if len(ps) != maxProblems+1 || ps[maxProblems].Error() != "and 150 more" {
		t.Fatalf("%d problems, the last is %v", len(ps), ps[len(ps)-1])
	}
	if want := file + `:8:1: no block "lisener"; did you mean "listener"?`; ps[0].Error() != want {
		t.Errorf("the first is %v, want %s", ps[0], want)
	}
}

// FuzzLoad holds that no file makes the loader panic or hang, and that what it
// accepts is usable.
func FuzzLoad(f *testing.F) {
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	examples, err := filepath.Glob(configs + "/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(cases, examples...) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text, _, _ := strings.Cut(string(src), "-- want.")
		_, text, found := strings.Cut(text, ".hcl --\n")
		if !found {
			text = string(src)
		}
		f.Add([]byte(text), "3s")
	}
	f.Fuzz(func(t *testing.T, src []byte, env string) {
		file := filepath.Join(t.TempDir(), "x.hcl")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Options{Files: []string{file}, Environ: []string{"POSTERN_DELIVERY__TIMEOUT=" + env, "POSTERN_DELIVERY__SCHEDULE=" + env}})
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v", c, err)
		}
		if err != nil {
			return
		}
		for _, tenant := range c.Tenants {
			for _, e := range tenant.Endpoints {
				if _, err := parseSecret(e.Secret.Reveal()); err != nil {
					t.Errorf("the secret of %s %s", e.Name, err)
				}
			}
		}
	})
}

// FuzzParse is FuzzLoad without the disk, for more tries at the parser. What is
// parsed is also read: no shape of expression may get past literal.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"a = [1, \"b\", true, null, -1, {c = 1}]\n", "a \"b\" c {\n  d = <<-E\n  x\n  E\n}\n", "a = f(b...)\n", "a = a::b(1)\n", "a = b.0.1[*].c\n",
		"a = {for k, v in b : k => v... if c}\n", "a = \"${b}%{ if c ~}d%{ else }e%{ endif }\"\n", "a = b ? (c) : !d && e || f == -1 % 2\n", "a { b = 1 }\n",
		"a = \"$${b}%%{c} $ % \\u0041\"\n", "a = (\n", "a = [\n# x\n1 /* y */,\n]\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		body, ps := parse("x.hcl", src)
		if (body == nil) == (ps == nil) {
			t.Fatalf("parse = %v, %v", body, ps)
		}
		if ps != nil {
			return
		}
		for _, attr := range body.Attributes {
			if v, ps := literal(attr.Expr); (v.Data == nil) == (ps == nil) {
				t.Errorf("literal = %v, %v", v, ps)
			}
		}
	})
}
