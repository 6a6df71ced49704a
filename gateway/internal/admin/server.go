package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/account"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	defaultLimit = 50
	// MaxLimit is the longest page of a list.
	MaxLimit = 1000
	// maxSocketPath is what a Unix socket's address has room for on Linux.
	maxSocketPath = 107

	readTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Minute
	// patience is how long the store may take for one question.
	patience = 30 * time.Second
	// maxBody bounds the body of a request, in octets.
	maxBody = 64 << 10
)

// Bodies opens and deletes the bodies of messages.
type Bodies interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
}

// Config is what a server works on.
type Config struct {
	Store  store.Store
	Bodies Bodies
	// Wake is called when something may have become due; nil for nobody.
	Wake func()
	// Holds says what the running queue holds back, and why; nil where that is not known.
	Holds func() map[store.Endpoint]queue.Hold
	// Endpoints lists those of the running configuration, and for each tenant one without a
	// name.
	Endpoints func() []store.Endpoint
	// Backup makes a backup in a new folder; nil where the data is not in files of this
	// machine.
	Backup func(ctx context.Context, dir string) (maintenance.Report, error)
	// Accounts are the mail accounts, and Watch knows how they fare.
	Accounts *account.Roster
	Watch    Watch
	// Patience is how long the store may take for one question; 0 means 30 s.
	Patience time.Duration
	// SearchStep is how many messages are looked at by one question to the store, where no
	// index knows which are wanted; 0 means 20,000. SearchFor is how long a request goes on
	// with that; 0 means a second.
	SearchStep int
	SearchFor  time.Duration
	Logger     hclog.Logger
}

// Server answers on the control socket.
type Server struct {
	cfg    Config
	log    hclog.Logger
	store  store.Store
	bodies Bodies
	http   *http.Server
}

// NewServer returns a server that is not listening yet.
func NewServer(cfg Config) *Server {
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	if cfg.Holds == nil {
		cfg.Holds = func() map[store.Endpoint]queue.Hold { return nil }
	}
	if cfg.Endpoints == nil {
		cfg.Endpoints = func() []store.Endpoint { return nil }
	}
	cfg.Patience = cmp.Or(cfg.Patience, patience)
	cfg.SearchStep, cfg.SearchFor = cmp.Or(cfg.SearchStep, searchStep), cmp.Or(cfg.SearchFor, searchFor)
	s := &Server{cfg: cfg, log: cfg.Logger.Named("admin"), store: cfg.Store, bodies: cfg.Bodies}
	mux := http.NewServeMux()
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request){
		"GET /v1/deliveries":              s.list,
		"GET /v1/deliveries/{id}/payload": s.payload,
		"GET /v1/counts":                  s.count,
		"GET /v1/messages/{id}":           s.show,
		"GET /v1/messages/{id}/raw":       s.raw,
		"GET /v1/queue":                   s.stats,
		"POST /v1/queue/pause":            s.pause,
		"POST /v1/queue/resume":           s.resume,
		"POST /v1/acts/{act}":             s.act,
		"GET /v1/accounts":                s.accounts,
		"GET /v1/accounts/{name}":         s.account,
		"POST /v1/accounts/{name}/test":   s.testAccount,
		"POST /v1/accounts/{name}/{act}":  s.changeAccount,
		"POST " + verifyPath:              s.verify,
		"POST " + backupPath:              s.backup,
	} {
		mux.HandleFunc(pattern, handler)
	}
	s.http = &http.Server{Handler: mux, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, ErrorLog: s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn})}
	return s
}

// Listen opens the control socket at path. The caller holds the data folder's
// lock, so that a socket that stands there already is of a process that is gone.
func Listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("open control socket: the path %s has %d octets and a Unix socket has room for %d; choose a shorter server.data_dir", path, len(path), maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), l.Close())
	}
	return l, nil
}

// Serve answers on l until Shutdown is called.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}

// Shutdown stops listening and waits for the answers under way until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// within bounds what one question may take.
func (s *Server) within(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), s.cfg.Patience)
}

// fail refuses a request for an error of the store, whose question ctx was for.
func (s *Server) fail(ctx context.Context, w http.ResponseWriter, err error) {
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		err = fmt.Errorf("the store was given up on after %s; try again, a list or a count with a narrower time range, by since and until", s.cfg.Patience)
		s.refuse(w, http.StatusServiceUnavailable, err)
	case ctx.Err() != nil: // the client has gone
		s.log.Debug("a request was given up by its client", "error", err)
	default:
		s.refuse(w, statusOf(err), err)
	}
}

// read reads the body of a request, of which every field is to be known.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the request: there is more behind the JSON text")
	}
	return nil
}

func statusOf(err error) int {
	if errors.Is(err, store.ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	s.logWriteError(json.NewEncoder(w).Encode(v))
}

func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	if status == http.StatusInternalServerError {
		s.log.Error("a request could not be answered", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.logWriteError(json.NewEncoder(w).Encode(problem{Error: err.Error()}))
}

// logWriteError notes an answer that broke off; the client sees that by itself.
func (s *Server) logWriteError(err error) {
	if err != nil {
		s.log.Debug("an answer broke off", "error", err)
	}
}
