package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrNotRunning means that no gateway answers on the control socket.
var ErrNotRunning = errors.New("no gateway is running on this data folder")

// ErrNotFound means that the gateway has no such message, delivery or payload.
var ErrNotFound = errors.New("not found")

// clientTimeout bounds one question, its answer included; of mails and payloads, each part of it.
const clientTimeout = 5 * time.Minute

// Client asks a running gateway.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the gateway whose control socket is at path.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: clientTimeout}}
}

// patient is for an answer that may take longer, and shows that it goes on.
func (c *Client) patient() *http.Client {
	patient := *c.http
	patient.Timeout = 0
	return &patient
}

// List returns a page of the log.
func (c *Client) List(ctx context.Context, o ListOptions) (DeliveryList, error) {
	var page DeliveryList
	err := c.getJSON(ctx, "/v1/deliveries?"+o.query().Encode(), &page)
	return page, err
}

// Count says how many deliveries a filter selects.
func (c *Client) Count(ctx context.Context, f Filter) (CountList, error) {
	var list CountList
	err := c.getJSON(ctx, "/v1/counts?"+f.query().Encode(), &list)
	return list, err
}

// Message returns a message with its history. For the id of a delivery it holds
// that delivery alone.
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	var m Message
	err := c.getJSON(ctx, "/v1/messages/"+url.PathEscape(id), &m)
	return m, err
}

// WritePayload writes the payload of a delivery. Where content is false, the
// content of attachments is null.
func (c *Client) WritePayload(ctx context.Context, w io.Writer, id mail.DeliveryID, content bool) error {
	path := "/v1/deliveries/" + url.PathEscape(string(id)) + "/payload"
	if !content {
		path += "?content=omit"
	}
	return c.write(ctx, w, path, "payload of "+string(id))
}

// WriteRaw writes a message with the gateway's own trace field, or without it as it was
// received.
func (c *Client) WriteRaw(ctx context.Context, w io.Writer, id mail.MessageID, asReceived bool) error {
	path := "/v1/messages/" + url.PathEscape(string(id)) + "/raw"
	if asReceived {
		path += "?as_received=true"
	}
	return c.write(ctx, w, path, "mail of "+string(id))
}

// write copies an answer; what is its name in an error.
func (c *Client) write(ctx context.Context, w io.Writer, path, what string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(clientTimeout, func() { cancel(fmt.Errorf("nothing has come for %s", clientTimeout)) })
	defer watch.Stop()
	body, err := c.askBy(ctx, c.patient(), http.MethodGet, path, http.NoBody)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := copyLiving(w, body, watch, clientTimeout); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// Queue says what is in the queue.
func (c *Client) Queue(ctx context.Context) (QueueStats, error) {
	var stats QueueStats
	err := c.getJSON(ctx, "/v1/queue", &stats)
	return stats, err
}

// Pause has deliveries wait until Resume.
func (c *Client) Pause(ctx context.Context, p Pausing) (Paused, error) {
	var answer Paused
	err := c.postJSON(ctx, "/v1/queue/pause", p, &answer)
	return answer, err
}

// Resume ends a Pause of exactly that endpoint or tenant.
func (c *Client) Resume(ctx context.Context, p Pausing) (Paused, error) {
	var answer Paused
	err := c.postJSON(ctx, "/v1/queue/resume", p, &answer)
	return answer, err
}

// Act does something to the deliveries that a request names, or to the next of those that
// it selects.
func (c *Client) Act(ctx context.Context, act Act, req ActRequest) (ActAnswer, error) {
	var answer ActAnswer
	err := c.postJSON(ctx, "/v1/acts/"+url.PathEscape(string(act)), req, &answer)
	return answer, err
}

func (c *Client) postJSON(ctx context.Context, path string, question, into any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, http.MethodPost, path, bytes.NewReader(body))
	return decode(answer, err, into)
}

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	answer, err := c.get(ctx, path)
	return decode(answer, err, into)
}

// decode reads an answer, where there is one.
func decode(answer io.ReadCloser, err error, into any) error {
	if err != nil {
		return err
	}
	defer answer.Close()
	if err := json.NewDecoder(answer).Decode(into); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string) (io.ReadCloser, error) {
	return c.ask(ctx, http.MethodGet, path, http.NoBody)
}

func (c *Client) ask(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	return c.askBy(ctx, c.http, method, path, body)
}

func (c *Client) askBy(ctx context.Context, by *http.Client, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://postern"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := by.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: nobody answers at %s", ErrNotRunning, c.socket)
	case err != nil:
		return nil, fmt.Errorf("ask the gateway at %s: %w", c.socket, err)
	case resp.StatusCode == http.StatusOK:
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p); err != nil || p.Error == "" {
		return nil, fmt.Errorf("the gateway answered %s", resp.Status)
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, &answerError{text: p.Error, is: ErrNotFound}
	}
	return nil, errors.New(p.Error)
}

// answerError is what the gateway said, of a kind that a caller can ask for.
type answerError struct {
	text string
	is   error
}

// Error implements error.
func (e *answerError) Error() string { return e.text }

// Unwrap returns the kind.
func (e *answerError) Unwrap() error { return e.is }
