package events

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// failing is the kind of the episodes of what has no connections that are told of.
const failing = "failure"

// key names an episode.
type key struct {
	about store.About
	kind  string
}

func hasConnections(class string) bool { return class == Account || class == Endpoint }

// settles reports whether an episode ends only some time after the last failure.
func (k key) settles() bool { return k.about.Class != Account }

// kindOf is the kind of the episode that a failure belongs to.
func kindOf(class string, f *outbound.Failure) string {
	switch {
	case !hasConnections(class):
		return failing
	case f.Kind == outbound.Authentication:
		return string(outbound.Authentication)
	default:
		return string(outbound.Connection)
	}
}

// kindsOf are the kinds of episodes that something can have.
func kindsOf(class string) []string {
	if hasConnections(class) {
		return []string{string(outbound.Connection), string(outbound.Authentication)}
	}
	return []string{failing}
}

// Failed tells of a failure: by an event, where the episode opens or the cause is new in it. After an
// error it is not certain whether that was stored; the next failure tells of what was not.
func (e *Events) Failed(ctx context.Context, about store.About, f *outbound.Failure) error {
	k := key{about, kindOf(about.Class, f)}
	c := causeOf(about.Class, f)
	if e.known.failed(k, c, e.now()) {
		return nil
	}
	defer e.change(k)()
	for range maxTries {
		was, err := e.sink.Episode(ctx, about, k.kind)
		if err != nil {
			return fmt.Errorf("tell of %s: %w", describe(about), err)
		}
		now := e.now()
		next, news := c.in(was, now)
		if !news && !k.settles() {
			e.known.put(k, was, now)
			return nil
		}
		var events []store.NewMessage
		if news {
			o := Occurrence{About: about, Name: wordsOf(about.Class, k.kind).opens, Response: f.Response, Code: f.Code}
			if events, err = e.messages(o, now); err != nil {
				return err
			}
		}
		switch err := e.sink.Tell(ctx, next, events); {
		case errors.Is(err, store.ErrMoved):
			continue
		case err != nil:
			e.known.doubt(k, next, now)
			return fmt.Errorf("tell of %s: %w", describe(about), err)
		}
		next.Version++
		e.known.put(k, next, now)
		if news {
			e.logFailure(k, was, next, f, len(events))
		}
		return nil
	}
	return fmt.Errorf("tell of %s: %w %d times", describe(about), store.ErrMoved, maxTries)
}

// Succeeded says that something works: an account or a smarthost has connected and logged in. It
// ends the episodes of all kinds that are open, by an event each.
func (e *Events) Succeeded(ctx context.Context, about store.About) error {
	if k := (key{about: about}); k.settles() && e.known.none() {
		return nil
	}
	var errs []error
	for _, kind := range kindsOf(about.Class) {
		if k := (key{about, kind}); e.known.succeeded(k, e.now()) {
			errs = append(errs, e.close(ctx, k, ""))
		}
	}
	return errors.Join(errs...)
}

// Reset ends the episodes that are open since what fails is another now, as when its
// configuration has changed. Why says so, and is told.
func (e *Events) Reset(ctx context.Context, about store.About, why string) error {
	if why == "" {
		why = "the configuration has changed"
	}
	var errs []error
	for _, kind := range kindsOf(about.Class) {
		errs = append(errs, e.close(ctx, key{about, kind}, why))
	}
	return errors.Join(errs...)
}

// Prune ends the open episodes of what is not in the configuration any more.
func (e *Events) Prune(ctx context.Context, configured func(store.About) bool) error {
	list, err := e.sink.Episodes(ctx)
	if err != nil {
		return fmt.Errorf("read the open episodes: %w", err)
	}
	var errs []error
	for _, open := range list {
		if !configured(open.About) {
			errs = append(errs, e.close(ctx, key{open.About, open.Kind}, "it is not in the configuration any more"))
		}
	}
	return errors.Join(errs...)
}

// close ends an episode, where it is open: after a success, or for the reason that is given.
func (e *Events) close(ctx context.Context, k key, why string) error {
	defer e.change(k)()
	for range maxTries {
		was, err := e.sink.Episode(ctx, k.about, k.kind)
		if err != nil {
			return fmt.Errorf("end the episode of %s: %w", describe(k.about), err)
		}
		if was.OpenedAt.IsZero() {
			e.known.forget(k)
			return nil
		}
		now := e.now()
		if why == "" && e.known.moved(k, was, now) {
			return nil // another process has seen it fail
		}
		w := wordsOf(k.about.Class, k.kind)
		o := Occurrence{About: k.about, Name: w.closes, Response: w.well + was.OpenedAt.UTC().Format(timeFormat)}
		if why != "" {
			o.Name, o.Response = w.resets, why
		}
		events, err := e.messages(o, now)
		if err != nil {
			return err
		}
		closed := was
		closed.OpenedAt, closed.Reported = time.Time{}, nil
		switch err := e.sink.Tell(ctx, closed, events); {
		case errors.Is(err, store.ErrMoved):
			continue
		case err != nil:
			return fmt.Errorf("end the episode of %s: %w", describe(k.about), err)
		}
		e.known.forget(k)
		said := "works again"
		if why != "" {
			said = "what failed is another now, or is there no more"
		}
		e.log.Info(said, "about", describe(k.about), "kind", k.kind, "event", o.Name, "failed_since", was.OpenedAt.UTC().Format(time.RFC3339), "events", len(events))
		return nil
	}
	return fmt.Errorf("end the episode of %s: %w %d times", describe(k.about), store.ErrMoved, maxTries)
}

// change keeps the other goroutines of this process from an episode until what it returns is called.
func (e *Events) change(k key) (done func()) {
	lock := &e.changing[maphash.Comparable(e.seed, k)%uint64(len(e.changing))]
	lock.Lock()
	return lock.Unlock
}

func (e *Events) logFailure(k key, was, now store.Episode, f *outbound.Failure, events int) {
	log := e.log.With("about", describe(k.about), "kind", k.kind)
	what := "fails"
	if !was.OpenedAt.IsZero() {
		what = "fails for another reason"
	}
	log.Warn(what, "code", f.Code, "response", hclog.Quote(response(f.Response)), "events", events)
	if len(now.Reported) == maxCauses {
		log.Warn("fails for too many reasons; until it works again, no others are told of", "causes", maxCauses)
	}
}

// cause is why something failed, as far as it is told apart.
type cause struct{ code, response string }

// The ends of the two parts of a cause as it is stored.
const (
	causeSeparator = "\n" // which is in neither
	// wholeResponse is how long a response is that is kept whole, in octets; of a longer
	// one the beginning is kept, with a hash.
	wholeResponse = 120
)

// causeOf is the cause of a failure. Numbers do not tell causes apart but in what is said of connections: a plugin
// that fails for each mail at another index is to be told of once.
func causeOf(class string, f *outbound.Failure) cause {
	c := cause{clean(f.Code, maxText), response(f.Response)}
	if !hasConnections(class) || f.Code == "" || f.Kind == outbound.Authentication {
		c.response = strings.Join(strings.FieldsFunc(c.response, unicode.IsDigit), "0")
	}
	if len(c.response) > wholeResponse {
		sum := sha256.Sum256([]byte(c.response))
		c.response = cut(c.response, wholeResponse-20) + " " + hex.EncodeToString(sum[:8])
	}
	return c
}

func (c cause) String() string { return c.code + causeSeparator + c.response }

// isNew reports whether an episode that has reported causes is to tell of this one: where its
// code, or its response, was in none of them. To have no code is nothing new.
func (c cause) isNew(reported []string) bool {
	if len(reported) >= maxCauses {
		return false
	}
	code := c.code == "" || slices.ContainsFunc(reported, func(s string) bool { return strings.HasPrefix(s, c.code+causeSeparator) })
	text := slices.ContainsFunc(reported, func(s string) bool { return strings.HasSuffix(s, causeSeparator+c.response) })
	return !code || !text
}

// in is an episode after a failure for this cause, and whether that is to be told of.
func (c cause) in(e store.Episode, at time.Time) (next store.Episode, news bool) {
	switch {
	case e.OpenedAt.IsZero():
		e.OpenedAt, e.Reported = at, []string{c.String()}
		return e, true
	case c.isNew(e.Reported):
		e.Reported = append(slices.Clone(e.Reported), c.String())
		return e, true
	}
	return e, false
}
