package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// ending is how a run ended.
type ending int

const (
	well     ending = iota // by itself
	returned               // by an error that the plugin returned
	stopped                // by a trap or a limit
)

// outcome is what a run came to, so that two can be compared.
type outcome struct {
	end     ending
	failure string // the error, where there is one
	// outOfBudget is true where the run was stopped by time or fuel; late is, where it
	// was by time, which also depends on what else the machine does.
	outOfBudget, late bool

	verdict plugin.Verdict
	reason  string
	sum     [sha256.Size]byte // of the document
	text    []byte            // the document itself, where it is small
	edited  bool

	duration time.Duration
	fuel     int64
	memory   uint64
	log      []plugin.Line
}

// maxCompared is up to which size a document is kept for saying where two differ, in
// octets.
const maxCompared = 256 << 10

// run runs a plugin on one delivery.
func run(ctx context.Context, r Runner, m plugin.Mail, doc *document.Document) outcome {
	res, err := r.Run(ctx, m, doc)
	o := outcome{
		verdict: res.Verdict, reason: res.Reason, duration: res.Duration, fuel: res.Fuel, memory: res.Memory, log: res.Log,
		edited: res.Document != doc,
	}
	o.classify(err)
	if res.Document == nil {
		return o
	}
	text, err := res.Document.Marshal()
	if err != nil {
		// The host's own limit, which its editor holds.
		o.end, o.failure = stopped, "the payload that it left cannot be written: "+err.Error()
		return o
	}
	o.sum = sha256.Sum256(text)
	if len(text) <= maxCompared {
		o.text = text
	}
	return o
}

// classify tells an error that a plugin has returned from the end that it did not choose.
func (o *outcome) classify(err error) {
	if err == nil {
		return
	}
	o.failure = err.Error()
	if _, ok := errors.AsType[*plugin.GuestError](err); ok {
		o.end = returned
		return
	}
	trap, ok := errors.AsType[*sandbox.Trap](err)
	o.end = stopped
	o.late = ok && trap.Deadline || errors.Is(err, context.DeadlineExceeded)
	o.outOfBudget = o.late || errors.Is(err, sandbox.ErrFuel)
}

// differs says in what two outcomes differ; empty for in nothing that stays.
func (o outcome) differs(other outcome) string {
	switch {
	case o.end != other.end || o.failure != other.failure:
		return fmt.Sprintf("another end: %s, and %s", o.ended(), other.ended())
	case o.verdict != other.verdict || o.reason != other.reason:
		return fmt.Sprintf("another verdict: %s %q, and %s %q", o.verdict, o.reason, other.verdict, other.reason)
	case o.sum != other.sum:
		if o.text != nil && other.text != nil {
			return "another payload at " + firstDifference(decoded(o.text), decoded(other.text), "")
		}
		return "another payload"
	}
	return ""
}

func (o outcome) ended() string {
	if o.end == well {
		return "it ended well"
	}
	return o.failure
}

// decoded reads a document that the host has marshalled.
func decoded(text []byte) any {
	var stored struct {
		Root any `json:"root"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	_ = dec.Decode(&stored) // then both are null, and there is no difference to tell of
	return stored.Root
}

// firstDifference gives the JSON Pointer of where two values first differ.
func firstDifference(a, b any, at string) string {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			names := make([]string, 0, len(a)+len(b))
			for name := range a {
				names = append(names, name)
			}
			for name := range b {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				if x, y := a[name], b[name]; !reflect.DeepEqual(x, y) {
					return firstDifference(x, y, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
				}
			}
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) == len(b) {
			for i := range a {
				if !reflect.DeepEqual(a[i], b[i]) {
					return firstDifference(a[i], b[i], at+"/"+strconv.Itoa(i))
				}
			}
		}
	}
	if at == "" {
		return "its root"
	}
	return at
}
