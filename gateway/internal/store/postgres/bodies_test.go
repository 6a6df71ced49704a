package postgres_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
)

var _ spool.Store = (*postgres.Bodies)(nil)

// places are databases of the suite: one for each of its tests, of which a place is the
// folder. It is emptied for the next place.
type places struct {
	mu      sync.Mutex
	dsns    map[string]string
	current map[string]string
}

func newPlaces() *places {
	return &places{dsns: make(map[string]string), current: make(map[string]string)}
}

func (p *places) dsn(t testing.TB, place string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	test := filepath.Dir(place)
	switch {
	case p.dsns[test] == "":
		p.dsns[test] = server.Database(t)
	case p.current[test] != place:
		exec(t, p.dsns[test], `DELETE FROM bodies`)
	}
	p.current[test] = place
	return p.dsns[test]
}

const partSize = 256 << 10

func (p *places) suite() spooltest.Suite {
	return spooltest.Suite{
		Open: func(t *testing.T, place string) (spool.Store, func() error) {
			db := open(t, p.dsn(t, place))
			return postgres.NewBodies(db, postgres.DefaultSweepAge), db.Close
		},
		Age: func(t *testing.T, place string) {
			exec(t, p.dsn(t, place), `UPDATE bodies SET stored_at = stored_at - interval '3 days'`)
		},
		Alter: func(t *testing.T, place string, ref mail.BodyRef, change func([]byte) []byte) {
			alter(t, p.dsn(t, place), strings.Split(string(ref), ":")[1], change)
		},
	}
}

// alter changes a body behind the store's back.
func alter(t *testing.T, dsn, id string, change func([]byte) []byte) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `DELETE FROM bodies WHERE id = $1 RETURNING part, data`, id)
	if err != nil {
		t.Fatal(err)
	}
	parts := make(map[int][]byte)
	var part int
	var data []byte
	if _, err := pgx.ForEachRow(rows, []any{&part, &data}, func() error { parts[part] = data; data = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for i := range len(parts) {
		all = append(all, parts[i]...)
	}
	for part, changed := 0, change(all); changed != nil; part++ {
		n := min(partSize, len(changed))
		exec(t, dsn, `INSERT INTO bodies (id, part, data) VALUES ($1, $2, $3)`, id, part, changed[:n])
		if changed = changed[n:]; len(changed) == 0 {
			return
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	newPlaces().suite().Test(t)
}

func TestBodiesFailures(t *testing.T) {
	t.Parallel()
	p := newPlaces()
	p.suite().TestFailures(t, []int{1, 2}, func(place string, faults *spooltest.Faults) (spool.Store, func() error, error) {
		db := open(t, p.dsn(t, place))
		db.Through(faults.Call)
		return postgres.NewBodies(db, postgres.DefaultSweepAge), db.Close, nil
	})
}

// TestBodyWhosePartsGotLost has parts of a body vanish before the last, as in a crash of
// the server.
func TestBodyWhosePartsGotLost(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	bodies := postgres.NewBodies(open(t, dsn), postgres.DefaultSweepAge)
	r := &hooked{Reader: bytes.NewReader(make([]byte, 3*partSize)), at: 2*partSize + 1, f: func() { exec(t, dsn, `DELETE FROM bodies WHERE part = 0`) }}
	if ref, err := bodies.Put(t.Context(), message().ID, message().ReceivedAt, r); err == nil {
		t.Errorf("a body with a gap was stored: %s", ref)
	}
}

// hooked calls f when so many octets were read.
type hooked struct {
	*bytes.Reader
	at int
	f  func()
}

func (h *hooked) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b[:min(len(b), 10000)])
	if done := int(h.Size()) - h.Len(); done >= h.at && h.f != nil {
		h.f()
		h.f = nil
	}
	return n, err
}

// FuzzBodyRef holds that a reference of whoever is either read or refused.
func FuzzBodyRef(f *testing.F) {
	f.Add("pg:msg_01ARYZ6S410000000000000000:12:0000abcd")
	f.Add("pg:\x00:1:00000000")
	f.Fuzz(func(t *testing.T, ref string) {
		id, size, _, err := postgres.ParseBodyRef(mail.BodyRef(ref))
		if err == nil && (size < 0 || strings.Contains(id, "\x00") || !strings.HasPrefix(ref, "pg:")) {
			t.Errorf("ParseBodyRef(%q) = %q, %d", ref, id, size)
		}
	})
}
