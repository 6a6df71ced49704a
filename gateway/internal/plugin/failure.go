package plugin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// GuestError is the error that a guest's function has returned.
type GuestError struct{ Text string }

// Error implements error.
func (e *GuestError) Error() string { return e.Text }

// explain makes the end of a run one that its author can do something about: what a
// runtime said when it died, and the setting that a bound comes from.
func (p *Plugin) explain(err error, log []Line) error {
	trap, ok := errors.AsType[*sandbox.Trap](err)
	if !ok {
		return err
	}
	trap.Where = strings.NewReplacer(transformer+version+"#", "").Replace(trap.Where)
	if trap.Deadline {
		return fmt.Errorf("%w; timeout = %q", err, p.cfg.Timeout)
	}
	if errors.Is(err, sandbox.ErrFuel) {
		return fmt.Errorf("%w; fuel = %d", err, p.cfg.Fuel)
	}
	for _, line := range log {
		if !isCrash(line.Message) {
			continue
		}
		if strings.Contains(line.Message, "out of memory") {
			return fmt.Errorf("%s; memory = \"%dMiB\" (%w)", line.Message, p.cfg.Memory>>20, err)
		}
		return fmt.Errorf("%s (%w)", line.Message, err)
	}
	return err
}

// isCrash tells the line by which Go's runtime begins to die.
func isCrash(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// isStack tells the line at which the stacks of the runtime begin.
func isStack(line string) bool { return strings.HasPrefix(line, "goroutine ") }
