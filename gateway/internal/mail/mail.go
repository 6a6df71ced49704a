// Package mail is the vocabulary that every other package of the gateway
// speaks: ids, the SMTP envelope, addresses, the states of a delivery, attempts
// and traces.
//
// It imports the standard library only, holds no state and does no I/O. What is
// durable is decided by package store; the values here are what it stores.
package mail

import (
	"errors"
	"io"
	"net/netip"
	"time"
)

// Envelope is what the SMTP client said about a mail, apart from the mail
// itself (RFC 5321 section 2.3.1), and the session that it said it in.
type Envelope struct {
	// ReversePath is the address of MAIL FROM, without angle brackets. It is
	// empty for the null reverse-path <> of bounces.
	ReversePath string
	// SMTPUTF8 is true where the transaction asked for RFC 6531.
	SMTPUTF8 bool
	Session  Session
}

// Session is the connection that a mail came by.
type Session struct {
	// Listener is the label of the listener in the configuration.
	Listener string
	// HELO is the argument of EHLO or HELO, as the client sent it.
	HELO     string
	RemoteIP netip.Addr
	// TLS is the version and cipher of the connection, as in
	// "TLS 1.3 TLS_AES_128_GCM_SHA256"; empty for a connection in clear.
	TLS string
}

// Address is a mailbox: a display name, which may be empty, and an address.
type Address struct {
	Name    string
	Address string
}

// State says where a delivery is on its way. Every delivery ends in a state
// that the log shows.
type State string

// The states of a delivery. Queued and Retrying are on their way, the others
// are final until somebody undoes them.
const (
	Queued      State = "queued"      // no attempt was made yet
	Retrying    State = "retrying"    // an attempt failed and another is due
	Delivered   State = "delivered"   // the endpoint answered 2xx, or took the mail
	Failed      State = "failed"      // dead letter: no attempt is left, or none can help
	Dropped     State = "dropped"     // a plugin said so; the raw message is kept
	Quarantined State = "quarantined" // held for an operator
	Expired     State = "expired"     // its retention ended before it was delivered
	Rejected    State = "rejected"    // refused at SMTP time; nothing of it is kept but the log
)

// States lists every state, in the order of a delivery's life.
func States() []State {
	return []State{Queued, Retrying, Delivered, Failed, Dropped, Quarantined, Expired, Rejected}
}

// Final reports whether the queue is done with a delivery in this state.
func (s State) Final() bool { return s != Queued && s != Retrying }

// Attempt is one try to hand a delivery to its endpoint.
type Attempt struct {
	// Number counts from 1.
	Number   int
	At       time.Time
	Duration time.Duration
	// Code is the HTTP status of the answer, or the SMTP reply code of a mail server's; 0 where
	// there was none.
	Code int
	// Reason says in a few words why the attempt failed; empty on success. It
	// begins with a stable word, as in "timeout: no answer within 30s".
	Reason string
	// Response holds the first bytes of the answer's body, or what the mail server said.
	Response []byte
}

// Body is an open body: the octets of a message.
type Body interface {
	io.ReaderAt
	io.Closer
	// Size is the body's length in octets.
	Size() int64
}

// ErrDamaged means that a body is not what was stored: cut short, altered, or not there.
var ErrDamaged = errors.New("body is damaged")

// ErrForeign means that a reference is not one that the store of bodies has made.
var ErrForeign = errors.New("not of this spool")

// BodyRef says where the octets of a message lie and how to know them again. The
// body store that made it is the only one to read it; others keep it as it is.
type BodyRef string
