// Package admin is the gateway's control interface: HTTP with JSON over a Unix
// socket in the data folder, and the client that the command line asks it by.
//
// The store has one writer, the running gateway; whoever wants to know or to do
// something asks it here. The socket is open to the gateway's own user alone (mode
// 0600 in a folder of mode 0700), and that is its whole access control.
//
// # Invariants
//
//   - What is done to deliveries stands in their traces, and in the gateway's log.
//   - A request does a bounded amount of work: a page, or up to [MaxBatch] deliveries.
//     Who wants more goes on by the cursor that the answer gives.
//   - A selection never takes what its words do not say: a parameter or a field that is
//     not known is refused.
//   - An answer writes all times alike, see [Time], and its names in snake_case. What has no
//     value is left out; numbers that count, booleans, lists and a reverse-path are always there.
//
// An act is durable when its answer comes. One that was broken off has been done to
// all of its batch or to nothing, but for erasing, which goes message by message.
package admin

import (
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// DeliveryList is one page of the log, the newest first.
type DeliveryList struct {
	Deliveries []Delivery `json:"deliveries"`
	// Next is the cursor of the next page; empty where this is the last.
	Next string `json:"next,omitempty"`
	// SearchedTo is there where a page ends before it is full, since to find more takes
	// longer: how far back the log was searched. Next goes on from there.
	SearchedTo Time `json:"searched_to,omitzero"`
}

// Delivery is the log's row of a delivery.
type Delivery struct {
	ID          mail.DeliveryID `json:"id"`
	Tenant      string          `json:"tenant"`
	Endpoint    string          `json:"endpoint"`
	Alias       string          `json:"alias,omitempty"`
	ReversePath string          `json:"reverse_path"`
	Recipient   string          `json:"recipient"`
	Subject     string          `json:"subject,omitempty"`
	State       mail.State      `json:"state"`
	// Reason says why the delivery is in its state; empty for delivered.
	Reason string `json:"reason,omitempty"`
	// AttemptCount is how many attempts were made.
	AttemptCount int   `json:"attempt_count"`
	LastCode     int   `json:"last_code,omitempty"`
	Size         int64 `json:"size"`
	InFlight     bool  `json:"in_flight"`
	// Event is the name of an event, and About what it tells of; absent of mails. Account is the
	// mail account that a mail came from.
	Event   string      `json:"event,omitempty"`
	About   store.About `json:"about,omitzero"`
	Account string      `json:"account,omitempty"`

	ReceivedAt Time `json:"received_at"`
	UpdatedAt  Time `json:"updated_at"`
	DueAt      Time `json:"due_at,omitzero"`
	// ExpiresAt is the end of the mail and of the delivery, PayloadUntil that of the
	// payload once the delivery has ended, and LogUntil that of this row, absent for never.
	// HeldUntil is there while the delivery is quarantined, and holds in place of
	// ExpiresAt.
	ExpiresAt    Time `json:"expires_at"`
	PayloadUntil Time `json:"payload_until,omitzero"`
	HeldUntil    Time `json:"held_until,omitzero"`
	LogUntil     Time `json:"log_until,omitzero"`
}

// CountList says how many deliveries of each hour are in each state, the latest hour first.
type CountList struct {
	Counts []Count `json:"counts"`
	Total  int     `json:"total"`
}

// Count is how many deliveries that were received within an hour are in a state.
type Count struct {
	Hour       Time       `json:"hour"`
	State      mail.State `json:"state"`
	Deliveries int        `json:"count"`
}

// Message is a message with all that happened to it.
type Message struct {
	ID          mail.MessageID `json:"id"`
	ReceivedAt  Time           `json:"received_at"`
	ReversePath string         `json:"reverse_path"`
	Listener    string         `json:"listener,omitempty"`
	RemoteIP    string         `json:"remote_ip,omitempty"`
	HELO        string         `json:"helo,omitempty"`
	TLS         string         `json:"tls,omitempty"`
	Size        int64          `json:"size"`
	SHA256      string         `json:"sha256"`
	TraceField  string         `json:"trace_field"`
	// Kept says that the mail itself is still there.
	Kept bool `json:"kept"`
	// Fetched says where in a mail account it was, if it came from one.
	Fetched    Fetched           `json:"fetched,omitzero"`
	Trace      []Step            `json:"trace"`
	Deliveries []DeliveryHistory `json:"deliveries"`
}

// Fetched is where in a mail account a mail was.
type Fetched struct {
	Account     string `json:"account"`
	Folder      string `json:"folder"`
	UIDValidity uint32 `json:"uid_validity"`
	UID         uint32 `json:"uid"`
}

// DeliveryHistory is a delivery with its trace and attempts.
type DeliveryHistory struct {
	Delivery
	Trace    []Step    `json:"trace"`
	Attempts []Attempt `json:"attempts"`
}

// Step is one line of a trace.
type Step struct {
	At         Time    `json:"at"`
	Name       string  `json:"name"`
	DurationMS float64 `json:"duration_ms"`
	Fuel       int64   `json:"fuel,omitempty"`
	Detail     string  `json:"detail,omitempty"`
	// Verdict, Error and Log are of a stage of the chain.
	Verdict string   `json:"verdict,omitempty"`
	Error   string   `json:"error,omitempty"`
	Log     []string `json:"log,omitempty"`
}

// Attempt is one try to deliver.
type Attempt struct {
	Number     int     `json:"number"`
	At         Time    `json:"at"`
	DurationMS float64 `json:"duration_ms"`
	Code       int     `json:"code,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	// Response is the beginning of the answer's body, as text.
	Response string `json:"response,omitempty"`
}

// problem is what the server says of a request it cannot do.
type problem struct {
	Error string `json:"error"`
}

func newDelivery(d store.Delivery) Delivery {
	out := Delivery{
		ID: d.ID, Tenant: d.Endpoint.Tenant, Endpoint: d.Endpoint.Name, Alias: d.Alias,
		ReversePath: d.ReversePath, Recipient: d.Recipient, Subject: d.Subject,
		State: d.State, Reason: d.Reason, AttemptCount: d.Attempts, LastCode: d.LastCode, Size: d.Size, InFlight: d.InFlight,
		ReceivedAt: Time{d.ReceivedAt}, UpdatedAt: Time{d.UpdatedAt}, DueAt: Time{d.Due},
		ExpiresAt: Time{d.ExpiresAt}, PayloadUntil: Time{d.PayloadUntil}, LogUntil: Time{d.LogUntil},
		Event: d.Event.Name, About: d.Event.About, Account: d.Account,
	}
	if d.State == mail.Quarantined {
		out.HeldUntil = Time{d.HeldUntil}
	}
	return out
}

func newMessage(m store.Message) Message {
	s := m.Envelope.Session
	out := Message{
		ID: m.ID, ReceivedAt: Time{m.ReceivedAt}, ReversePath: m.Envelope.ReversePath,
		Listener: s.Listener, HELO: s.HELO, TLS: s.TLS,
		Size: m.Size, SHA256: m.SHA256, TraceField: m.TraceField, Kept: m.Body != "", Trace: newSteps(m.Steps),
		Deliveries: make([]DeliveryHistory, len(m.Deliveries)),
	}
	if f := m.Fetched; f != nil {
		out.Fetched = Fetched{Account: f.Account, Folder: f.Folder, UIDValidity: f.UIDValidity, UID: f.UID}
	}
	if s.RemoteIP.IsValid() { // mail may come by other ways than a connection
		out.RemoteIP = s.RemoteIP.String()
	}
	for i, d := range m.Deliveries {
		h := DeliveryHistory{Delivery: newDelivery(d.Delivery), Trace: newSteps(d.Steps), Attempts: make([]Attempt, len(d.Tries))}
		for j, a := range d.Tries {
			h.Attempts[j] = Attempt{
				Number: a.Number, At: Time{a.At}, DurationMS: milliseconds(a.Duration),
				Code: a.Code, Reason: a.Reason, Response: string(a.Response),
			}
		}
		out.Deliveries[i] = h
	}
	return out
}

func newSteps(steps []mail.Step) []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		out[i] = Step{At: Time{s.At}, Name: s.Name, DurationMS: milliseconds(s.Duration), Fuel: s.Fuel, Detail: s.Detail, Verdict: s.Verdict, Error: s.Error, Log: s.Log}
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
