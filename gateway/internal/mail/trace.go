package mail

import (
	"strings"
	"time"
)

// Step is one line of a trace: what happened to a message or delivery, when,
// and for how long.
type Step struct {
	At       time.Time     `json:"at"`
	Name     string        `json:"name"`
	Duration time.Duration `json:"duration_ns,omitempty"`
	// Fuel is what a stage used of it, in units; 0 for other steps.
	Fuel int64 `json:"fuel,omitempty"`
	// Detail is for people; it never holds a secret or a body.
	Detail string `json:"detail,omitempty"`
	// Verdict is what a stage wanted to become of the delivery, where it ended the
	// chain, or "skip" where it failed and was passed over; Error is why it failed;
	// Log is what it logged.
	Verdict string   `json:"verdict,omitempty"`
	Error   string   `json:"error,omitempty"`
	Log     []string `json:"log,omitempty"`
}

// A trace is kept with its delivery, and plugins write into it: a chain that is run
// again and again must not make it grow for ever.
const (
	maxSteps    = 500
	maxTraceLog = 512 << 10 // octets of log lines and errors over all steps
	maxOldError = 200       // octets of an error beyond that
)

// leftOut stands for the log lines that a trace had no room for.
const leftOut = "(older lines of the log were left out)"

// AppendSteps returns trace with more at its end. It is bounded: of one that gets
// too long the oldest steps go, and before that the log lines of the oldest.
func AppendSteps(trace, more []Step) []Step {
	all := append(append(make([]Step, 0, len(trace)+len(more)), trace...), more...)
	all = all[max(0, len(all)-maxSteps):]
	size := 0
	for i := len(all) - 1; i >= 0; i-- {
		size += len(all[i].Error)
		for _, line := range all[i].Log {
			size += len(line)
		}
		if size > maxTraceLog {
			all[i].Error = cut(all[i].Error)
			if len(all[i].Log) > 0 {
				all[i].Log = []string{leftOut}
			}
		}
	}
	return all
}

func cut(s string) string {
	if len(s) <= maxOldError {
		return s
	}
	return strings.ToValidUTF8(s[:maxOldError], "") + "…"
}
