package scan

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// errTooLarge is a source of more octets than the scanner is to be given.
var errTooLarge = errors.New("larger than the scanner's limit")

// source gives out what is to be scanned. It tells its own errors, by a
// *readError or errTooLarge, from those of whoever it is read by.
type source struct {
	r io.Reader
	// size is what r must come to; -1 where that is not known.
	size int64
	// limit is the most that may come.
	limit int64
	n     int64
}

// readError is a mail that could not be read.
type readError struct{ err error }

// Error says that it is the mail's error.
func (e *readError) Error() string { return "read the mail: " + e.err.Error() }

// Unwrap returns the cause.
func (e *readError) Unwrap() error { return e.err }

// wholeOf is the source of a mail.
func wholeOf(body mail.Body) *source {
	size := body.Size()
	return &source{r: io.NewSectionReader(body, 0, size), size: size, limit: size}
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	switch {
	case s.n > s.limit:
		return 0, errTooLarge
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, &readError{err}
	case s.size >= 0 && s.n != s.size:
		return n, &readError{fmt.Errorf("it ends after %d of %d octets", s.n, s.size)}
	}
	return n, io.EOF
}

// upload gives a mail to an HTTP transport, which may want it twice, and may go on
// reading when nobody is interested any more.
type upload struct {
	body mail.Body

	mu     sync.Mutex
	source *source // of the last try
	err    error   // of the mail
	closed bool
}

// open begins anew.
func (u *upload) open() (io.ReadCloser, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.source = wholeOf(u.body)
	return io.NopCloser(&uploadReader{u, u.source}), nil
}

// close ends all reading: it returns when a read that is under way has ended,
// and every later one fails.
func (u *upload) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
}

// state reports whether the last try took all of the mail, and the error that
// reading it gave.
func (u *upload) state() (whole bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.source.n == u.source.size, u.err
}

type uploadReader struct {
	u      *upload
	source *source
}

// Read implements io.Reader.
func (r *uploadReader) Read(p []byte) (int, error) {
	r.u.mu.Lock()
	defer r.u.mu.Unlock()
	if r.u.closed {
		return 0, errors.New("the scan is over")
	}
	n, err := r.source.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.u.err = err
	}
	return n, err
}
