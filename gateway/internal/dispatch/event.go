package dispatch

import (
	"context"
	"errors"
	"io"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// errEventLost means that the document of an event is not where it was from the beginning. There is
// nothing that it could be made of again.
var errEventLost = errors.New("that of the event is not in the store any more")

// open opens the body of what is delivered. An event has none, and its document refers to none.
func (d *Dispatcher) open(ctx context.Context, job store.Job) (mail.Body, error) {
	if job.Event.IsEvent() {
		return noBody{}, nil
	}
	return d.bodies.Open(ctx, job.Body)
}

// noBody is an empty mail.Body.
type noBody struct{}

func (noBody) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
func (noBody) Size() int64                       { return 0 }
func (noBody) Close() error                      { return nil }
