// Package maintenance is what an operator does with the data as a whole: look whether it is
// whole, back it up, and move it to another store.
//
// # Invariants
//
//   - Nothing is guessed and nothing is repaired: what is found wrong is told with its
//     place, and left as it is.
//   - A backup, and a copy, refer to no body that they do not hold.
package maintenance

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// page is how many messages are read at a time.
const page = 200

// maxFindings bounds what a Report lists; the rest is counted.
const maxFindings = 1000

// Source reads messages with all that is known of them, and looks whether the database itself
// is whole; a store.Store is one.
type Source interface {
	Check(ctx context.Context) ([]string, error)
	Export(ctx context.Context, after int64, limit int) ([]store.Record, error)
}

// Opener opens bodies, and checks each against its checksum.
type Opener interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
}

// Report is what Verify has found.
type Report struct {
	Messages int   `json:"messages"`
	Bodies   int   `json:"bodies"`
	Octets   int64 `json:"octets"`
	// Wrong counts what is wrong. Database lists what is wrong with the database itself, and
	// Findings what is with messages, the first thousand of it.
	Wrong    int       `json:"wrong"`
	Database []string  `json:"database"`
	Findings []Finding `json:"findings"`
}

// Finding is something that is wrong with a message.
type Finding struct {
	ID      mail.MessageID `json:"id"`
	Problem string         `json:"problem"`
}

// Verify looks at the database, and then reads every message, its body and its documents. Progress is called after each
// page. The error is nil also where something is wrong with the data: the report says so. An
// error says that the data could not be looked at, as when the database or the store of the
// bodies does not answer, and how far it came.
func Verify(ctx context.Context, from Source, bodies Opener, progress func(Report)) (Report, error) {
	r := Report{Database: []string{}, Findings: []Finding{}}
	err := r.look(ctx, from, bodies, progress)
	if err != nil {
		err = fmt.Errorf("verify: broken off after %d messages and %d bodies, with %d things wrong until then: %w", r.Messages, r.Bodies, r.Wrong, err)
	}
	return r, err
}

func (r *Report) look(ctx context.Context, from Source, bodies Opener, progress func(Report)) error {
	problems, err := from.Check(ctx)
	if err != nil {
		return err
	}
	r.damaged(problems...)
	after, limit := int64(0), page
	for {
		records, err := from.Export(ctx, after, limit)
		switch {
		case errors.Is(err, store.ErrDamaged) && limit > 1:
			limit = 1 // up to the one that cannot be read
			continue
		case errors.Is(err, store.ErrDamaged):
			r.damaged(fmt.Sprintf("the %d messages that were looked at are all that can be read: %v", r.Messages, err))
			return nil
		case err != nil || len(records) == 0:
			return err
		}
		for i := range records {
			if err := r.add(ctx, &records[i], bodies); err != nil {
				return fmt.Errorf("message %s: %w", records[i].ID, err)
			}
		}
		after = records[len(records)-1].Seq
		progress(*r)
	}
}

// damaged adds what is wrong with the database.
func (r *Report) damaged(problems ...string) {
	r.Wrong += len(problems)
	r.Database = append(r.Database, problems...)
}

// add checks one message. Only what says of a body that it is not what was stored is wrong
// with the message: any other error is of the way there.
func (r *Report) add(ctx context.Context, rec *store.Record, bodies Opener) error {
	if rec.Body != "" {
		size, err := read(ctx, rec.Body, bodies)
		switch {
		case errors.Is(err, mail.ErrDamaged):
			r.wrong(rec.ID, err.Error())
		case errors.Is(err, mail.ErrForeign):
			r.wrong(rec.ID, err.Error()+"; is the block bodies of the configuration the one by which it was stored?")
		case err != nil:
			return err
		case size != rec.Size:
			r.wrong(rec.ID, fmt.Sprintf("the body has %d octets, and the log says %d", size, rec.Size))
		}
		r.Bodies++
		r.Octets += size
	}
	r.Messages++
	for i, d := range rec.Deliveries {
		switch {
		case d.State.Final():
		case rec.Event.IsEvent() && rec.Rest[i].Document == nil:
			r.wrong(rec.ID, fmt.Sprintf("delivery %s is %s, and the event has no document", d.ID, d.State))
		case !rec.Event.IsEvent() && rec.Body == "":
			r.wrong(rec.ID, fmt.Sprintf("delivery %s is %s, and the message has no body", d.ID, d.State))
		}
		if doc := rec.Rest[i].Document; doc != nil {
			if _, err := document.Unmarshal(doc); err != nil {
				r.wrong(rec.ID, fmt.Sprintf("the document of delivery %s cannot be read: %v", d.ID, err))
			}
		}
	}
	return nil
}

func (r *Report) wrong(id mail.MessageID, problem string) {
	r.Wrong++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, Finding{id, problem})
	}
}

// read opens a body, which reads it whole.
func read(ctx context.Context, ref mail.BodyRef, bodies Opener) (int64, error) {
	body, err := bodies.Open(ctx, ref)
	if err != nil {
		return 0, err
	}
	return body.Size(), body.Close()
}
