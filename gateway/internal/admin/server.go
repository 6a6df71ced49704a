package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
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
)

// Log is what the interface reads; a store.Store is one.
type Log interface {
	List(ctx context.Context, filter store.Filter) ([]store.Delivery, error)
	Get(ctx context.Context, id mail.MessageID) (store.Message, error)
	Document(ctx context.Context, id mail.DeliveryID) ([]byte, error)
}

// Bodies opens the bodies of messages.
type Bodies interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
}

// Server answers on the control socket.
type Server struct {
	log    hclog.Logger
	data   Log
	bodies Bodies
	http   *http.Server
}

// NewServer returns a server that is not listening yet.
func NewServer(data Log, bodies Bodies, logger hclog.Logger) *Server {
	s := &Server{log: logger.Named("admin"), data: data, bodies: bodies}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/deliveries", s.list)
	mux.HandleFunc("GET /v1/messages/{id}", s.show)
	mux.HandleFunc("GET /v1/deliveries/{id}/payload", s.payload)
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

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	filter, err := readFilter(r)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is another page
	rows, err := s.data.List(r.Context(), filter)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	page := DeliveryList{Deliveries: []Delivery{}}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = rows[limit-1].Seq
	}
	for _, d := range rows {
		page.Deliveries = append(page.Deliveries, newDelivery(d))
	}
	s.answer(w, page)
}

func readFilter(r *http.Request) (store.Filter, error) {
	q := r.URL.Query()
	f := store.Filter{Tenant: q.Get("tenant"), Limit: defaultLimit}
	if s := mail.State(q.Get("state")); s != "" {
		if !slices.Contains(mail.States(), s) {
			return f, fmt.Errorf("state %q is none of %v", s, mail.States())
		}
		f.States = []mail.State{s}
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > MaxLimit {
			return f, fmt.Errorf("limit %q is no number from 1 to %d", s, MaxLimit)
		}
		f.Limit = n
	}
	if s := q.Get("before"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return f, fmt.Errorf("before %q is no cursor", s)
		}
		f.Before = n
	}
	return f, nil
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	id, delivery, err := mail.ParseID(r.PathValue("id"))
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err)
		return
	}
	m, err := s.data.Get(r.Context(), id)
	if err != nil {
		s.refuse(w, statusOf(err), err)
		return
	}
	if delivery != "" {
		m.Deliveries = slices.DeleteFunc(m.Deliveries, func(d store.DeliveryHistory) bool { return d.ID != delivery })
		if len(m.Deliveries) == 0 {
			s.refuse(w, http.StatusNotFound, fmt.Errorf("delivery %s: %w", delivery, store.ErrNotFound))
			return
		}
	}
	s.answer(w, newMessage(m))
}

// payload writes the payload of a delivery as it was or will be sent. With
// ?content=omit the attachments' content is null.
func (s *Server) payload(w http.ResponseWriter, r *http.Request) {
	message, delivery, err := mail.ParseID(r.PathValue("id"))
	if err != nil || delivery == "" {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("%q is no id of a delivery", r.PathValue("id")))
		return
	}
	stored, err := s.data.Document(r.Context(), delivery)
	if err != nil {
		s.refuse(w, statusOf(err), err)
		return
	}
	if stored == nil {
		s.refuse(w, http.StatusNotFound, noPayload(delivery))
		return
	}
	doc, err := document.Unmarshal(stored)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	if r.URL.Query().Get("content") == "omit" {
		w.Header().Set("Content-Type", "application/json")
		s.abortOn(doc.Encode(w, nil))
		return
	}
	m, err := s.data.Get(r.Context(), message)
	if err != nil {
		s.refuse(w, statusOf(err), err)
		return
	}
	if m.Body == "" { // the retention ended since the document was read
		s.refuse(w, http.StatusNotFound, noPayload(delivery))
		return
	}
	body, err := s.bodies.Open(r.Context(), m.Body)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/json")
	s.abortOn(payload.Render(w, doc, body))
}

func noPayload(id mail.DeliveryID) error {
	return fmt.Errorf("delivery %s has no payload: it is not made yet, the delivery was held or dropped before it was, or its retention is over", id)
}

// abortOn breaks the answer off, so that half a payload does not look whole.
func (s *Server) abortOn(err error) {
	if err != nil {
		s.log.Error("a payload could not be written", "error", err)
		panic(http.ErrAbortHandler)
	}
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
