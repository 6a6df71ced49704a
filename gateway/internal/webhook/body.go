package webhook

import (
	"bufio"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"sync"
)

// bodyBuffer is how much of a payload is in our memory at once.
const bodyBuffer = 32 << 10

// renderError is a payload that could not be rendered: the fault is ours, not
// the endpoint's.
type renderError struct{ err error }

func (e *renderError) Error() string { return e.err.Error() }
func (e *renderError) Unwrap() error { return e.err }

// body is a request body: the second run of Request.Render, checked against the
// first. It starts to render at the first Read, so that an endpoint that cannot
// be reached costs no second run.
//
// The last octet leaves only after the whole run proved equal to the one that
// was signed. Otherwise Read fails before it, the transport aborts the request,
// and no endpoint ever takes an incomplete payload for a complete one.
type body struct {
	render func(io.Writer) error
	check  *signer // fresh: of the same id, timestamp and key as the signature
	size   int64   // of the first run
	sum    []byte  // of the first run

	start sync.Once
	done  chan struct{} // closed when the run has ended, or can never begin
	err   error         // the run's; to be read after done
	out   *io.PipeWriter

	in   *io.PipeReader
	left int64 // octets that Read has still to return
}

func newBody(render func(io.Writer) error, check *signer, size int64, sum []byte) *body {
	b := &body{render: render, check: check, size: size, sum: sum, left: size, done: make(chan struct{})}
	b.in, b.out = io.Pipe()
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	// Without this the transport would come back for the end of the body, and a
	// fast answer that closes it meanwhile would cost the connection.
	if b.left == 0 {
		return 0, io.EOF
	}
	b.start.Do(func() { go b.run() })
	n, err := b.in.Read(p)
	b.left -= int64(n)
	return n, err
}

// Close stops the run and waits for its end: Render does not run on after it.
// It may be called at any time, together with Read, and more than once.
func (b *body) Close() error {
	b.start.Do(func() { close(b.done) })
	_ = b.in.Close() // fails every further write of the run; never returns an error
	<-b.done
	return nil
}

func (b *body) run() {
	defer close(b.done)
	b.err = b.write()
	_ = b.out.CloseWithError(b.err) // never returns an error
}

func (b *body) write() (err error) {
	// This goroutine is nobody's but the attempt's: a panic here would end the
	// process, past whatever recovers in the caller's own.
	defer func() {
		if p := recover(); p != nil {
			err = &renderError{fmt.Errorf("panic in the second run: %v", p)}
		}
	}()
	wire := &wireWriter{out: b.out, check: b.check, size: b.size}
	buffered := bufio.NewWriterSize(wire, bodyBuffer)
	err = b.render(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	switch {
	case wire.err != nil:
		// Render, if it failed, did so because of this.
		return wire.err
	case err != nil:
		return &renderError{err}
	case b.check.size < b.size:
		return &renderError{fmt.Errorf("the second run wrote %d octets, the first %d", b.check.size, b.size)}
	case !hmac.Equal(b.check.sum(), b.sum):
		return &renderError{errors.New("the second run wrote other octets than the first")}
	}
	_, err = b.out.Write(wire.last[:])
	return err
}

// wireWriter hashes what it passes on, and holds back the octet numbered size.
type wireWriter struct {
	out   io.Writer
	check *signer
	size  int64
	last  [1]byte
	err   error // the first failure that was not Render's own
}

func (w *wireWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	_, _ = w.check.Write(p) // a signer never fails
	pass := p
	switch {
	case w.check.size > w.size:
		w.err = &renderError{fmt.Errorf("the second run wrote more than the %d octets of the first", w.size)}
		return 0, w.err
	case w.check.size == w.size && len(p) > 0:
		w.last[0] = p[len(p)-1]
		pass = p[:len(p)-1]
	}
	if len(pass) > 0 {
		if _, err := w.out.Write(pass); err != nil {
			w.err = fmt.Errorf("send payload: %w", err)
			return 0, w.err
		}
	}
	return len(p), nil
}

// bodySet holds the bodies of one attempt. There are more than one where the
// transport repeats the request.
type bodySet struct {
	make func() *body

	mu     sync.Mutex
	bodies []*body
	closed bool
}

func (s *bodySet) add() *body {
	b := s.make()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = b.Close() // never fails
	}
	s.bodies = append(s.bodies, b)
	return b
}

// close ends all runs of Render and returns the error of the one that failed by
// itself, if any did.
func (s *bodySet) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var failed *renderError
	for _, b := range s.bodies {
		_ = b.Close() // never fails
		if err, ok := errors.AsType[*renderError](b.err); ok {
			failed = err
		}
	}
	if failed == nil {
		return nil
	}
	return failed
}
