package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// idDigits are those of a mail's number, which follow the tag of its run.
	idDigits = 7
	// maxMails is how many mails one run has at most.
	maxMails = 1 << 20
	// maxPayload bounds what is read of a request.
	maxPayload = 256 << 20
	// searched is how much of a payload is looked at for the mail's id, which its
	// beginning has.
	searched = 128 << 10
)

// Sink receives webhooks. It answers each with 200 at once, and counts the mails that
// came by their ids.
type Sink struct {
	server  *http.Server
	listen  net.Listener
	buffers sync.Pool
	current atomic.Pointer[arrivals]
}

// arrivals are what came of one run.
type arrivals struct {
	tag    []byte
	seen   []atomic.Bool
	unique atomic.Int64
	twice  atomic.Int64
	last   atomic.Int64 // of the first time that a mail came, in nanoseconds of Unix
}

// NewSink listens on loopback.
func NewSink() (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Sink{listen: l, buffers: sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, searched)) }}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// URL is where it listens.
func (s *Sink) URL() string { return fmt.Sprintf("http://%s/", s.listen.Addr()) }

// Close ends it.
func (s *Sink) Close() error { return s.server.Close() }

// expect has it count the mails of a run.
func (s *Sink) expect(tag string) *arrivals {
	a := &arrivals{tag: []byte(tag), seen: make([]atomic.Bool, maxMails)}
	s.current.Store(a)
	return a
}

// ServeHTTP implements http.Handler.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(b)
	b.Reset()
	body := http.MaxBytesReader(w, r.Body, maxPayload)
	if _, err := io.CopyN(b, body, searched); err != nil && !errors.Is(err, io.EOF) {
		return // whoever sent it has gone, and sends it again
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return
	}
	if a := s.current.Load(); a != nil {
		a.note(b.Bytes())
	}
	w.WriteHeader(http.StatusOK)
}

func (a *arrivals) note(payload []byte) {
	i := bytes.Index(payload, a.tag)
	if i < 0 || len(payload) < i+len(a.tag)+idDigits {
		return // of a run before
	}
	id, err := strconv.Atoi(string(payload[i+len(a.tag) : i+len(a.tag)+idDigits]))
	if err != nil || id < 0 || id >= maxMails {
		return
	}
	if a.seen[id].Swap(true) {
		a.twice.Add(1)
		return
	}
	a.last.Store(time.Now().UnixNano()) // that two of them swap their order is of no account
	a.unique.Add(1)
}
