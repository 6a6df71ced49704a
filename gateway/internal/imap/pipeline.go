package imap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// inFlight is how many mails of a folder are spooled, scanned and stored at the same time. They come
	// one after the other over the connection, and are stored in that order.
	inFlight = 4
	// headOctets is how much of a mail is looked at for its Return-Path.
	headOctets = 16 << 10
)

// errBehind is why a mail is not stored whose predecessor was not.
var errBehind = errors.New("the mail before it could not be taken")

// pipeline hands mails to reception, and takes what it says in their order.
type pipeline struct {
	*fetcher
	flights []*flight
	last    *flight
	done    []store.Fetched // which are safe, and have to be done with on the server
	failed  uint32          // the first that could not be taken, after which none is
	err     error
}

// flight is one mail on its way.
type flight struct {
	fetched store.Fetched
	before  *flight       // nil for the first, and when that is over
	read    chan struct{} // closed when no more of the mail is read
	over    chan struct{} // closed when reception has said what became of it, which is err
	err     error
}

// taken reports whether those behind it may be stored. It is known when the flight is over.
func (f *flight) taken() bool {
	refusal, refused := errors.AsType[*reception.Refusal](f.err)
	return f.err == nil || errors.Is(f.err, store.ErrFetched) || errors.Is(f.err, reception.ErrKnown) || errors.Is(f.err, errTooLarge) ||
		refused && !refusal.Temporary
}

// push hands a mail over, and returns when all of it was read. Its error is that of an earlier one.
func (p *pipeline) push(ctx context.Context, uid uint32, content *content) error {
	fl := &flight{
		fetched: store.Fetched{Account: p.cfg.Name, Folder: p.p.name, UIDValidity: p.folder.validity, UID: uid},
		before:  p.last, read: make(chan struct{}), over: make(chan struct{}),
	}
	p.flights, p.last = append(p.flights, fl), fl
	go p.fly(ctx, fl, content)
	<-fl.read
	if len(p.flights) < inFlight {
		return nil
	}
	return p.settle(ctx)
}

// fly has a mail received. What panics in it fails that mail and nothing else.
func (p *pipeline) fly(ctx context.Context, fl *flight, content *content) {
	body := &limited{r: content, left: p.cfg.MaxMessageSize, over: sync.OnceFunc(func() { close(fl.read) })}
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			fl.err = fmt.Errorf("panic: %v", v)
		}
		body.over()
		fl.before = nil
		close(fl.over)
	}()
	head := bufio.NewReaderSize(body, headOctets)
	m := reception.Mail{
		Began:      time.Now(),
		Fetched:    &fl.fetched,
		Recipients: []reception.Recipient{{Address: p.cfg.Recipient, Target: p.cfg.Target}},
		// Neither the address nor the name of the mail's own client is known, and the server's would be
		// taken for them.
		Envelope:   mail.Envelope{Session: mail.Session{Listener: p.cfg.Name, TLS: p.client.tls}},
		TraceField: func(id mail.MessageID, received time.Time) string { return p.traceField(fl.fetched.UID, id, received) },
		Turn: func(ctx context.Context) error {
			if fl.before == nil {
				return nil
			}
			select {
			case <-fl.before.over:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if !fl.before.taken() {
				return errBehind
			}
			return nil
		},
	}
	begin, _ := head.Peek(headOctets) // its error comes again when it is read
	if path, ok := returnPath(string(begin)); ok && path != "" {
		if _, _, err := mail.SplitAddress(path); err == nil {
			m.Envelope.ReversePath = path
		}
	}
	if fl.fetched.UID < p.mailbox.Below {
		m.Known = func(ctx context.Context, digest store.Digest) (bool, error) {
			return p.deps.Known.Known(ctx, p.cfg.Name, p.p.name, digest)
		}
	}
	_, fl.err = p.deps.Receiver.Receive(ctx, m, head)
}

// settleAll waits for all mails that are on their way.
func (p *pipeline) settleAll(ctx context.Context) error {
	for len(p.flights) > 0 {
		_ = p.settle(ctx) // it is kept
	}
	return p.err
}

// settle waits for the first mail that is on its way, and does what follows from what became of it.
func (p *pipeline) settle(ctx context.Context) error {
	fl := p.flights[0]
	p.flights = p.flights[1:]
	<-fl.over
	if p.err != nil {
		return p.err // it is fetched again
	}
	if p.err = p.outcome(ctx, fl); p.err != nil {
		p.failed = fl.fetched.UID
		return p.err
	}
	uid := fl.fetched.UID
	p.mailbox.NextUID = max(p.mailbox.NextUID, after(uid))
	if p.p.putOff == uid {
		p.p.putOff, p.p.overdue, p.p.rest = 0, false, backoff{}
	}
	return nil
}

// outcome does what follows from what reception has said of a mail.
func (p *pipeline) outcome(ctx context.Context, fl *flight) error {
	err, uid := fl.err, fl.fetched.UID
	refusal, refused := errors.AsType[*reception.Refusal](err)
	switch {
	case err == nil:
		p.received()
	case errors.Is(err, store.ErrFetched): // in another life, or it was rejected or passed over then
		known, err := p.deps.Known.Known(ctx, p.cfg.Name, p.p.name, fl.fetched.Digest)
		if err != nil {
			return fmt.Errorf("find out what a mail is known as: %w", err)
		}
		if !known {
			p.log.Warn("a mail has the UID of one that was not taken, or of another one, and is left on its server", "folder", p.p.name,
				"uidvalidity", p.folder.validity, "uid", uid)
			return nil
		}
	case errors.Is(err, reception.ErrKnown):
		if err := p.deps.Known.Pass(ctx, fl.fetched); err != nil {
			return fmt.Errorf("note a mail as known: %w", err)
		}
	case errors.Is(err, errTooLarge):
		return p.pass(ctx, uid, fmt.Sprintf("it has more than %d octets", p.cfg.MaxMessageSize))
	case refused && !refusal.Temporary:
		p.log.Info("a mail was rejected, and is left on its server", "folder", p.p.name, "uid", uid, "reason", refusal.Reason)
		if err := p.deps.Marks.Handled(ctx, fl.fetched); err != nil {
			return fmt.Errorf("note a mail as rejected: %w", err)
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errBehind): // which was passed over
		return errAgain
	case kindOf(err) != nil:
		return kindOf(err)
	default:
		return p.cannotTake(uid, err)
	}
	p.done = append(p.done, fl.fetched)
	return nil
}

// limited reads up to a number of octets, and fails where there are more. It says when it is over.
type limited struct {
	r    io.Reader
	left int64
	over func()
	err  error // what it was over by
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		n, err = 0, errTooLarge
	}
	if l.err = err; err != nil {
		l.over()
	}
	return n, err
}
