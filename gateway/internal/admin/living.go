package admin

import (
	"context"
	"io"
	"net/http"
	"time"
)

// living is an answer of any length: it may take as long as it takes, while it goes on. What is
// read for it is given up on when nothing has come for as long as one question may take, and its
// client when that takes nothing for writeTimeout.
type living struct {
	cause func() error // why it was given up on
	w     http.ResponseWriter
	out   *http.ResponseController
	watch *time.Timer
	pause time.Duration
}

// living begins an answer. What is read for it is read by ctx; end is to be called when it has ended.
func (s *Server) living(w http.ResponseWriter, r *http.Request) (ctx context.Context, answer *living, end func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	l := &living{cause: func() error { return context.Cause(ctx) }, w: w, out: http.NewResponseController(w), pause: s.cfg.Patience}
	l.watch = time.AfterFunc(l.pause, func() { cancel(context.DeadlineExceeded) })
	return ctx, l, func() {
		l.watch.Stop()
		cancel(nil)
	}
}

// Write implements io.Writer.
func (l *living) Write(p []byte) (int, error) {
	if err := l.cause(); err != nil {
		return 0, err // by now there is somebody who does not wait any more
	}
	l.watch.Stop()
	if err := l.out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	n, err := l.w.Write(p)
	l.watch.Reset(l.pause)
	return n, err
}

// copyLiving copies an answer, on which watch gives up where nothing of it comes for a time. How
// long w takes does not count.
func copyLiving(w io.Writer, r io.Reader, watch *time.Timer, patience time.Duration) error {
	_, err := io.Copy(w, readerFunc(func(p []byte) (int, error) {
		watch.Reset(patience)
		defer watch.Stop()
		return r.Read(p)
	}))
	return err
}

type readerFunc func(p []byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
