package maintenance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// ErrNotEmpty means that there is something already where a copy is to be made.
var ErrNotEmpty = errors.New("there are messages already in the store that is copied to")

// Target is what is copied to.
type Target interface {
	List(ctx context.Context, filter store.Filter) ([]store.Delivery, error)
	BeginCopy(ctx context.Context, identity string) error
	Import(ctx context.Context, records []store.Record) error
}

// Origin is what is copied from.
type Origin interface {
	Source
	Identity(ctx context.Context) (string, error)
}

// Putter stores bodies.
type Putter interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
}

// CopyOptions says how to copy.
type CopyOptions struct {
	// Resume goes on with a copy that was interrupted: what is there already is left as it
	// is. Without it the target must be empty, and with it must not hold what is not of that
	// copy: it fails with store.ErrOther then.
	Resume bool
	// Progress is called after each page with what was copied so far.
	Progress func(Copied)
}

// Copied is what a copy has come to.
type Copied struct {
	Messages int   `json:"messages"`
	Bodies   int   `json:"bodies"`
	Octets   int64 `json:"octets"`
	// Present are messages that were there already.
	Present int `json:"present"`
}

// Copy copies all messages, with all that is known of them, and their bodies. Nobody may change
// either store meanwhile. A body that cannot be read ends it: nothing is left out. Where
// it ends before its end, what was copied is whole, and Resume goes on with the rest.
func Copy(ctx context.Context, from Origin, bodies Opener, to Target, put Putter, o CopyOptions) (Copied, error) {
	var done Copied
	present, err := messages(ctx, to)
	if err != nil {
		return done, fmt.Errorf("copy: read the target: %w", err)
	}
	if len(present) > 0 && !o.Resume {
		return done, fmt.Errorf("copy: %w: %d of them", ErrNotEmpty, len(present))
	}
	identity, err := from.Identity(ctx)
	if err == nil {
		err = to.BeginCopy(ctx, identity)
	}
	if err != nil {
		return done, fmt.Errorf("copy: %w", err)
	}
	for after := int64(0); ; {
		records, err := from.Export(ctx, after, page)
		if err != nil {
			return done, fmt.Errorf("copy: %w", err)
		}
		if len(records) == 0 {
			return done, nil
		}
		after = records[len(records)-1].Seq
		wanted := records[:0]
		for _, r := range records {
			if present[r.ID] {
				done.Present++
				continue
			}
			if r.Body, err = copyBody(ctx, &r, bodies, put); err != nil {
				return done, fmt.Errorf("copy: the body of message %s: %w", r.ID, err)
			}
			if r.Body != "" {
				done.Bodies++
				done.Octets += r.Size
			}
			wanted = append(wanted, r)
		}
		if err := to.Import(ctx, wanted); err != nil {
			return done, fmt.Errorf("copy: %w", err)
		}
		done.Messages += len(wanted)
		o.Progress(done)
	}
}

// messages lists what a store holds, mails and events. Every message has a delivery.
func messages(ctx context.Context, s Target) (map[mail.MessageID]bool, error) {
	ids := make(map[mail.MessageID]bool)
	for _, filter := range []store.Filter{{Limit: 1000}, {Limit: 1000, Events: true}} {
		for {
			list, err := s.List(ctx, filter)
			if err != nil {
				return nil, err
			}
			if len(list) == 0 {
				break
			}
			for _, d := range list {
				id, _ := d.ID.Split()
				ids[id] = true
				filter.Before = d.Seq
			}
		}
	}
	return ids, nil
}

// copyBody copies the body of a message, which may have none, and returns the reference to
// the copy.
func copyBody(ctx context.Context, r *store.Record, bodies Opener, put Putter) (ref mail.BodyRef, err error) {
	if r.Body == "" {
		return "", nil
	}
	body, err := bodies.Open(ctx, r.Body)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return put.Put(ctx, r.ID, r.BodyUntil(), io.NewSectionReader(body, 0, body.Size()))
}

// Lanes reads what is paused; a store.Store is one.
type Lanes interface {
	Lanes(ctx context.Context) ([]store.Lane, error)
}

// Pauser pauses; a store.Store is one.
type Pauser interface {
	Pause(ctx context.Context, endpoint store.Endpoint, since time.Time) error
}

// CopyPauses pauses in a store what is paused in another.
func CopyPauses(ctx context.Context, from Lanes, to Pauser) error {
	lanes, err := from.Lanes(ctx)
	if err != nil {
		return fmt.Errorf("copy pauses: %w", err)
	}
	for _, l := range lanes {
		if l.PausedSince.IsZero() {
			continue
		}
		if err := to.Pause(ctx, l.Endpoint, l.PausedSince); err != nil {
			return fmt.Errorf("copy pauses: %w", err)
		}
	}
	return nil
}

// Sources keeps what is known of mail accounts and of what fails; a store.Sources is one.
type Sources interface {
	ExportSources(ctx context.Context, after store.Fetched, limit int) (store.SourcesRecord, error)
	ImportSources(ctx context.Context, r store.SourcesRecord) error
}

// CopySources copies all that is known of mail accounts, and of what fails. It may be done again.
func CopySources(ctx context.Context, from, to Sources) error {
	for after, first := (store.Fetched{}), true; ; first = false {
		r, err := from.ExportSources(ctx, after, page)
		if err == nil && (first || len(r.Fetched) > 0) {
			err = to.ImportSources(ctx, r)
		}
		if err != nil {
			return fmt.Errorf("copy accounts: %w", err)
		}
		if len(r.Fetched) == 0 {
			return nil
		}
		after = r.Fetched[len(r.Fetched)-1].Fetched
	}
}
