package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// Reason is a stable word for why a scan failed.
type Reason string

// The reasons. Those of the first group count as failures of the scanner; Refused
// counts as an answer, for a scanner that answers so is there.
const (
	Connect     Reason = "connect"     // no connection came about
	Timeout     Reason = "timeout"     // no answer in time
	Interrupted Reason = "interrupted" // the connection ended before the answer did
	Protocol    Reason = "protocol"    // the answer is not to be understood

	Refused     Reason = "refused"     // the scanner answered that it cannot
	Unavailable Reason = "unavailable" // the breaker is open, see ErrUnavailable
	Busy        Reason = "busy"        // too many scans were under way
	Canceled    Reason = "canceled"    // the caller's context ended
	Unreadable  Reason = "unreadable"  // the mail could not be read
)

// ErrUnavailable is in the chain of the error of a scan that was not tried
// because the scanner has failed too often.
var ErrUnavailable = errors.New("not asked, for it has failed too often; it is tried again soon")

// Error is a scan that came to no verdict.
type Error struct {
	Engine string
	// Address is where the scanner was looked for.
	Address string
	Reason  Reason
	Err     error
}

// Error says what failed and where. It holds nothing of the mail.
func (e *Error) Error() string {
	return fmt.Sprintf("%s at %s: %s: %v", e.Engine, e.Address, e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// scannersFault reports whether the breaker is to count the reason.
func (r Reason) scannersFault() bool {
	switch r {
	case Connect, Timeout, Interrupted, Protocol:
		return true
	}
	return false
}

// saysNothing reports whether the reason is neither good nor bad of the scanner.
func (r Reason) saysNothing() bool {
	switch r {
	case Unavailable, Busy, Canceled, Unreadable:
		return true
	}
	return false
}

// text is the reason for those who are not to know the gateway's inside.
func (r Reason) text() string {
	switch r {
	case Connect, Unavailable, Busy:
		return "the scanner is not available"
	case Timeout:
		return "the scanner did not answer in time"
	case Interrupted, Protocol:
		return "the scanner gave no usable answer"
	case Refused:
		return "the scanner reported an error"
	case Canceled:
		return "the scan was given up"
	case Unreadable:
		return "what was to be scanned could not be read"
	}
	return "the scan failed"
}

// reasonOf is the reason of an error of this package.
func reasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return Protocol
}

// dialError is a connection that did not come about.
type dialError struct{ err error }

// Error gives the cause.
func (e *dialError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *dialError) Unwrap() error { return e.err }

// fault puts into words that there was no answer, or only a part of one.
func (g *gate) fault(ctx context.Context, err error) *Error {
	var dial *dialError
	switch {
	case ctx.Err() != nil:
		return g.fail(Timeout, fmt.Errorf("no answer within %s; see whether it is overloaded, or give it more time", g.timeout))
	case errors.As(err, &dial):
		return g.fail(Connect, fmt.Errorf("%w; see whether it runs and listens there", dial.err))
	case isReset(err):
		return g.fail(Interrupted, fmt.Errorf("it hung up before it had answered: %w; its own log says more", err))
	}
	// Without the rest of a long line that was no HTTP.
	return g.fail(Protocol, errors.New(printable(err.Error(), maxQuoted)))
}

// isReset reports whether the peer has ended the connection.
func isReset(err error) bool {
	for _, target := range []error{
		syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	// net/http does not export this one: the peer closed a kept connection.
	return strings.HasSuffix(err.Error(), "server closed idle connection")
}
