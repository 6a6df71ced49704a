// Package inspector is the development endpoint inside the binary: an HTTP
// handler that takes webhooks, verifies them with the official Standard
// Webhooks library, as a receiver would, and prints them for a person to read.
//
// Invariants:
//
//   - It answers 204 only to what the library verified.
//   - Whatever it prints is safe for a terminal: mails come from strangers.
//   - It keeps nothing but the ids of the last webhooks, to tell duplicates.
//
// It is no store and no place for production: a webhook that was printed is
// delivered, and gone.
package inspector

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/terminal"
)

const (
	defaultMaxBody = 64 << 20
	// rememberedIDs bounds the memory for duplicates.
	rememberedIDs = 1024
)

// Config says what to take and where to print it.
type Config struct {
	// Out gets one block of text per webhook, in one Write.
	Out io.Writer
	// Color sets headings apart by ANSI colours.
	Color bool
	// Secrets maps the paths that webhooks come to, as in "/acme/inspector", to
	// their signing secrets ("whsec_…").
	Secrets map[string]string
	// MaxBody bounds a payload, in octets. 0 means 64 MiB.
	MaxBody int64
}

// Handler is the endpoint. It is safe for concurrent use.
type Handler struct {
	style     style
	maxBody   int64
	verifiers map[string]verifier // by path

	mu   sync.Mutex // guards what follows, and keeps blocks whole
	out  io.Writer
	seen recent
}

// verifier checks the webhooks of one path. err is set where its secret is none.
type verifier struct {
	webhook *standardwebhooks.Webhook
	err     error
}

// New makes a Handler. A secret that cannot be used fails every webhook of its
// path, and the print says why.
func New(cfg Config) *Handler {
	h := &Handler{
		style:     style{color: cfg.Color},
		maxBody:   cfg.MaxBody,
		verifiers: make(map[string]verifier, len(cfg.Secrets)),
		out:       cfg.Out,
	}
	if h.maxBody <= 0 {
		h.maxBody = defaultMaxBody
	}
	for path, secret := range cfg.Secrets {
		webhook, err := standardwebhooks.NewWebhook(secret)
		h.verifiers[path] = verifier{webhook, err}
	}
	return h
}

// ServeHTTP implements http.Handler: 204 for a webhook that verifies, 401 for
// one that does not, 413 for one that is too large, 404 and 405 for what is
// none.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	check, ok := h.verifiers[r.URL.Path]
	if !ok {
		http.Error(w, "no webhooks come to this path", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "this path takes signed webhooks by POST; what came is printed where the gateway runs", http.StatusMethodNotAllowed)
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		h.print(r, nil, fmt.Sprintf("not taken: the payload is larger than %d octets", h.maxBody))
		http.Error(w, "payload too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		// The sender hung up. There is nobody to answer.
		h.print(r, nil, "not taken: the payload broke off")
		return
	}
	if err := check.verify(payload, r.Header); err != nil {
		h.print(r, nil, "NOT verified: "+explain(err))
		http.Error(w, "the signature does not verify", http.StatusUnauthorized)
		return
	}
	h.print(r, payload, "")
	w.WriteHeader(http.StatusNoContent)
}

func (v verifier) verify(payload []byte, header http.Header) error {
	if v.err != nil {
		return errUnusableSecret
	}
	return v.webhook.Verify(payload, header)
}

var errUnusableSecret = errors.New("the secret that the inspector has for this path is not base64")

// explain says what a person can do about an error of the library.
func explain(err error) string {
	switch {
	case errors.Is(err, standardwebhooks.ErrRequiredHeaders):
		return "webhook-id, webhook-timestamp or webhook-signature is missing"
	case errors.Is(err, standardwebhooks.ErrInvalidHeaders):
		return "webhook-timestamp is not a number"
	case errors.Is(err, standardwebhooks.ErrMessageTooOld):
		return "webhook-timestamp is more than 5 minutes old"
	case errors.Is(err, standardwebhooks.ErrMessageTooNew):
		return "webhook-timestamp is more than 5 minutes ahead: compare the clocks"
	case errors.Is(err, standardwebhooks.ErrNoMatchingSignature):
		return "no signature matches: another secret signed it, or the payload was changed on its way"
	default:
		return err.Error()
	}
}

// print writes one block. problem is empty for a verified webhook; of others
// the payload stays unprinted, since anybody could have sent it.
func (h *Handler) print(r *http.Request, payload []byte, problem string) {
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)

	h.mu.Lock()
	defer h.mu.Unlock()
	var b strings.Builder
	verdict := h.style.good("signature verified")
	if problem != "" {
		verdict = h.style.bad(problem)
	}
	heading := []string{
		h.style.heading(time.Now().Format("15:04:05") + "  POST " + terminal.Text(r.URL.Path, maxHeaderRunes)),
		verdict,
		h.style.heading(terminal.Text(id, maxHeaderRunes)),
		h.duplicate(id, problem),
	}
	heading = slices.DeleteFunc(heading, func(part string) bool { return part == "" })
	b.WriteString(strings.Join(heading, "  ") + "\n")
	for _, name := range []string{
		"Content-Type", "Content-Length", "User-Agent", "Traceparent",
		standardwebhooks.HeaderWebhookTimestamp, standardwebhooks.HeaderWebhookSignature,
	} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&b, "  %s %s\n", h.style.dim(strings.ToLower(name)+":"), terminal.Text(value, maxHeaderRunes))
		}
	}
	if problem == "" {
		terminal.WritePayload(&b, payload)
	}
	b.WriteByte('\n')
	// A terminal that went away changes nothing about the delivery.
	_, _ = io.WriteString(h.out, b.String())
}

// duplicate counts a verified webhook-id, and says so where it came before.
func (h *Handler) duplicate(id, problem string) string {
	if problem != "" {
		return "" // else anybody could push the true ids out
	}
	switch n := h.seen.add(id); n {
	case 0:
		return ""
	case 1:
		return h.style.bad("seen before, once")
	default:
		return h.style.bad(fmt.Sprintf("seen before, %d times", n))
	}
}

// recent counts the last rememberedIDs different ids.
type recent struct {
	counts map[string]int
	ring   [rememberedIDs]string // in the order of their first coming
	next   int
}

// add counts id and returns how often it was added before.
func (s *recent) add(id string) int {
	if s.counts == nil {
		s.counts = make(map[string]int, rememberedIDs)
	}
	before, known := s.counts[id]
	if !known {
		if len(s.counts) == rememberedIDs {
			delete(s.counts, s.ring[s.next])
		}
		s.ring[s.next] = id
		s.next = (s.next + 1) % rememberedIDs
	}
	s.counts[id] = before + 1
	return before
}
