package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdmime "mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// maxDownloads is how many are under way at the same time. Each reads its mail
	// once as a whole, to check it, and then streams.
	maxDownloads          = 64
	maxDownloadsPerClient = 16
	// patience is how long a client may take for a piece of pieceSize octets.
	patience  = 10 * time.Second
	pieceSize = 64 << 10
	// retryAfter is what a client is told to wait that came above the bound.
	retryAfter = 2 * time.Second
)

// Messages says where the bodies of messages are.
type Messages interface {
	// Body returns a message's body; empty where its retention is over. It fails with
	// store.ErrNotFound for a message that is not there.
	Body(ctx context.Context, id mail.MessageID) (mail.BodyRef, error)
}

// Bodies opens the bodies of messages.
type Bodies interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
}

// Handler serves what the links say. It is safe for concurrent use.
type Handler struct {
	links    *Links
	messages Messages
	bodies   Bodies
	log      hclog.Logger

	mu      sync.Mutex
	all     int
	clients map[string]int // downloads under way, by the client's address
}

// NewHandler returns the handler of the links.
func NewHandler(links *Links, messages Messages, bodies Bodies, log hclog.Logger) *Handler {
	return &Handler{links: links, messages: messages, bodies: bodies, log: log.Named("download"), clients: make(map[string]int)}
}

// ServeHTTP implements http.Handler: 200 with the content; 404 for a URL that is not
// ours, 405 for a method other than GET and HEAD, 410 once the retention is over, 503
// where there is too much to do or the store fails, 500 where the mail is damaged.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "attachments are fetched by GET")
		return
	}
	asked, err := h.links.read(r.URL.Path, time.Now())
	switch {
	case errors.Is(err, errExpired):
		refuse(w, http.StatusGone, err.Error())
		return
	case err != nil:
		h.log.Debug("a URL that is not ours was asked for", "remote", r.RemoteAddr)
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	if !h.enter(client) {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		refuse(w, http.StatusServiceUnavailable, "too many downloads at the same time")
		return
	}
	defer h.leave(client)
	h.serve(w, r, asked)
}

// refuse answers without content, and ends the connection: of what does not fetch
// attachments, none is kept.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Connection", "close")
	http.Error(w, fmt.Sprintf("%d %s: %s", status, http.StatusText(status), why), status)
}

// enter counts a download, unless there are too many, be it of one client.
func (h *Handler) enter(client string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= maxDownloads || h.clients[client] >= maxDownloadsPerClient {
		return false
	}
	h.all++
	h.clients[client]++
	return true
}

func (h *Handler) leave(client string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.clients[client]--; h.clients[client] == 0 {
		delete(h.clients, client)
	}
}

// serve answers with what was asked for.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, asked claims) {
	log := h.log.With("delivery_id", asked.Delivery, "filename", hclog.Quote(asked.Filename), "remote", r.RemoteAddr)
	ref, status, err := h.find(r.Context(), asked.Delivery)
	var body mail.Body
	if err == nil && r.Method == http.MethodGet {
		if body, err = h.bodies.Open(r.Context(), ref); err != nil {
			status = http.StatusInternalServerError
		} else {
			defer body.Close() // only read from: its error says nothing
		}
	}
	switch {
	case r.Context().Err() != nil:
		return // nobody is there any more
	case err != nil:
		if status >= http.StatusInternalServerError {
			log.Error("an attachment could not be served", "status", status, "error", err)
		}
		refuse(w, status, "the mail is not to be had")
		return
	}
	header := w.Header()
	header.Set("Content-Type", contentType(asked.ContentType))
	header.Set("Content-Disposition", disposition(asked.Filename))
	header.Set("Content-Length", strconv.FormatInt(asked.Size, 10))
	if body == nil { // HEAD
		return
	}
	// Where fewer octets come than were announced, net/http ends the connection, so that
	// the client sees that it has not the whole.
	n, err := io.CopyBuffer(&patientWriter{w: w, control: http.NewResponseController(w)}, readerOnly{mime.Open(body, asked.part())}, make([]byte, pieceSize))
	if err != nil || n != asked.Size {
		log.Warn("a download was broken off", "octets", n, "of", asked.Size, "error", err)
		return
	}
	log.Info("attachment downloaded", "octets", n)
}

// find says where the mail of a delivery is. With an error, status is what the client
// gets.
func (h *Handler) find(ctx context.Context, id mail.DeliveryID) (ref mail.BodyRef, status int, err error) {
	message, _ := id.Split()
	ref, err = h.messages.Body(ctx, message)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", http.StatusGone, err
	case err != nil:
		return "", http.StatusServiceUnavailable, err
	case ref == "":
		return "", http.StatusGone, errExpired
	}
	return ref, 0, nil
}

// harden keeps a browser from doing anything with a stranger's file but saving it,
// and everybody between from keeping it.
func harden(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store")
}

// contentType returns the type that the sender declared, without its parameters, where
// it is one.
func contentType(declared string) string {
	media, _, err := stdmime.ParseMediaType(declared)
	if err != nil || !strings.Contains(media, "/") {
		return "application/octet-stream"
	}
	return media
}

// disposition has the file saved under its name (RFC 6266).
func disposition(filename string) string {
	if said := stdmime.FormatMediaType("attachment", map[string]string{"filename": filename}); filename != "" && said != "" {
		return said
	}
	return "attachment"
}

// patientWriter bounds the time that each piece may take: a client that reads slowly
// may, one that reads nothing may not.
type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	next := time.Now().Add(patience)
	// That of reading goes along: net/http takes its end for that of the request.
	for _, err := range []error{p.control.SetWriteDeadline(next), p.control.SetReadDeadline(next)} {
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	return p.w.Write(b)
}

// readerOnly hides a WriterTo, which would not be written piece by piece.
type readerOnly struct{ io.Reader }
