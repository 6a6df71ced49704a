package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrNotRunning means that no gateway answers on the control socket.
var ErrNotRunning = errors.New("no gateway is running on this data folder")

// ErrNotFound means that the gateway has no such message, delivery or payload.
var ErrNotFound = errors.New("not found")

// clientTimeout bounds one question, its answer included.
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

// ListOptions select deliveries; empty fields select all.
type ListOptions struct {
	Tenant string
	State  mail.State
	Limit  int
	Before int64
}

// List returns a page of the log.
func (c *Client) List(ctx context.Context, o ListOptions) (DeliveryList, error) {
	q := url.Values{}
	if o.Tenant != "" {
		q.Set("tenant", o.Tenant)
	}
	if o.State != "" {
		q.Set("state", string(o.State))
	}
	if o.Limit != 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.Before != 0 {
		q.Set("before", strconv.FormatInt(o.Before, 10))
	}
	var page DeliveryList
	err := c.getJSON(ctx, "/v1/deliveries?"+q.Encode(), &page)
	return page, err
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
	body, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("read payload of %s: %w", id, err)
	}
	return nil
}

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	body, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://postern"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
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
