package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	bodyScheme = "pg"
	// partSize is how many octets of a body a row holds, and as many of it are in memory.
	partSize = 256 << 10
	// maxSwept is how many bodies a sweep looks at at a time.
	maxSwept = 500
	// DefaultSweepAge is how old a body without a row is when it is taken for one that a
	// crash left.
	DefaultSweepAge = 24 * time.Hour
)

// Bodies keeps raw messages in the database, for gateways without another place that all
// of them reach. A body is durable when Put returns: the parts of a large one but the last
// are committed without waiting for the disk, for the last one's commit, which does, comes
// after them in the server's log; and it is made only where they are still there, as they
// are not when the server has crashed meanwhile.
//
// A reference is pg:ID:LENGTH:CHECKSUM.
type Bodies struct {
	db      *DB
	age     time.Duration
	buffers sync.Pool
}

// NewBodies returns the bodies in a store's database. A sweep leaves what is younger than
// age alone: its row may be under way, in whichever process.
func NewBodies(db *DB, age time.Duration) *Bodies { return &Bodies{db: db, age: age} }

// putting is a body of one part that is to be stored.
type putting struct {
	id   mail.MessageID
	data []byte
}

// Put stores what r gives and returns once it is durable. An error of r is in the error's
// chain. The body is kept until Delete.
func (b *Bodies) Put(ctx context.Context, id mail.MessageID, _ time.Time, r io.Reader) (mail.BodyRef, error) {
	if _, delivery, err := mail.ParseID(string(id)); err != nil || delivery != "" {
		return "", fmt.Errorf("write body: %q is no id of a message", id)
	}
	buffer, ok := b.buffers.Get().(*[]byte)
	if !ok {
		buffer = new(make([]byte, partSize))
	}
	defer b.buffers.Put(buffer)
	digest := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size := int64(0)
	for part := 0; ; part++ {
		n, last, err := fill(ctx, r, *buffer)
		if err == nil {
			data := (*buffer)[:n]
			_, _ = digest.Write(data)
			size += int64(n)
			err = b.putPart(ctx, id, part, data, last)
		}
		if err != nil {
			return "", errors.Join(fmt.Errorf("write body: %w", err), b.undo(id, part))
		}
		if last {
			return mail.BodyRef(fmt.Sprintf("%s:%s:%d:%08x", bodyScheme, id, size, digest.Sum32())), nil
		}
	}
}

// fill reads until a buffer is full, or the reader's end.
func fill(ctx context.Context, r io.Reader, buffer []byte) (n int, last bool, err error) {
	for n < len(buffer) {
		if err := ctx.Err(); err != nil {
			return n, false, err
		}
		got, err := r.Read(buffer[n:])
		n += got
		if err == io.EOF { // one that is wrapped is of what is read, and no end of it
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// again writes over what a copy that was interrupted has left of the same message's body; the
// octets are the same.
const again = ` ON CONFLICT (id, part) DO UPDATE SET data = excluded.data, stored_at = excluded.stored_at`

func (b *Bodies) putPart(ctx context.Context, id mail.MessageID, part int, data []byte, last bool) error {
	switch {
	case last && part == 0:
		return b.db.puts.do(ctx, &putting{id: id, data: data}, perRow+len(data))
	case !last:
		_, err := b.db.one(ctx, lazy, "store a part", `INSERT INTO bodies (id, part, data) VALUES ($1, $2, $3)`+again, string(id), part, data)
		return err
	}
	n, err := b.db.one(ctx, durable, "store the last part", `
		INSERT INTO bodies (id, part, data) SELECT $1, $2::int, $3 WHERE (SELECT count(*) FROM bodies WHERE id = $1 AND part < $2::int) = $2::int`+again, string(id), part, data)
	if err == nil && n != 1 {
		err = errors.New("the database server has lost parts of it, as by a crash")
	}
	return err
}

// put stores bodies of one part.
func (db *DB) put(ctx context.Context, batch []*putting) error {
	ids, data := make([]string, len(batch)), make([][]byte, len(batch))
	for i, p := range batch {
		ids[i], data[i] = string(p.id), append([]byte{}, p.data...) // nil would be NULL
	}
	_, err := db.one(ctx, durable, "store bodies", `INSERT INTO bodies (id, part, data) SELECT id, 0, data FROM unnest($1::text[], $2::bytea[]) AS new (id, data)`+again, ids, data)
	return err
}

// undo removes the parts of a body that is not to be. Where that fails it is swept.
func (b *Bodies) undo(id mail.MessageID, parts int) error {
	if parts == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	return b.remove(ctx, []string{string(id)})
}

func (b *Bodies) remove(ctx context.Context, ids []string) error {
	_, err := b.db.one(ctx, lazy, "remove bodies", `DELETE FROM bodies WHERE id = ANY($1)`, ids)
	return err
}

// parseBodyRef reads a reference.
func parseBodyRef(ref mail.BodyRef) (id string, size int64, sum uint32, err error) {
	fields := strings.Split(string(ref), ":")
	if fields[0] != bodyScheme || len(fields) != 4 {
		return "", 0, 0, fmt.Errorf("read body reference %q: %w", ref, mail.ErrForeign)
	}
	length, sizeErr := strconv.ParseUint(fields[2], 10, 63)
	checksum, sumErr := strconv.ParseUint(fields[3], 16, 32)
	if err := errors.Join(sizeErr, sumErr); err != nil {
		return "", 0, 0, fmt.Errorf("%w: read body reference %q: %w", mail.ErrDamaged, ref, err)
	}
	return clean(fields[1]), int64(length), uint32(checksum), nil
}

// Open reads a body, a large one into a temporary file. It fails with mail.ErrDamaged where
// the body is not the one that was stored.
func (b *Bodies) Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error) {
	id, size, sum, err := parseBodyRef(ref)
	if err != nil {
		return nil, err
	}
	into, err := newBody(size)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	digest := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if err := b.read(ctx, id, size, into, digest); err != nil {
		return nil, errors.Join(fmt.Errorf("read body %s: %w", ref, err), into.Close())
	}
	if digest.Sum32() != sum {
		return nil, errors.Join(fmt.Errorf("read body %s: %w: its checksum is %08x", ref, mail.ErrDamaged, digest.Sum32()), into.Close())
	}
	return into, nil
}

// read copies the parts of a body, which are to be of so many octets together.
func (b *Bodies) read(ctx context.Context, id string, size int64, into *body, digest hash.Hash) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := b.db.read.Query(ctx, `SELECT data FROM bodies WHERE id = $1 ORDER BY part`, id)
	if err != nil {
		return explain(err)
	}
	parts, n := 0, int64(0)
	var data pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&data}, func() error {
		parts++
		if n += int64(len(data)); n > size {
			return fmt.Errorf("%w: it is too long", mail.ErrDamaged)
		}
		_, _ = digest.Write(data)
		return into.append(data)
	})
	switch {
	case err != nil:
		return explain(err)
	case parts == 0:
		return fmt.Errorf("%w: it is missing", mail.ErrDamaged)
	case n != size:
		return fmt.Errorf("%w: %d octets of it are there", mail.ErrDamaged, n)
	}
	return nil
}

// Delete removes a body. One that is gone already is no error.
func (b *Bodies) Delete(ctx context.Context, ref mail.BodyRef) error {
	id, _, _, err := parseBodyRef(ref)
	if err != nil {
		return err
	}
	return b.remove(ctx, []string{id})
}

// Sweep removes bodies, older than the age of [NewBodies], that no message refers to, and
// returns how many. Live gives the references of messages' rows. With an error of it
// nothing more is removed.
func (b *Bodies) Sweep(ctx context.Context, live func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error)) (int, error) {
	removed, after := 0, ""
	for {
		found, err := b.found(ctx, after)
		if err != nil {
			return removed, fmt.Errorf("sweep bodies: %w", err)
		}
		if len(found) == 0 {
			return removed, nil
		}
		after = string(found[len(found)-1].id)
		var ids []mail.MessageID
		for _, f := range found {
			if f.old {
				ids = append(ids, f.id)
			}
		}
		n, err := b.sweep(ctx, ids, live)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("sweep bodies: %w", err)
		}
	}
}

// foundBody is a body that a sweep has come by.
type foundBody struct {
	id  mail.MessageID
	old bool
}

func (b *Bodies) found(ctx context.Context, after string) ([]foundBody, error) {
	return query(ctx, b.db, func(row pgx.CollectableRow) (f foundBody, err error) {
		err = row.Scan(&f.id, &f.old)
		return f, err
	}, `SELECT id, max(stored_at) < now() - make_interval(secs => $2) FROM bodies WHERE id > $1 GROUP BY id ORDER BY id LIMIT $3`, after, b.age.Seconds(), maxSwept)
}

func (b *Bodies) sweep(ctx context.Context, ids []mail.MessageID, live func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error)) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	refs, err := live(ctx, ids)
	if err != nil {
		return 0, err
	}
	var orphans []string
	for _, id := range ids {
		if named, _, _, err := parseBodyRef(refs[id]); err != nil || named != string(id) {
			orphans = append(orphans, string(id))
		}
	}
	if len(orphans) == 0 {
		return 0, nil
	}
	return len(orphans), b.remove(ctx, orphans)
}

// body is an open body: in memory, or in a file that has no name any more.
type body struct {
	io.ReaderAt
	memory *bytes.Buffer
	file   *os.File
	size   int64
}

func newBody(size int64) (*body, error) {
	if size <= partSize {
		return &body{memory: bytes.NewBuffer(make([]byte, 0, size)), size: size}, nil
	}
	file, err := os.CreateTemp("", "postern-body-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &body{ReaderAt: file, file: file, size: size}, nil
}

func (b *body) append(data []byte) error {
	if b.file != nil {
		_, err := b.file.Write(data)
		return err
	}
	_, _ = b.memory.Write(data)
	b.ReaderAt = bytes.NewReader(b.memory.Bytes())
	return nil
}

// Size implements mail.Body.
func (b *body) Size() int64 { return b.size }

// Close implements mail.Body.
func (b *body) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
