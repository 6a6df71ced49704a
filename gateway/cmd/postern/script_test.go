package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

// TestScripts runs testdata/script/*.txtar against the real program. Beside the
// commands of testscript there are
//
//	expand FILE          replaces $NAME in a file by the environment's values
//	waitfile FILE        waits until the file is there
//	answers CODE…        the receiver answers so, in this order, and then 204
//	receive N            waits for N verified deliveries, written to webhook-1.json, …
//	requests N           the receiver has had N requests
//	shaped               from now on plugins give the payload another shape
//	settled DATADIR      waits until nothing is under way in the gateway of a data folder
//	newest DATADIR NAME  sets $NAME to the id of the newest delivery, and $NAME_MESSAGE to its message's
//	becomes DATADIR ID STATE  waits until a delivery is in a state
//	waitsfor DATADIR WHAT  waits until that is what holds back a lane, with no attempt under way
//	shadowed DATADIR N   waits until N shadow runs are in the journal of a data folder
//	jsonpath FILE PATH   prints the value at a path of keys and indexes, as JSON
//
// $RECEIVER is the URL of a webhook receiver that verifies by the official
// library; $FREE_ADDRESS and $SMTP are addresses that nobody listens on; $MAILS is the
// folder of example mails, $SCHEMA the schema of payloads. $TEST_WEBHOOK_SECRET
// is what the receiver expects. probe.wasm is a plugin that does what its options say.
func TestScripts(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	guest, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	mails, err := filepath.Abs(filepath.Join(repository, "examples", "mails"))
	if err != nil {
		t.Fatal(err)
	}
	published, err := filepath.Abs(filepath.Join(repository, "gateway", "internal", "payload", "schema", "payload-1.0.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			rcv := newReceiver(t)
			rcv.keep = true
			env.Values[receiverKey{}] = rcv
			env.Vars = append(env.Vars, "RECEIVER="+rcv.URL, "MAILS="+mails, "SCHEMA="+published, "TEST_WEBHOOK_SECRET="+testSecret,
				cacheVariable+"="+os.Getenv(cacheVariable))
			if err := os.WriteFile(filepath.Join(env.WorkDir, "probe.wasm"), guest, 0o600); err != nil {
				return err
			}
			for _, name := range []string{"FREE_ADDRESS", "SMTP"} {
				free, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Vars = append(env.Vars, name+"="+free.Addr().String())
				defer free.Close() // not before both are known, lest they be the same
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"expand":   expand,
			"waitfile": waitFile(t),
			"answers":  answers,
			"receive":  receive(t),
			"requests": requests(t),
			"shaped":   shaped(t),
			"settled":  settled(t),
			"waitsfor": waitsFor(t),
			"newest":   newest(t),
			"becomes":  becomes(t),
			"shadowed": shadowed(t),
			"jsonpath": jsonPath,
		},
	})
}

type receiverKey struct{}

func receiverOf(ts *testscript.TestScript) *receiver {
	r, ok := ts.Value(receiverKey{}).(*receiver)
	if !ok {
		ts.Fatalf("the script has no receiver")
	}
	return r
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	content := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(content), 0o600))
}

func waitFile(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: waitfile FILE")
		}
		eventually(t, args[0], func() bool {
			_, err := os.Stat(ts.MkAbs(args[0]))
			return err == nil
		})
	}
}

func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: answers CODE…")
	}
	codes := make([]int, len(args))
	for i, a := range args {
		code, err := strconv.Atoi(a)
		ts.Check(err)
		codes[i] = code
	}
	r := receiverOf(ts)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(n int, _ string) int {
		if n <= len(codes) {
			return codes[n-1]
		}
		return http.StatusNoContent
	}
}

func receive(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		n := number(ts, neg, args)
		r := receiverOf(ts)
		eventually(t, "deliveries", func() bool { return r.count() >= n })
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, f := range r.faults {
			ts.Fatalf("%s", f)
		}
		if len(r.byID) != n {
			ts.Fatalf("%d deliveries came, want %d", len(r.byID), n)
		}
		i := 0
		for _, got := range r.byID {
			i++
			ts.Check(os.WriteFile(ts.MkAbs("webhook-"+strconv.Itoa(i)+".json"), got.payload, 0o600))
		}
	}
}

func requests(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		n := number(ts, neg, args)
		r := receiverOf(ts)
		eventually(t, "requests", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.requests >= n
		})
	}
}

func shaped(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: shaped")
		}
		r := receiverOf(ts)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.form = schematest.Compile(t, schematest.Shaped)
	}
}

func settled(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: settled DATADIR")
		}
		client := admin.NewClient(controlSocket(ts.MkAbs(args[0])))
		eventually(t, "everything to settle", func() bool {
			page, err := client.List(t.Context(), admin.ListOptions{Limit: admin.MaxLimit})
			ts.Check(err)
			return !slices.ContainsFunc(page.Deliveries, func(d admin.Delivery) bool { return !d.State.Final() })
		})
	}
}

func waitsFor(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: waitsfor DATADIR WHAT")
		}
		client := admin.NewClient(controlSocket(ts.MkAbs(args[0])))
		eventually(t, "a lane to wait for "+args[1], func() bool {
			stats, err := client.Queue(t.Context())
			ts.Check(err)
			return slices.ContainsFunc(stats.Lanes, func(l admin.Lane) bool { return string(l.WaitsFor) == args[1] && l.InFlight == 0 })
		})
	}
}

func newest(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: newest DATADIR NAME")
		}
		page, err := admin.NewClient(controlSocket(ts.MkAbs(args[0]))).List(t.Context(), admin.ListOptions{Limit: 1})
		ts.Check(err)
		if len(page.Deliveries) == 0 {
			ts.Fatalf("there is no delivery")
		}
		id := page.Deliveries[0].ID
		message, _ := id.Split()
		ts.Setenv(args[1], string(id))
		ts.Setenv(args[1]+"_MESSAGE", string(message))
	}
}

func becomes(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 3 {
			ts.Fatalf("usage: becomes DATADIR ID STATE")
		}
		client := admin.NewClient(controlSocket(ts.MkAbs(args[0])))
		eventually(t, args[1]+" to be "+args[2], func() bool {
			m, err := client.Message(t.Context(), args[1])
			ts.Check(err)
			return string(m.Deliveries[0].State) == args[2]
		})
	}
}

func shadowed(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: shadowed DATADIR N")
		}
		n := number(ts, neg, args[1:])
		eventually(t, "shadow runs", func() bool {
			runs := 0
			_, err := journal.Read(shadowJournal(ts.MkAbs(args[0])), func(journal.Entry) { runs++ })
			ts.Check(err)
			return runs >= n
		})
	}
}

func number(ts *testscript.TestScript, neg bool, args []string) int {
	if neg || len(args) != 1 {
		ts.Fatalf("want one number")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	return n
}

func jsonPath(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: jsonpath FILE PATH…")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, key := range args[1:] {
		switch at := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = at[key]; !ok {
				ts.Fatalf("%s has no %q of %v", args[0], key, args[1:])
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				ts.Fatalf("%s: no element %q of %d", args[0], key, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %q of a %T", args[0], key, v)
		}
	}
	out, err := json.Marshal(v)
	ts.Check(err)
	_, err = ts.Stdout().Write(append(out, '\n'))
	ts.Check(err)
}
