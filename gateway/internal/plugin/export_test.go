package plugin

import (
	"context"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// Limits are the limits on a run, by their rows in wit/README.md.
func Limits() map[string]int {
	return map[string]int{
		"calls of the host": maxHostCalls,
		"a JSON Pointer":    maxPointer,
		"the name of a header field that is asked for":         maxName,
		"a reason, an error, a message or field of the log":    maxText,
		"fields of a line of the log":                          maxFields,
		"lines of the log, standard output and error included": maxLines,
		"all lines of the log":                                 maxLog,
		"standard output and error":                            maxOutput,
		"one read of an attachment or the raw message":         maxSlice,
		"the JSON that is set, a value counting at least 64":   editBudget,
		"the payload, in memory, if it grows":                  document.MaxSize,
		"depth of the payload":                                 document.MaxDepth,
	}
}

// FunctionCount is how many functions of the contract there are to import.
func FunctionCount() int { return len(functions()) }

// LoadForTest is Load for a guest that may also import functions of the test, and is
// not proved before it runs.
func LoadForTest(ctx context.Context, cfg Config, more ...sandbox.Function) (*Plugin, error) {
	module, err := sandbox.Compile(ctx, cfg.Wasm, sandbox.Config{Memory: cfg.Memory, Functions: append(functions(), more...)})
	p := &Plugin{cfg: cfg, module: module}
	if err == nil {
		p.pool = module.NewPool(1, p.configure)
	}
	return p, err
}

// WithOptions returns the plugin with other options, for one module and many runs.
func (p *Plugin) WithOptions(options []byte) *Plugin {
	cfg := p.cfg
	cfg.Options = options
	other := &Plugin{cfg: cfg, module: p.module}
	other.pool = p.module.NewPool(0, other.configure)
	return other
}

// TakeLane takes a lane.
func TakeLane(t *testing.T, l *Lanes) {
	t.Helper()
	if err := l.enter(t.Context(), "somebody"); err != nil {
		t.Fatal(err)
	}
}
