// Package syntax reads what configuration files say, without knowing what they
// should: octets of HCL become literal values, each with its place. Nothing
// outside this package knows HCL.
//
// Invariants:
//
//   - Files are hostile until shown otherwise: they are bounded in size, depth and
//     number before anything recursive sees them, and no expression is evaluated.
//   - Every value, name and label keeps the place where it was said, so that every
//     problem can point at its own.
//   - What a message repeats of a file goes through [Quote], so that what looks like a
//     secret and stands in a wrong place is not shown.
//
// The package reads files and keeps nothing.
package syntax

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// Bounds on what is read. hclsyntax has none of its own: its parser calls itself
// for each bracket and each operator, so that nesting overflows the goroutine's
// stack, which ends the process and cannot be recovered from; and it joins the
// pieces of a string in quadratic time, 10 s for 128 KiB of "$ $ $".
const (
	maxFiles      = 1000
	maxFileSize   = 1 << 20  // octets
	maxTotalSize  = 16 << 20 // octets over all files
	maxTokens     = 400_000  // of one file
	maxDepth      = 32       // of brackets and braces
	maxOperators  = 100      // of one file; a good one has none but signs of numbers
	maxPieces     = 1000     // of one string: lines, escapes and single $ and %
	maxNumberSize = 64       // octets of one number
	maxDetail     = 500      // octets of an explanation by the parser
	maxSyntax     = 20       // syntax problems shown of one file; one often causes the next
)

// ReadFiles reads and parses every file that it can, and gives those in their
// order. Where there are problems, what it gives is not the whole configuration.
func ReadFiles(names []string) ([]Body, Problems) {
	if len(names) > maxFiles {
		return nil, Problems{Place{File: names[0]}.Problem("", fmt.Sprintf("%d configuration files, at most %d are allowed", len(names), maxFiles))}
	}
	var problems Problems
	bodies := make([]Body, 0, len(names))
	seen := make(map[string]bool, len(names))
	total := 0
	for _, name := range names {
		at := Place{File: name}
		if seen[name] {
			problems = append(problems, at.Problem("", "the file is given twice"))
			continue
		}
		seen[name] = true
		src, err := readFile(name)
		if err != nil {
			problems = append(problems, at.Problem("", err.Error()))
			continue
		}
		if total += len(src); total > maxTotalSize {
			problems = append(problems, at.Problem("", "the configuration files are longer than 16 MiB together"))
			break
		}
		body, ps := parse(name, src)
		if ps != nil {
			problems = append(problems, ps...)
			continue
		}
		bodies = append(bodies, body)
	}
	return bodies, problems
}

// readFile reads a file of bounded size. Pipes are welcome.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close() // only read from: its error says nothing
	src, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(src) > maxFileSize {
		return nil, fmt.Errorf("the file is longer than 1 MiB")
	}
	return src, nil
}

// parse gives what one file says, or the problems that stop it.
func parse(name string, src []byte) (Body, Problems) {
	if ps := checkText(name, src); ps != nil {
		return Body{}, ps
	}
	tokens, diags := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		// One open quote makes every line after it wrong in the same way.
		return Body{}, syntaxProblems(name, slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool { return a.Summary == b.Summary }))
	}
	if ps := admit(tokens); ps != nil {
		return Body{}, ps
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return Body{}, syntaxProblems(name, diags)
	}
	return bodyOf(file.Body.(*hclsyntax.Body)), nil
}

// checkText refuses what is no UTF-8 text, before a lexer guesses at it.
func checkText(name string, src []byte) Problems {
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return Problems{Place{name, 1, 1}.Problem("save it as UTF-8 without a BOM", "the file begins with a byte order mark")}
	}
	message := ""
	at := bytes.IndexByte(src, 0)
	if at >= 0 {
		message = "the file holds a NUL byte"
	} else if !utf8.Valid(src) {
		message = "the file is not valid UTF-8"
		at = 0
		for rest := src; ; rest = src[at:] {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size <= 1 {
				break
			}
			at = len(src) - len(rest) + size
		}
	}
	if message == "" {
		return nil
	}
	line := bytes.Count(src[:at], []byte("\n")) + 1
	column := utf8.RuneCount(src[bytes.LastIndexByte(src[:at], '\n')+1:at]) + 1
	return Problems{Place{name, line, column}.Problem("save it as UTF-8", message)}
}

// admit looks at the tokens of a file, one after the other, and refuses those on
// which the parser would use stack or time without bound. Every recursion of
// the parser is driven by an open bracket or by a token that no literal value
// has; so a bound on the depth of the one and the number of the other bounds it.
func admit(tokens hclsyntax.Tokens) Problems {
	if len(tokens) > maxTokens {
		return refuse(tokens[maxTokens], "split it into several files", "the file has more than %d tokens", maxTokens)
	}
	var open []hclsyntax.Token
	operators, pieces := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			open = append(open, t)
			if len(open) > maxDepth {
				return refuse(t, "", "brackets are nested more than %d deep", maxDepth)
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			if len(open) == 0 {
				return refuse(t, "", "%q closes nothing", t.Bytes)
			}
			last := open[len(open)-1]
			if !closes(t.Type, last.Type) {
				return refuse(t, "", "%q stands where the %q of line %d is still open", t.Bytes, last.Bytes, last.Range.Start.Line)
			}
			open = open[:len(open)-1]
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			pieces = 0
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			if pieces++; pieces > maxPieces {
				return refuse(t, "", "the string has more than %d pieces", maxPieces)
			}
		case hclsyntax.TokenNumberLit:
			if len(t.Bytes) > maxNumberSize {
				return refuse(t, "", "the number has more than %d characters", maxNumberSize)
			}
		case hclsyntax.TokenIdent, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenEqual,
			hclsyntax.TokenColon, hclsyntax.TokenComma, hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenEOF:
		default:
			if operators++; operators > maxOperators {
				return refuse(t, writeValue, "%s", noExpressions)
			}
		}
	}
	return nil
}

func closes(closing, opening hclsyntax.TokenType) bool {
	switch closing {
	case hclsyntax.TokenCBrace:
		return opening == hclsyntax.TokenOBrace
	case hclsyntax.TokenCBrack:
		return opening == hclsyntax.TokenOBrack
	default:
		return opening == hclsyntax.TokenOParen
	}
}

func refuse(t hclsyntax.Token, hint, format string, args ...any) Problems {
	return Problems{placeOf(t.Range).Problem(hint, fmt.Sprintf(format, args...))}
}

func placeOf(r hcl.Range) Place { return Place{r.Filename, r.Start.Line, r.Start.Column} }

// syntaxProblems turns the parser's findings into ours.
func syntaxProblems(name string, diags hcl.Diagnostics) Problems {
	diags = diags[:min(len(diags), maxSyntax)]
	ps := make(Problems, len(diags))
	for i, d := range diags {
		hint := sentence(d.Detail)
		// Details quote identifiers, which may be long, and one of which may be a
		// secret without its quotes.
		if secret.Suspect(hint) || len(hint) > maxDetail {
			hint = ""
		}
		at := Place{File: name}
		if d.Subject != nil {
			at = placeOf(*d.Subject)
		}
		ps[i] = at.Problem(hint, sentence(d.Summary))
	}
	return ps
}

// sentence makes a diagnostic's text start and end as our messages do.
func sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + strings.TrimSuffix(s[size:], ".")
}
