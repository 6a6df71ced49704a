package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/emersion/go-smtp" //nolint:depguard // the gateway speaks SMTP by it too
)

const (
	// workers is how many mails "spool" posts at the same time.
	workers = 16
	// backlog is how many names of files wait for them; more wait in goroutines.
	backlog = 200_000
)

// Server names one of the references.
type Server string

// The references.
const (
	Naive   Server = "naive"
	Spooled Server = "spool"
)

// server is a running reference.
type server struct {
	hook   string
	client *http.Client
	spool  *Spool // nil for naive
	jobs   chan string
}

// Serve runs a reference on a listener until that fails. It posts to hook; dir is where
// "spool" keeps its files.
func Serve(kind Server, l net.Listener, hook, dir string) error {
	s := &server{
		hook:   hook,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxIdleConns: 256}, Timeout: 10 * time.Second},
	}
	if kind == Spooled {
		var err error
		if s.spool, err = OpenSpool(dir); err != nil {
			return err
		}
		s.jobs = make(chan string, backlog)
		for range workers {
			go s.work()
		}
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	srv.Domain = "reference.test"
	srv.MaxMessageBytes = 64 << 20
	srv.ReadTimeout, srv.WriteTimeout = time.Minute, time.Minute
	return srv.Serve(l)
}

// work posts what is spooled. A mail that cannot be posted stays in its file: whoever
// measures sees that it never came.
func (s *server) work() {
	for name := range s.jobs {
		if err := s.deliver(name); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (s *server) deliver(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	body, err := encode(file, "", nil)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := s.post(body); err != nil {
		return err
	}
	return os.Remove(name)
}

func (s *server) post(body []byte) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.hook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("post: %s", answer.Status)
	}
	return nil
}

// session is one connection's; it implements smtp.Session.
type session struct {
	server *server
	from   string
	to     []string
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = append(s.to, to); return nil }

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	if s.server.spool == nil {
		body, err := encode(r, s.from, s.to)
		if err != nil {
			return err
		}
		return s.server.post(body)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name, err := s.server.spool.Put(raw)
	if err != nil {
		return err
	}
	select {
	case s.server.jobs <- name:
	default:
		go func() { s.server.jobs <- name }()
	}
	return nil
}
