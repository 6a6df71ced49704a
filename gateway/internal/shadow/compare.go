package shadow

import (
	"errors"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

// How much of a comparison is kept.
const (
	maxChanges = 50
	maxPointer = 200 // octets of a pointer
	maxValue   = 80  // octets of a value
	maxError   = 200 // octets of an error
)

// errPanic is a run in which the host itself has failed.
var errPanic = errors.New("panic: see the gateway's log")

// compare fills in what the two runs came to. Without values it says what kind of thing
// stands where, and how long it is: a payload is somebody's mail.
func compare(e *journal.Entry, old pipeline.Shadowed, res plugin.Result, err error) {
	values := old.Stage.Shadow.Values
	e.OldRun, e.NewRun = run(old.Result, old.Err, values), run(res, err, values)
	switch {
	case old.Err != nil && err != nil:
		e.Outcome = journal.BothFailed
		return
	case old.Err != nil:
		e.Outcome = journal.OldFailed
		return
	case err != nil:
		e.Outcome = journal.NewFailed
		return
	}
	changes, total := document.Compare(old.Result.Document, res.Document, maxChanges)
	for _, c := range changes {
		e.Changes = append(e.Changes, journal.Change{At: clip(c.At.String(), maxPointer), Old: value(c.Before, values), New: value(c.After, values)})
	}
	e.More = total - len(changes)
	e.Outcome = journal.Same
	if total > 0 || old.Result.Verdict != res.Verdict {
		e.Outcome = journal.Differs
	}
}

func value(v *document.Value, values bool) *journal.Value {
	if v == nil {
		return nil
	}
	out := &journal.Value{Kind: v.Kind(), Length: v.Len()}
	if values {
		text, cut := v.JSON(maxValue)
		if cut {
			text += "…"
		}
		out.JSON = text
	}
	return out
}

func run(res plugin.Result, err error, values bool) *journal.Run {
	out := &journal.Run{Duration: res.Duration, Fuel: res.Fuel, Memory: res.Memory}
	if err == nil {
		out.Verdict = string(res.Verdict)
		return out
	}
	out.Failure = failure(err)
	if values {
		out.Error = clip(err.Error(), maxError)
	}
	return out
}

// failure says in a word what ended a run.
func failure(err error) string {
	trap, trapped := errors.AsType[*sandbox.Trap](err)
	switch {
	case errors.Is(err, sandbox.ErrFuel):
		return "fuel"
	case trapped && trap.Deadline:
		return "timeout"
	case trapped:
		return "trap"
	default:
		return "error"
	}
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
