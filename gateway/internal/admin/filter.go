package admin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// maxWord bounds each of a filter's texts, in octets; no address is longer.
	maxWord = 512
	// cursorKind begins a cursor, before it is encoded.
	cursorKind = "delivery:"
)

// Filter selects deliveries; empty fields select all. It is the query of a list, and part
// of a request to do something.
type Filter struct {
	Tenant   string       `json:"tenant,omitempty"`
	Endpoint string       `json:"endpoint,omitempty"`
	States   []mail.State `json:"states,omitempty"`
	// Since and Until bound when the message was received: Since <= t < Until.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Sender and Recipient are addresses, or domains as in "@example.com".
	Sender    string `json:"sender,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	// Subject holds words that stand in the subject, all of them.
	Subject string `json:"subject,omitempty"`
	// Account is the mail account that a mail came from, or an event is about.
	Account string `json:"account,omitempty"`
	// Events selects events; without it, mails are selected, and no events. Event is the name of one.
	Events bool   `json:"events,omitempty"`
	Event  string `json:"event,omitempty"`
}

// ListOptions are the deliveries of a page.
type ListOptions struct {
	Filter
	// Limit is how many it may hold; 0 for the server's own choice.
	Limit int
	// Cursor is what the page before gave as its next; empty for the first page.
	Cursor string
}

// Empty reports whether the filter selects everything, be it of mails or of events.
func (f Filter) Empty() bool {
	f.Events = false
	return len(f.query()) == 0
}

// query writes a filter as readFilter reads it.
func (f Filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"tenant": f.Tenant, "endpoint": f.Endpoint, "since": moment(f.Since), "until": moment(f.Until),
		"sender": f.Sender, "recipient": f.Recipient, "subject": f.Subject, "account": f.Account, "event": f.Event,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for _, s := range f.States {
		q.Add("state", string(s))
	}
	if f.Events {
		q.Set("events", "true")
	}
	return q
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func (o ListOptions) query() url.Values {
	q := o.Filter.query()
	if o.Limit != 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.Cursor != "" {
		q.Set("cursor", o.Cursor)
	}
	return q
}

// readFilter reads the query of a list; others are the parameters that stand beside it.
func readFilter(q url.Values, others ...string) (store.Filter, error) {
	var f Filter
	texts := map[string]*string{
		"tenant": &f.Tenant, "endpoint": &f.Endpoint, "sender": &f.Sender, "recipient": &f.Recipient, "subject": &f.Subject,
		"account": &f.Account, "event": &f.Event,
	}
	times := map[string]*time.Time{"since": &f.Since, "until": &f.Until}
	for name, values := range q {
		text, isText := texts[name]
		at, isTime := times[name]
		switch {
		case name == "state":
			for _, v := range values {
				f.States = append(f.States, mail.State(v))
			}
		case len(values) != 1:
			return store.Filter{}, fmt.Errorf("%s is given %d times; give it once", name, len(values))
		case isText:
			*text = values[0]
		case isTime:
			var err error
			if *at, err = time.Parse(time.RFC3339, values[0]); err != nil {
				return store.Filter{}, fmt.Errorf("%s %q is no time; write it as in 2006-01-02T15:04:05Z", name, values[0])
			}
		case name == "events":
			if values[0] != "true" {
				return store.Filter{}, fmt.Errorf("events is %q; write true, or leave it out", values[0])
			}
			f.Events = true
		case !slices.Contains(others, name):
			return store.Filter{}, fmt.Errorf("there is no parameter %q", name)
		}
	}
	return f.stored()
}

// stored checks a filter, and returns it as the store's.
func (f Filter) stored() (store.Filter, error) {
	for name, value := range map[string]string{"tenant": f.Tenant, "endpoint": f.Endpoint, "sender": f.Sender, "recipient": f.Recipient, "subject": f.Subject, "account": f.Account} {
		if len(value) > maxWord {
			return store.Filter{}, fmt.Errorf("%s has %d octets; at most %d are looked for", name, len(value), maxWord)
		}
	}
	for name, value := range map[string]string{"sender": f.Sender, "recipient": f.Recipient} {
		if value != "" && !strings.Contains(value, "@") {
			return store.Filter{}, fmt.Errorf("%s %q is no address; write one, or a domain as in @example.com", name, value)
		}
	}
	for _, s := range f.States {
		if !slices.Contains(mail.States(), s) {
			return store.Filter{}, fmt.Errorf("state %q is none of %v", s, mail.States())
		}
	}
	switch {
	case f.Event != "" && !f.Events:
		return store.Filter{}, errors.New("event is for a list of events: say events=true")
	case f.Event != "" && !slices.Contains(mail.Events(), f.Event):
		return store.Filter{}, fmt.Errorf("event %q is none of %v", f.Event, mail.Events())
	case f.Events && (f.Sender != "" || f.Recipient != ""):
		return store.Filter{}, errors.New("events have neither sender nor recipient")
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return store.Filter{}, fmt.Errorf("since %s is not before until %s; nothing lies between", moment(f.Since), moment(f.Until))
	}
	out := store.Filter{
		Tenant: f.Tenant, Endpoint: f.Endpoint, States: f.States, Since: f.Since, Until: f.Until,
		Sender: f.Sender, Recipient: f.Recipient, Subject: f.Subject, Account: f.Account, Events: f.Events, Event: f.Event,
	}
	if f.Events && f.Account != "" {
		out.Account, out.Class, out.About = "", "account", f.Account
	}
	return out, nil
}

// readPage reads the query of a page.
func readPage(q url.Values) (store.Filter, error) {
	f, err := readFilter(q, "limit", "cursor")
	if err != nil {
		return f, err
	}
	f.Limit = defaultLimit
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > MaxLimit {
			return f, fmt.Errorf("limit %q is no number from 1 to %d", s, MaxLimit)
		}
		f.Limit = n
	}
	f.Before, err = readCursor(q.Get("cursor"))
	return f, err
}

// newCursor is where a page begins that comes after the delivery with this Seq; 0 for none.
func newCursor(seq int64) string {
	if seq == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(cursorKind + strconv.FormatInt(seq, 10)))
}

func readCursor(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	number, ok := strings.CutPrefix(string(text), cursorKind)
	n, numberErr := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || numberErr != nil || n < 1 {
		return 0, fmt.Errorf("cursor %q is none that a page gave as its next", s)
	}
	return n, nil
}
