package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/plugin/conformance"
)

// guest is a plugin that misbehaves in one way. Its functions are in WAT; what it
// does not say is that of a tame one.
type guest struct {
	configure, transform, start string
	// want are the checks that do not pass, and want text is what one of them says.
	want map[string]conformance.Result
	text string
	// bare has it read nothing, so that it takes hardly anything.
	bare bool
}

// either stands for a result that depends on how fast the machine is.
const either = conformance.Result("")

// guests has one for each check and for each way to fail it.
func guests() map[string]guest {
	type want = map[string]conformance.Result
	const tame = "(call $done (call $set (i32.const 0x108) (i32.const 3)))"
	return map[string]guest{
		"tame": {transform: tame},
		"traps on some mails": {
			transform: `(call $headers.get (i32.const 0x140) (i32.const 7) (i32.const 0x40))
				(if (i32.eqz (i32.load (i32.const 0x44))) (then unreachable))` + tame,
			want: want{"mails": conformance.Fail}, text: "no Subject: transform: wasm error: unreachable",
		},
		"does not end on some mails": {
			transform: `(call $headers.get (i32.const 0x140) (i32.const 7) (i32.const 0x40))
				(if (i32.eqz (i32.load (i32.const 0x44))) (then (loop $l (br $l))))` + tame,
			want: want{"mails": conformance.Fail, "headroom": conformance.Fail}, text: "no Subject: transform: its fuel is used up",
		},
		"fails on all mails": {
			transform: `(call $done (i32.const 1))`, bare: true,
			want: want{"mails": conformance.Warn, "growth": conformance.Skip, "payloads": conformance.Skip, "grants": conformance.Skip, "budgets": conformance.Skip, "recovery": conformance.Skip}, text: "something is wrong",
		},
		"draws random numbers": {
			transform: `(drop (call $random_get (global.get $seed) (i32.const 4))) (call $spell (i32.load (global.get $seed)))
				(call $done (call $set (i32.const 0x180) (i32.const 10)))`,
			want: want{"determinism": conformance.Fail, "budgets": conformance.Skip, "recovery": conformance.Skip}, text: "in the next run: another payload at /crm",
		},
		"draws random numbers when it starts": {
			start:     `(drop (call $random_get (global.get $seed) (i32.const 4)))`,
			transform: `(call $spell (i32.load (global.get $seed))) (call $done (call $set (i32.const 0x180) (i32.const 10)))`,
			want:      want{"determinism": conformance.Fail, "budgets": conformance.Skip, "recovery": conformance.Skip}, text: "in another instance: another payload at /crm",
		},
		"works with the square of the size": {
			transform: `(local $n i32) (local $i i32)
				(local.set $n (i32.shr_u (call $text) (i32.const 9)))
				(local.set $i (i32.mul (local.get $n) (local.get $n)))
				(block $end (loop $next (br_if $end (i32.eqz (local.get $i))) (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br $next)))` + tame,
			want: want{"growth": conformance.Fail}, text: "one line of text: fuel grows by size to the power of 1.7",
		},
		"asks the host for all of the payload for each field": {
			transform: `(local $i i32)
				(call $headers.all (i32.const 0x40))
				(local.set $i (i32.shr_u (i32.load (i32.const 0x44)) (i32.const 2)))
				(block $end (loop $next
					(br_if $end (i32.eqz (local.get $i)))
					(global.set $top (i32.const 0x1000))
					(call $payload.get (i32.const 0) (i32.const 0) (i32.const 0x40))
					(local.set $i (i32.sub (local.get $i) (i32.const 1)))
					(br $next)))` + tame,
			want: want{"growth": conformance.Fail}, text: "fields of the header: fuel grows by size to the power of 1.",
		},
		"floods its log": {transform: talks(300) + tame, want: want{"log": conformance.Fail}, text: "lines more were left out"},
		"talks":          {transform: talks(30) + tame, want: want{"log": conformance.Warn}, text: "at most 30 for one"},
		"takes two thirds of its memory": {
			transform: `(drop (memory.grow (i32.const 190)))` + tame, want: want{"headroom": conformance.Warn}, text: "of its memory for the mail",
		},
		"takes nearly all of its memory": {
			transform: `(drop (memory.grow (i32.const 290)))` + tame, want: want{"headroom": conformance.Fail}, text: "of its memory for the mail",
		},
		"believes the payload": {
			transform: `(call $payload.get (i32.const 0x150) (i32.const 16) (i32.const 0x40))
				(if (i32.and (i32.eqz (i32.load8_u (i32.const 0x40))) (i32.eqz (i32.load8_u (i32.const 0x44)))) (then unreachable))` + tame,
			want: want{"payloads": conformance.Fail}, text: "without /message: transform: wasm error: unreachable",
		},
		"believes a scanner": {
			transform: `(call $scans.all (i32.const 0x40))
				(if (i32.gt_u (i32.load (i32.const 0x44)) (i32.const 1)) (then unreachable))` + tame,
			want: want{"scans": conformance.Fail}, text: "the same engine twice: transform: wasm error: unreachable",
		},
		"works with the square of a scanner's report": {
			transform: `(local $n i32) (local $i i32)
				(call $scans.all (i32.const 0x40))
				(if (i32.load (i32.const 0x44)) (then
					(local.set $n (i32.shr_u (i32.load (i32.add (i32.load (i32.const 0x40)) (i32.const 20))) (i32.const 7)))))
				(local.set $i (i32.mul (local.get $n) (local.get $n)))
				(block $end (loop $next (br_if $end (i32.eqz (local.get $i))) (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br $next)))` + tame,
			want: want{"scans": conformance.Fail}, text: "fuel grows by the size of the report to the power of 2.0",
		},
		"hides that it was refused": {
			transform: `(drop (call $set (i32.const 0x108) (i32.const 3))) (i32.const 0x10)`,
			want:      want{"grants": conformance.Warn}, text: "it ended well and had set nothing",
		},
		"traps where it is refused": {
			transform: `(if (call $set (i32.const 0x108) (i32.const 3)) (then unreachable)) (i32.const 0x10)`,
			want:      want{"grants": conformance.Fail}, text: "without a grant to write where it does, an ordinary mail: transform: wasm error: unreachable",
		},
		"traps on options": {
			configure: `(if (i32.ne (local.get 1) (i32.const 2)) (then unreachable)) (i32.const 0x10)`, transform: tame,
			want: want{"options": conformance.Fail}, text: `{"postern_attack":1}: plugin "guest": configure: wasm error: unreachable`,
		},
		"takes all options": {
			configure: `(i32.const 0x10)`, transform: tame, want: want{"options": conformance.Warn}, text: "an option that nobody knows was taken",
		},
		"takes no for an answer of its allocator": {
			transform: `(drop (call $text))
				(if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then (return (call $done (call $set (i32.const 0x110) (i32.const 3))))))` + tame,
			want: want{"budgets": conformance.Fail}, text: "KiB of memory, 5 MB of text: another payload",
		},
		"does hardly anything": {
			transform: `(i32.const 0x10)`, bare: true,
			want: want{"payloads": conformance.Skip, "grants": conformance.Skip, "budgets": either, "recovery": either}, text: "it does not ask for the payload",
		},
	}
}

func talks(lines int) string {
	return strings.Repeat("(call $log.write (i32.const 1) (i32.const 0x170) (i32.const 18) (i32.const 4) (i32.const 0))\n", lines)
}

// wat makes the module. What it does not call it does not import.
func (g guest) wat() string {
	work := "(drop (call $work (call $text)))"
	if g.bare {
		work = ""
	}
	configure := g.configure
	if configure == "" {
		// Its options have no members: "{}".
		configure = "(if (i32.ne (local.get 1) (i32.const 2)) (then (return (call $done (i32.const 1))))) (i32.const 0x10)"
	}
	body := `
(memory (export "memory") 1)
(global $top (mut i32) (i32.const 0x1000))
(global $seed i32 (i32.const 0x80))
(data (i32.const 0x100) "/crm") (data (i32.const 0x108) "\"a\"") (data (i32.const 0x110) "\"b\"")
(data (i32.const 0x140) "Subject") (data (i32.const 0x150) "/message/subject") (data (i32.const 0x170) "something is wrong")
(data (i32.const 0x190) "")
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (local $p i32) (local $missing i32)
  (local.set $p (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.set $top (i32.add (local.get $p) (local.get 3)))
  (local.set $missing (i32.sub (i32.shr_u (i32.add (global.get $top) (i32.const 65535)) (i32.const 16)) (memory.size)))
  (if (i32.gt_s (local.get $missing) (i32.const 0))
    (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
  (local.get $p))
;; The result: good, or an error where there is an answer other than 0.
(func $done (param $answer i32) (result i32)
  (if (result i32) (local.get $answer)
    (then
      (i32.store8 (i32.const 0x20) (i32.const 1)) (i32.store (i32.const 0x24) (i32.const 0x170)) (i32.store (i32.const 0x28) (i32.const 18))
      (i32.const 0x20))
    (else (i32.const 0x10))))
(func (export "_initialize") ` + g.start + `)
(func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) ` + configure + `)
(func $transform (result i32) ` + g.transform + `)
(func (export "postern:plugin/transformer@0.1.0#transform") (result i32) ` + work + ` (call $transform))
`
	for _, f := range []struct{ name, wat string }{
		{"$set", `(func $set (param $value i32) (param $length i32) (result i32)
  (call $payload.set (i32.const 0x100) (i32.const 4) (local.get $value) (local.get $length) (i32.const 0x40))
  (i32.load8_u (i32.const 0x40)))`},
		// Goes over the text, octet by octet.
		{"$work", `(func $work (param $n i32) (result i32)
  (local $sum i32) (local $at i32)
  (local.set $at (i32.load (i32.const 0x44)))
  (block $end (loop $next
    (br_if $end (i32.eqz (local.get $n)))
    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $next)))
  (local.get $sum))`},
		{"$text", `(func $text (result i32)
  (call $body.text (i32.const 0x40))
  (if (result i32) (i32.load8_u (i32.const 0x40)) (then (i32.load (i32.const 0x48))) (else (i32.const 0))))`},
		// Writes a number at 0x180 as a string of eight letters.
		{"$spell", `(func $spell (param $v i32)
  (local $i i32)
  (i32.store8 (i32.const 0x180) (i32.const 0x22)) (i32.store8 (i32.const 0x189) (i32.const 0x22))
  (loop $next
    (i32.store8 (i32.add (i32.const 0x181) (local.get $i)) (i32.add (i32.const 97) (i32.and (local.get $v) (i32.const 15))))
    (local.set $v (i32.shr_u (local.get $v) (i32.const 4)))
    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))`},
	} {
		if strings.Contains(body, f.name) {
			body += f.wat + "\n"
		}
	}
	imports := ""
	for _, f := range []struct{ name, wat string }{
		{"$headers.get", `"postern:plugin/headers@0.1.0" "get" (func $headers.get (param i32 i32 i32))`},
		{"$headers.all", `"postern:plugin/headers@0.1.0" "all" (func $headers.all (param i32))`},
		{"$body.text", `"postern:plugin/body@0.1.0" "text" (func $body.text (param i32))`},
		{"$scans.all", `"postern:plugin/scans@0.1.0" "all" (func $scans.all (param i32))`},
		{"$payload.get", `"postern:plugin/payload@0.1.0" "get" (func $payload.get (param i32 i32 i32))`},
		{"$payload.set", `"postern:plugin/payload@0.1.0" "set" (func $payload.set (param i32 i32 i32 i32 i32))`},
		{"$log.write", `"postern:plugin/log@0.1.0" "write" (func $log.write (param i32 i32 i32 i32 i32))`},
		{"$random_get", `"wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32))`},
	} {
		if strings.Contains(body, f.name) {
			imports += "(import " + f.wat + ")\n"
		}
	}
	return "(module\n" + imports + body + ")\n"
}

// TestEachCheckCatchesItsGuest holds that of a guest which misbehaves in one way the
// checks that are about that fail, and no other.
func TestEachCheckCatchesItsGuest(t *testing.T) {
	t.Parallel()
	for name, g := range guests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			card := attack(t, subject(t, g))
			said := ""
			for _, c := range card.Checks {
				want, ok := g.want[c.Name]
				switch {
				case ok:
				case c.Name == "scans": // which hardly any of them asks for
					want = conformance.Skip
				default:
					want = conformance.Pass
				}
				if c.Result != want && want != either {
					t.Errorf("%s = %s, want %s: %s %q", c.Name, c.Result, want, c.Found, c.Details)
				}
				if bad := c.Result == conformance.Warn || c.Result == conformance.Fail; bad == (c.Advice == "") {
					t.Errorf("%s = %s, and its advice is %q", c.Name, c.Result, c.Advice)
				}
				said += c.Found + "\n" + strings.Join(c.Details, "\n") + "\n"
			}
			if !strings.Contains(said, g.text) {
				t.Errorf("nothing says %q:\n%s", g.text, said)
			}
		})
	}
}

// TestFaultyHost holds that what only the host can do wrong is found too.
func TestFaultyHost(t *testing.T) {
	t.Parallel()
	s := subject(t, guests()["traps on some mails"])
	load := s.Load
	s.Load = func(ctx context.Context, cfg plugin.Config) (conformance.Runner, error) {
		r, err := load(ctx, cfg)
		return &forgetful{Runner: r}, err
	}
	check(t, attack(t, s), "recovery", conformance.Fail, "the ordinary mail has another payload at /crm")

	s = subject(t, guests()["tame"])
	load, loads := s.Load, 0
	s.Load = func(ctx context.Context, cfg plugin.Config) (conformance.Runner, error) {
		if loads++; loads == 2 {
			return nil, errors.New("not again")
		}
		return load(ctx, cfg)
	}
	check(t, attack(t, s), "determinism", conformance.Fail, "not a second time: not again")

	s = subject(t, guests()["tame"])
	load = s.Load
	s.Load = func(ctx context.Context, cfg plugin.Config) (conformance.Runner, error) {
		r, err := load(ctx, cfg)
		return quadratic{r}, err
	}
	check(t, attack(t, s), "growth", conformance.Warn, "fields of the header: time grows by size to the power of 1.99")

	s.Load = func(context.Context, plugin.Config) (conformance.Runner, error) { return nil, errors.New("not at all") }
	if _, err := conformance.Attack(t.Context(), s); err == nil || err.Error() != "not at all" {
		t.Errorf("error = %v", err)
	}
}

// quadratic is a host that looks at all fields of a header for each of them.
type quadratic struct{ conformance.Runner }

func (q quadratic) Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	res, err := q.Runner.Run(ctx, m, doc)
	n := time.Duration(len(m.View.Fields))
	res.Duration = n * n * 1000
	return res, err
}

// forgetful is a host that leaves something of a run that it has stopped.
type forgetful struct {
	conformance.Runner
	stopped bool
}

func (f *forgetful) Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	res, err := f.Runner.Run(ctx, m, doc)
	if err == nil && f.stopped {
		e := res.Document.Edit(document.Scope{Write: []document.Pointer{{}}}, 1<<10)
		if err := e.Set("/crm", []byte(`"of the run before"`)); err != nil {
			return res, err
		}
		res.Document = e.Document()
	}
	f.stopped = err != nil
	return res, err
}

// TestTooLittleTime holds that what was not tried does not count as passed.
func TestTooLittleTime(t *testing.T) {
	t.Parallel()
	s := subject(t, guests()["tame"])
	s.Time = time.Nanosecond
	card := attack(t, s)
	if card.Pass != 0 {
		t.Errorf("%d checks passed in no time: %+v", card.Pass, card.Checks)
	}
	check(t, card, "mails", conformance.Skip, "the time was over before all was tried")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := conformance.Attack(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func check(t *testing.T, card conformance.Card, name string, result conformance.Result, text string) {
	t.Helper()
	for _, c := range card.Checks {
		if c.Name == name && (c.Result != result || !strings.Contains(c.Found+"\n"+strings.Join(c.Details, "\n"), text)) {
			t.Errorf("%s = %s: %s %q; want %s with %q", name, c.Result, c.Found, c.Details, result, text)
		}
	}
}

func attack(t *testing.T, s conformance.Subject) conformance.Card {
	t.Helper()
	card, err := conformance.Attack(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if card.Pass+card.Warn+card.Fail+card.Skip != len(card.Checks) || len(card.Checks) != 11 {
		t.Errorf("the card does not add up: %+v", card)
	}
	return card
}

func subject(t *testing.T, g guest) conformance.Subject {
	t.Helper()
	return conformance.Subject{
		Config: plugin.Config{
			Name: "guest", Wasm: wat2wasm(t, g.wat()), Options: []byte("{}"), Grant: plugin.Permissions(), Write: []document.Pointer{{"crm"}}, Read: []document.Pointer{{}},
			Timeout: time.Minute, Memory: 24 << 20, Fuel: 200_000_000,
		},
		Load: func(ctx context.Context, cfg plugin.Config) (conformance.Runner, error) {
			p, err := plugin.Load(ctx, cfg)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		Deliver: deliver, Time: 10 * time.Minute,
	}
}

// delivered keeps the deliveries of the mails for all guests: to parse them takes longer
// than to run those.
var delivered sync.Map

type delivery struct {
	mail     plugin.Mail
	document *document.Document
}

func deliver(raw []byte) (plugin.Mail, *document.Document, error) {
	if d, ok := delivered.Load(string(raw)); ok {
		return d.(delivery).mail, d.(delivery).document, nil
	}
	view, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return plugin.Mail{}, nil, err
	}
	m := plugin.Mail{ID: "msg_01ARYZ6S410000000000000000_1", Tenant: "acme", Alias: "support", Recipient: "support@acme.test", View: view}
	doc := payload.Build(view, payload.Facts{ID: m.ID, Tenant: m.Tenant, Alias: m.Alias, Recipient: m.Recipient, Envelope: mail.Envelope{}, SHA256: fmt.Sprintf("%064d", 0)})
	delivered.Store(string(raw), delivery{m, doc})
	return m, doc, nil
}

func wat2wasm(t *testing.T, wat string) []byte {
	t.Helper()
	program, err := exec.LookPath("wat2wasm")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: wat2wasm (Debian: wabt)")
		}
		t.Skip("missing: wat2wasm (Debian: wabt)")
	}
	cmd := exec.CommandContext(t.Context(), program, "--output=-", "-")
	cmd.Stdin = strings.NewReader(wat)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	wasm, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, complaint.String(), wat)
	}
	return wasm
}
