package plugin_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// attack is a guest of testdata/hostile, and what is to become of it. A file holds
// several, each with lines that the suite reads:
//
//	;;; attack: what it does     begins it
//	;;; load: TEXT               it does not load, with an error that has this text
//	;;; error: TEXT              its run ends with an error that has this text
//	;;; ok: JSON                 its run ends well, and leaves this at /crm, or nothing
//	;;; for X: A | B | C         it is as many attacks, with A, B and C for X
//	;;;   | D                    and one more
//
// and may have: options, write, read, grant and memory of the plugin's configuration;
// deadline, after which it is stopped; custom, a custom section's name and octets.
// An attack is a module, or the fields of one which guest.wat makes whole.
type attack struct {
	name, wat     string
	outcome, text string
	config        plugin.Config
	deadline      bool
	custom        []byte
	module        []byte // instead of wat
}

// stop is when an attack that never ends is stopped.
const stop = 100 * time.Millisecond

// TestHostileGuests is the conformance suite of the host.
func TestHostileGuests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/hostile/*.wat")
	if err != nil {
		t.Fatal(err)
	}
	fields := readFields(t)
	m := parsed(t)
	neighbor := load(t, hostileConfig(wat2wasm(t, whole("", fields))))
	for _, file := range files {
		if filepath.Base(file) == guestFile {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wat"), func(t *testing.T) {
			t.Parallel()
			for _, a := range readAttacks(t, file) {
				t.Run(a.name, func(t *testing.T) {
					t.Parallel()
					a.run(t, fields, m)
					// Whatever it was, the others go on.
					checkTame(t, neighbor, m)
				})
			}
		})
	}
}

// run makes the attack, and holds what is to hold after it.
func (a attack) run(t *testing.T, fields []field, m plugin.Mail) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("the host has panicked: %v", r)
		}
	}()
	wat := a.wat
	if a.outcome == "ok" {
		wat += "\n(func $spoil)" // what it does itself is all that is to be seen
	}
	if a.config.Wasm = a.module; a.module == nil {
		a.config.Wasm = append(wat2wasm(t, whole(wat, fields)), a.custom...)
	}
	ctx := t.Context()
	if a.deadline {
		// The loads and runs that are to end well have the plugin's own time.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, stop)
		defer cancel()
	}
	if a.outcome == "load" {
		p, err := plugin.Load(ctx, a.config)
		if err == nil {
			t.Fatal(errors.Join(errors.New("it was loaded"), p.Close(t.Context())))
		}
		a.checkError(t, err)
		if !strings.HasPrefix(err.Error(), `plugin "hostile": `) {
			t.Errorf("error %q does not begin with the plugin's name", err)
		}
		return
	}

	p := load(t, a.config)
	doc := payloadDocument(t, "")
	before := stored(t, doc)
	res, err := p.Run(ctx, m, doc)
	if after := stored(t, doc); after != before {
		t.Errorf("the document that was given was changed: %s", after)
	}
	if res.Verdict != plugin.Continue || res.Reason != "" {
		t.Errorf("verdict = %s %q, want none", res.Verdict, res.Reason)
	}
	checkLog(t, res.Log)
	if a.outcome == "ok" {
		want := before
		if a.text != "" {
			want = withCRM(t, a.text)
		}
		if err != nil || stored(t, res.Document) != want {
			t.Errorf("document = %s, %v; want %s", stored(t, res.Document), err, want)
		}
	} else {
		if res.Document != doc {
			t.Errorf("of a run that failed an edit stays: %s", stored(t, res.Document))
		}
		if err == nil {
			t.Fatalf("it ended well, want an error with %q", a.text)
		}
		a.checkError(t, err)
		trap, ok := errors.AsType[*sandbox.Trap](err)
		if a.deadline && (!ok || !trap.Deadline || !errors.Is(err, context.DeadlineExceeded)) {
			t.Errorf("error = %v, want a trap by its deadline", err)
		}
	}
	checkTame(t, p, m)
}

// checkError holds that an error says what happened, in a line that can be shown.
func (a attack) checkError(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if a.text == "" || !strings.Contains(text, a.text) {
		t.Errorf("error = %q, want one with %q", text, a.text)
	}
	if len(text) > 1<<10 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("error of %d octets is no line to show: %.200q", len(text), text)
	}
	if strings.Contains(text, "runtime error") && !strings.Contains(a.text, "runtime error") {
		t.Errorf("the host itself has failed: %v", err)
	}
}

// checkLog holds that the log of a run is bounded.
func checkLog(t *testing.T, lines []plugin.Line) {
	t.Helper()
	octets := 0
	for _, l := range lines {
		octets += len(l.Level) + len(l.Message)
		for _, f := range l.Fields {
			octets += len(f[0]) + len(f[1])
		}
	}
	if octets > 128<<10 || len(lines) > 200 {
		t.Errorf("the log has %d lines of %d octets", len(lines), octets)
	}
}

// checkTame runs a guest for a mail that it does not attack, and holds that nothing
// of the runs before is left.
func checkTame(t *testing.T, p *plugin.Plugin, m plugin.Mail) {
	t.Helper()
	res, err := p.Run(t.Context(), m, payloadDocument(t, `,"tame":true`))
	if err != nil || stored(t, res.Document) != withCRM(t, `"tame"`) || res.Verdict != plugin.Continue || len(res.Log) > 0 {
		t.Errorf("the next run = %s, %s, log %v, %v", stored(t, res.Document), res.Verdict, res.Log, err)
	}
}

// TestTheNextRunWouldTell holds that the guests of this suite find what a run before
// has left, where there is something.
func TestTheNextRunWouldTell(t *testing.T) {
	t.Parallel()
	fields, m := readFields(t), parsed(t)
	for _, keep := range []string{
		"(global.set $secret (i32.const 1))",
		"(i32.store (i32.const 0xff0) (i32.const 1))",
		"(table.set $table (i32.const 0) (table.get $table (i32.const 1)))",
	} {
		wat := "(func $configure (param i32 i32) (result i32) " + keep + " (i32.const 0x10))"
		p := load(t, hostileConfig(wat2wasm(t, whole(wat, fields))))
		res, err := p.Run(t.Context(), m, payloadDocument(t, `,"tame":true`))
		if err != nil || stored(t, res.Document) != withCRM(t, `"leaked"`) {
			t.Errorf("%s: document = %s, %v", keep, stored(t, res.Document), err)
		}
	}
}

func hostileConfig(wasm []byte) plugin.Config {
	return plugin.Config{
		Name: "hostile", Wasm: wasm, Grant: everything(), Write: narrow(), Timeout: 30 * time.Second, Memory: 1 << 20,
	}
}

// narrow is the scope of the guests of this suite.
func narrow() []document.Pointer { return []document.Pointer{{"crm"}, {"tame"}} }

// payloadDocument is what is edited, with more members if there are to be.
func payloadDocument(t *testing.T, more string) *document.Document {
	t.Helper()
	d, err := document.Unmarshal([]byte(`{"parts":[{"offset":0,"length":4},{"offset":4,"length":4}],"root":{"id":"msg_1","schema":"1","tenant":"acme",` +
		`"message":{"subject":"Hi","attachments":[{"filename":"a","$part":0},{"filename":"b","$part":1}]},` +
		`"integrity":{"contentHash":"00"},"security":{},"list":[1]` + more + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// withCRM is how the document is stored whose /crm was set.
func withCRM(t *testing.T, value string) string {
	t.Helper()
	return strings.TrimSuffix(stored(t, payloadDocument(t, "")), "}}") + `,"crm":` + value + "}}"
}

func stored(t *testing.T, d *document.Document) string {
	t.Helper()
	b, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// field is a piece of guest.wat, with the name that it defines, if it does.
type field struct {
	name, wat string
	isImport  bool
}

var (
	comments = regexp.MustCompile(`(?m);;.*$`)
	defined  = regexp.MustCompile(`(?m)^\((?:import.* \()?(?:func|memory|table|global) (\$[\w.]+)`)
	named    = regexp.MustCompile(`\$[\w.]+`)
)

// guestFile holds the fields that an attack is made whole with.
const guestFile = "guest.wat"

func readFields(t *testing.T) []field {
	t.Helper()
	var fields []field
	for wat := range strings.SplitSeq(readText(t, filepath.Join("testdata/hostile", guestFile)), "\n\n") {
		wat = strings.TrimSpace(comments.ReplaceAllString(wat, ""))
		f := field{wat: wat, isImport: strings.HasPrefix(wat, "(import")}
		if name := defined.FindStringSubmatch(wat); name != nil && !strings.HasPrefix(wat, "(export") {
			f.name = name[1]
		}
		fields = append(fields, f)
	}
	return fields
}

// whole makes a module of an attack's fields: those of guest.wat that have no name,
// and those that are named and not defined.
func whole(wat string, fields []field) string {
	wat = comments.ReplaceAllString(wat, "")
	if strings.HasPrefix(strings.TrimSpace(wat), "(module") {
		return wat
	}
	have := make(map[string]bool)
	for _, name := range defined.FindAllStringSubmatch(wat, -1) {
		have[name[1]] = true
	}
	var imports, others []string
	want := named.FindAllString(wat, -1)
	take := func(f field) {
		if f.isImport {
			imports = append(imports, f.wat)
		} else {
			others = append(others, f.wat)
		}
		want = append(want, named.FindAllString(f.wat, -1)...)
	}
	for _, f := range fields {
		if f.name == "" {
			take(f)
		}
	}
	for len(want) > 0 {
		name := want[0]
		want = want[1:]
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i >= 0 && !have[name] {
			have[name] = true
			take(fields[i])
		}
	}
	return "(module\n" + strings.Join(imports, "\n") + "\n" + wat + "\n" + strings.Join(others, "\n") + ")\n"
}

func readAttacks(t *testing.T, file string) []attack {
	t.Helper()
	var attacks []attack
	pieces := regexp.MustCompile(`(?m)^;;; attack: `).Split(readText(t, file), -1)
	for _, piece := range pieces[1:] {
		name, wat, _ := strings.Cut(piece, "\n")
		attacks = append(attacks, expand(t, name, wat)...)
	}
	if len(attacks) == 0 {
		t.Fatalf("%s holds no attack", file)
	}
	return attacks
}

var (
	repeats   = regexp.MustCompile(`(?m)^;;; for (\w+): (.*(?:\n;;;   \| .*)*)\n`)
	directive = regexp.MustCompile(`^;;; (\w+): ?(.*)$`)
)

// expand makes an attack of a piece of a file, or several.
func expand(t *testing.T, name, wat string) []attack {
	t.Helper()
	if at := repeats.FindStringSubmatchIndex(wat); at != nil {
		word, values, rest := wat[at[2]:at[3]], strings.ReplaceAll(wat[at[4]:at[5]], "\n;;;  ", ""), wat[:at[0]]+wat[at[1]:]
		var all []attack
		for value := range strings.SplitSeq(values, " | ") {
			all = append(all, expand(t, name+" "+value, regexp.MustCompile(`\b`+word+`\b`).ReplaceAllLiteralString(rest, value))...)
		}
		return all
	}
	a := attack{name: name, wat: wat, config: hostileConfig(nil)}
	for line := range strings.Lines(wat) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, ";;;") {
			continue
		}
		d := directive.FindStringSubmatch(line)
		if d == nil {
			t.Fatalf("%s: %s: no such line", name, line)
		}
		if err := a.set(d[1], d[2]); err != nil {
			t.Fatalf("%s: %s: %v", name, line, err)
		}
	}
	if a.outcome == "" {
		t.Fatalf("%s: nothing is to become of it", name)
	}
	return []attack{a}
}

// set does what a line of an attack says.
func (a *attack) set(key, value string) (err error) {
	switch key {
	case "load", "error", "ok":
		if a.outcome != "" {
			return errors.New("it is to become another thing already")
		}
		a.outcome, a.text = key, value
	case "options":
		a.config.Options = []byte(value)
	case "grant":
		a.config.Grant = strings.Fields(value)
	case "write":
		a.config.Write, err = pointers(value)
		a.config.Write = append(a.config.Write, narrow()...)
	case "read":
		a.config.Read, err = pointers(value)
	case "memory":
		a.config.Memory, err = strconv.ParseUint(value, 0, 64)
	case "deadline":
		a.deadline = true
	case "custom":
		name, octets, _ := strings.Cut(value, " ")
		content, err := hex.DecodeString(octets)
		if err != nil {
			return err
		}
		content = slices.Concat([]byte{byte(len(name))}, []byte(name), content)
		a.custom = append(binary.AppendUvarint(append(a.custom, 0), uint64(len(content))), content...)
	default:
		return errors.New("no such line")
	}
	return err
}

// pointers reads JSON Pointers with spaces between them; the root's is written "root".
func pointers(list string) (pointers []document.Pointer, err error) {
	for s := range strings.FieldsSeq(list) {
		p, err := document.ParsePointer(strings.TrimPrefix(s, "root"))
		if err != nil {
			return nil, err
		}
		pointers = append(pointers, p)
	}
	return pointers, nil
}

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wat2wasm assembles a module.
func wat2wasm(t *testing.T, wat string) []byte {
	t.Helper()
	program, err := exec.LookPath("wat2wasm")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: wat2wasm (Debian: wabt)")
		}
		t.Skip("missing: wat2wasm (Debian: wabt)")
	}
	cmd := exec.CommandContext(t.Context(), program, "--enable-multi-memory", "--enable-memory64", "--enable-threads", "--output=-", "-")
	cmd.Stdin = strings.NewReader(wat)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	wasm, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, complaint.String(), wat)
	}
	return wasm
}
