package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// usualCases is where a project has its cases.
const usualCases = "testdata/cases"

// moduleDepth is in how many folders, that of the cases and those above it, a module is
// looked for.
const moduleDepth = 3

// testFlags are those of "plugin test".
type testFlags struct {
	plugin  string
	run     string
	update  bool
	verbose bool
	asJSON  bool
	color   colorFlag
}

func newPluginTest() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Run a plugin on the mails of a folder and compare what comes with what is expected",
		Long: `Test runs a plugin on the cases of a folder, in the sandbox and by the limits of the
gateway, without one. DIR is testdata/cases where none is given. A case is a folder:

  testdata/cases/
    case.json               what holds for all cases, if anything does
    ticket/
      mail.eml              the mail
      case.json             what is different in this case, if anything is
      scan-rspamd.json      what a scanner said, if one did: scan-ENGINE.json
      expected.json         what is to come of it; --update writes it

case.json may have: "options", the options of the plugin's block; "write" and "read",
lists of JSON Pointers, and "grant", a list of permissions, by default all; "from",
"to", "tenant", "alias" of the delivery; and "set", an object of JSON Pointers and what
earlier stages have set there. A member in the case's own file replaces that of the
file above.

expected.json is one of

  {"verdict": "continue", "payload": {"crm": {"ticket": 4711}}}
  {"verdict": "drop", "reason": "a loop"}
  {"error": "account is missing"}

payload is what "write" lets the plugin change, all of it where nothing is said. The
order of members does not matter, and numbers count by their value. With "drop" and
"quarantine", reason and payload are compared where they are given. error is what the
plugin has returned, of its options too. A run that traps, or exceeds a limit, fails
whatever is expected.

The module is that of --plugin, or else the only *.wasm in DIR, or else in the folder
above it, or else in the one above that.

Exit code 0: all cases passed; 1: one did not, has no expected.json, or is broken.`,
		Example: `  postern plugin test
  postern plugin test testdata/cases --plugin acme-crm.wasm --run '^ticket' -v
  postern plugin test --update && git diff testdata`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := usualCases
			if len(args) > 0 {
				dir = args[0]
			}
			pick, err := regexp.Compile(f.run)
			if err != nil {
				return fmt.Errorf("--run: %w", err)
			}
			color, err := f.color.on(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return wrapFailure(testPlugin(cmd, f, dir, pick, color))
		},
	}
	cmd.Flags().StringVar(&f.plugin, "plugin", "", "the `PLUGIN`: FILE.wasm or builtin:NAME")
	cmd.Flags().StringVar(&f.run, "run", "", "try only cases whose name matches `REGEX`")
	cmd.Flags().BoolVar(&f.update, "update", false, "write what comes as what is expected")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "say what each case took, and its log")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	f.color.register(cmd)
	return cmd
}

// findModule finds the module of a project by the folder of its cases.
func findModule(dir string) (string, error) {
	at := dir
	for range moduleDepth {
		found, err := filepath.Glob(filepath.Join(escapeGlob(at), "*.wasm"))
		switch {
		case err != nil:
			return "", err
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return "", fmt.Errorf("%s has %d modules: say by --plugin which is to be tested", at, len(found))
		}
		at = filepath.Join(at, "..")
	}
	return "", fmt.Errorf("no *.wasm in %s or the two folders above it: build the plugin, or name it by --plugin", dir)
}

// escapeGlob has a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// The results of a case.
const (
	casePassed  = "pass"
	caseFailed  = "fail"
	caseUpdated = "updated"
)

// tested is what "plugin test --json" prints.
type tested struct {
	Plugin  string       `json:"plugin"`
	SHA256  string       `json:"sha256"`
	Cases   []testedCase `json:"cases"`
	Passed  int          `json:"passed"`
	Failed  int          `json:"failed"`
	Updated int          `json:"updated"`
}

// testedCase is what came of one case.
type testedCase struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	// Problem says why it failed.
	Problem    string        `json:"problem,omitempty"`
	Expected   *caseResult   `json:"expected,omitempty"`
	Got        *caseResult   `json:"got,omitempty"`
	DurationMS float64       `json:"duration_ms"`
	Memory     uint64        `json:"memory"`
	Fuel       int64         `json:"fuel"`
	Log        []plugin.Line `json:"log"`
}

func testPlugin(cmd *cobra.Command, f testFlags, dir string, pick *regexp.Regexp, color bool) error {
	names, err := caseDirs(dir, pick)
	if err != nil {
		return err
	}
	common, err := readCaseSettings(filepath.Join(dir, caseSettings))
	if err != nil {
		return err
	}
	name := f.plugin
	if name == "" {
		if name, err = findModule(dir); err != nil {
			return err
		}
	}
	source, err := openPluginArgument(cmd, name, "")
	if err != nil {
		return err
	}
	// What is wrong with the module itself is no result of a case.
	said := announceCompiling(cmd.ErrOrStderr())
	in, err := plugin.Inspect(cmd.Context(), source.wasm, compilationCache(""), source.compiler())
	said()
	if err == nil && in.Problem != "" {
		err = errors.New(in.Problem)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	suite := &caseSuite{source: source, name: name, update: f.update}
	defer suite.close(cmd.Context())
	out := tested{Plugin: name, SHA256: in.SHA256, Cases: []testedCase{}}
	for _, name := range names {
		tc := suite.try(cmd.Context(), dir, name, common)
		if cmd.Context().Err() != nil {
			return errors.New("stopped before all cases were tried")
		}
		switch tc.Result {
		case casePassed:
			out.Passed++
		case caseUpdated:
			out.Updated++
		default:
			out.Failed++
		}
		out.Cases = append(out.Cases, tc)
		if !f.asJSON {
			if err := tc.print(cmd.OutOrStdout(), f.verbose, color); err != nil {
				return err
			}
		}
	}
	if f.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	} else {
		_, err = io.WriteString(cmd.OutOrStdout(), out.summary(color))
	}
	if err == nil && out.Failed > 0 {
		err = errReported
	}
	return err
}

// caseSuite tries cases one after the other. The plugin stays loaded for the next case
// that configures it alike.
type caseSuite struct {
	source pluginSource
	name   string
	update bool

	loaded *plugin.Plugin // nil for none
	cfg    plugin.Config  // of loaded
}

func (s *caseSuite) close(ctx context.Context) {
	if s.loaded != nil {
		_ = s.loaded.Close(context.WithoutCancel(ctx)) // it holds memory alone
		s.loaded = nil
	}
}

// load loads the plugin for a case.
func (s *caseSuite) load(ctx context.Context, cfg plugin.Config) (*plugin.Plugin, error) {
	if s.loaded != nil && reflect.DeepEqual(s.cfg, cfg) {
		return s.loaded, nil
	}
	s.close(ctx)
	p, err := plugin.Load(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.loaded, s.cfg = p, cfg
	return p, nil
}

// try runs a case and compares.
func (s *caseSuite) try(ctx context.Context, dir, name string, common caseSettingsFile) testedCase {
	tc := testedCase{Name: name, Result: caseFailed, Log: []plugin.Line{}}
	c, err := readCase(dir, name, common)
	if err == nil {
		tc.Expected = c.expected
		tc.Got, err = s.run(ctx, c, &tc)
	}
	switch {
	case err != nil:
		tc.Problem = err.Error()
	case s.update && (c.expected == nil || !c.expected.same(*tc.Got)):
		if err := tc.Got.write(c.file()); err != nil {
			tc.Problem = err.Error()
			return tc
		}
		tc.Result = caseUpdated
	case c.expected == nil:
		tc.Problem = fmt.Sprintf("there is no %s: look at what comes, and write it by --update", caseExpected)
	case !c.expected.same(*tc.Got):
		tc.Problem = "another result than expected"
	default:
		tc.Result = casePassed
	}
	return tc
}

// run runs the plugin on a case's mail. Its error is that of a case that cannot be
// compared.
func (s *caseSuite) run(ctx context.Context, c *pluginCase, tc *testedCase) (*caseResult, error) {
	cfg, err := c.settings.configure(s.source, s.name)
	if err != nil {
		return nil, err
	}
	t, err := readTrial(nil, filepath.Join(c.dir, caseMail), c.settings.delivery())
	if err != nil {
		return nil, err
	}
	t.mail.Scans = c.scans
	before, err := c.settings.prepare(t.document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", caseSettings, err)
	}
	p, err := s.load(ctx, cfg)
	if refused, ok := errors.AsType[*plugin.GuestError](err); ok {
		return &caseResult{Error: refused.Text}, nil
	}
	if err != nil {
		return nil, err
	}
	res, err := p.Run(ctx, t.mail, before)
	tc.DurationMS, tc.Memory, tc.Fuel = milliseconds(res.Duration), res.Memory, res.Fuel
	tc.Log = append(tc.Log, res.Log...)
	if returned, ok := errors.AsType[*plugin.GuestError](err); ok {
		return &caseResult{Error: returned.Text}, nil
	}
	if err != nil {
		return nil, err
	}
	payload, err := outline(res.Document)
	if err != nil {
		return nil, err
	}
	got := &caseResult{Verdict: res.Verdict, Payload: cutTo(payload, cfg.Write)}
	if res.Verdict != plugin.Continue {
		got.Reason = &res.Reason
	}
	return got, nil
}

// print shows what came of a case.
func (tc testedCase) print(w io.Writer, verbose, color bool) error {
	var b strings.Builder
	word := map[string]string{
		casePassed: terminal.Paint("ok  ", terminal.Green, color), caseFailed: terminal.Paint("FAIL", terminal.Red, color),
		caseUpdated: terminal.Paint("new ", terminal.Yellow, color),
	}[tc.Result]
	if tc.Result == caseUpdated && tc.Expected != nil {
		word = terminal.Paint("chg ", terminal.Yellow, color)
	}
	fmt.Fprintf(&b, "%s  %s", word, terminal.Text(tc.Name, maxSymbol))
	if verbose {
		fmt.Fprintf(&b, "  %.1f ms, %d units of fuel, %.1f MiB", tc.DurationMS, tc.Fuel, mebibytes(tc.Memory))
	}
	b.WriteByte('\n')
	var details strings.Builder
	if tc.Problem != "" {
		fmt.Fprintf(&details, "%s\n", terminal.Text(tc.Problem, maxError))
	}
	if tc.Result == caseUpdated && tc.Got.Error != "" {
		details.WriteString("what is expected now is an error\n")
	}
	switch {
	case tc.Result == casePassed || tc.Got == nil:
	case tc.Expected != nil:
		tc.writeDiff(&details, color)
	case tc.Result == caseFailed:
		if text, err := tc.Got.encoded(); err == nil {
			terminal.WritePayload(&details, text)
		}
	}
	if verbose || tc.Result == caseFailed {
		for _, l := range tc.Log {
			fmt.Fprintf(&details, "log: %s\n", terminal.Text(l.String(), maxError))
		}
	}
	for line := range strings.Lines(details.String()) {
		b.WriteString("      " + line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeDiff shows how the result differs from the expected one.
func (tc testedCase) writeDiff(b *strings.Builder, color bool) {
	want, errWant := tc.Expected.encoded()
	got, errGot := tc.Got.comparable(*tc.Expected).encoded()
	if err := errors.Join(errWant, errGot); err != nil {
		fmt.Fprintf(b, "%s\n", terminal.Text(err.Error(), maxError))
		return
	}
	b.WriteString(terminal.Paint("- expected", terminal.Red, color) + "\n" + terminal.Paint("+ got", terminal.Green, color) + "\n")
	terminal.WriteDiff(b, jsonLines(byValue(decoded(want))), jsonLines(byValue(decoded(got))), color)
}

func (t tested) summary(color bool) string {
	parts := []string{fmt.Sprintf("%d passed", t.Passed)}
	if t.Updated > 0 {
		parts = append(parts, fmt.Sprintf("%d written anew", t.Updated))
	}
	tint := terminal.Green
	if t.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", t.Failed))
		tint = terminal.Red
	}
	if i := slices.IndexFunc(t.Cases, func(tc testedCase) bool { return tc.Result == caseFailed && tc.Expected == nil && tc.Got != nil }); i >= 0 {
		parts = append(parts, "--update writes what is missing")
	}
	return terminal.Paint(fmt.Sprintf("%s: %s", counted(len(t.Cases), "case", "cases"), strings.Join(parts, ", ")), tint, color) + "\n"
}
