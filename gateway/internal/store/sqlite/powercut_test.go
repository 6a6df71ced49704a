package sqlite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/powercut"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

const (
	writerFolder = "TEST_WRITER_FOLDER"
	writerSync   = "TEST_WRITER_SYNCHRONOUS"

	producers   = 32
	mailsOfEach = 14 // each time
	maxMail     = 8 << 10
	largeMail   = 300 << 10
	document    = 10 << 10 // long enough for the log to be emptied a few times
)

// TestMain makes the test binary the program whose power is cut, where it is called as such.
func TestMain(m *testing.M) {
	if folder := os.Getenv(writerFolder); folder != "" {
		if err := write(context.Background(), folder, os.Getenv(writerSync)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bodies is what the writer and the check need of a body store.
type bodies interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
	Sweep(ctx context.Context, live spool.Live) (int, error)
	Close() error
}

// openStores opens what keeps mails in a folder, as the gateway does.
func openStores(ctx context.Context, folder, synchronous string) (*sqlite.DB, bodies, error) {
	db, err := sqlite.OpenSync(ctx, filepath.Join(folder, "postern.db"), synchronous)
	if err != nil {
		return nil, nil, err
	}
	kept, err := spool.OpenLocal(folder)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, kept, nil
}

// endpoint gets all mail of the writer.
func endpoint() store.Endpoint { return store.Endpoint{Tenant: "acme", Name: "desk"} }

// write is the program whose power is cut: many who store mails, one who delivers some of
// them and one who forgets what is over. It says on its standard output what is safe, once
// it is. It closes the stores halfway and opens them again, since the log is removed then.
func write(ctx context.Context, folder, synchronous string) error {
	for range 2 {
		db, kept, err := openStores(ctx, folder, synchronous)
		if err != nil {
			return err
		}
		w := writer{db: db, bodies: kept, out: os.Stdout}
		var producing, others sync.WaitGroup
		for range producers {
			producing.Go(func() {
				for n := range mailsOfEach {
					w.note(w.store(ctx, n))
				}
			})
		}
		producing.Go(func() { w.note(w.fetchAll(ctx)) })
		producing.Go(func() { w.note(w.tellAll(ctx)) })
		others.Go(func() { w.repeat(func() (bool, error) { return w.deliver(ctx) }) })
		others.Go(func() { w.repeat(func() (bool, error) { return false, w.forget(ctx) }) })
		producing.Wait()
		w.over.Store(true)
		others.Wait()
		if err := errors.Join(w.err, db.Close(), kept.Close()); err != nil {
			return err
		}
	}
	return nil
}

type writer struct {
	db     *sqlite.DB
	bodies bodies
	out    io.Writer // gets each line by one write
	over   atomic.Bool

	mu  sync.Mutex
	err error
}

func (w *writer) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
}

// repeat acts until all mails are stored and there is nothing more to do.
func (w *writer) repeat(act func() (more bool, err error)) {
	for {
		over := w.over.Load()
		more, err := act()
		w.note(err)
		if err != nil || over && !more {
			return
		}
		if !more {
			time.Sleep(time.Millisecond)
		}
	}
}

// store stores one mail.
func (w *writer) store(ctx context.Context, n int) error { return w.storeFetched(ctx, n, nil) }

// storeFetched stores one mail, which may come from an account.
func (w *writer) storeFetched(ctx context.Context, n int, from *store.Fetched) error {
	now := time.Now()
	id := mail.NewMessageID(now)
	content := make([]byte, 1+rand.IntN(maxMail))
	if n == mailsOfEach/2 {
		content = make([]byte, largeMail)
	}
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	lives, kind := time.Hour, "kept"
	if n%8 == 7 {
		lives, kind = 20*time.Millisecond, "short"
	}
	sum := sha256.Sum256(content)
	m := store.NewMessage{
		ID: id, ReceivedAt: now, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Fetched: from,
		Deliveries: []store.NewDelivery{{Endpoint: endpoint(), DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(lives)}}},
	}
	var err error
	if m.Body, err = w.bodies.Put(ctx, id, now.Add(lives), bytes.NewReader(content)); err != nil {
		return err
	}
	if err := w.db.Enqueue(ctx, []store.NewMessage{m}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.out, "stored %s %s %s\n", id, m.SHA256, kind)
	return err
}

// deliver claims deliveries and finishes most of them. It reports whether there were any.
func (w *writer) deliver(ctx context.Context) (some bool, err error) {
	now := time.Now()
	jobs, err := w.db.Claim(ctx, store.Claim{Owner: "writer", Now: now, Until: now.Add(time.Minute), Quotas: []store.Quota{{Endpoint: endpoint(), Max: 20}}})
	if err != nil || len(jobs) == 0 {
		return false, err
	}
	var results []store.Result
	for i, j := range jobs {
		r := store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: &mail.Attempt{Number: j.Attempts + 1, At: now, Code: 200}, Document: make([]byte, document)}
		if i%4 == 3 {
			r.State, r.Due = mail.Retrying, now.Add(time.Hour)
		}
		results = append(results, r)
	}
	recorded, err := w.db.Finish(ctx, results)
	if err != nil {
		return false, err
	}
	for i, ok := range recorded {
		if ok && results[i].State == mail.Delivered {
			_, writeErr := fmt.Fprintf(w.out, "delivered %s\n", jobs[i].ID)
			err = errors.Join(err, writeErr)
		}
	}
	return true, err
}

// forget deletes the bodies of mails whose retention is over.
func (w *writer) forget(ctx context.Context) error {
	expired, err := w.db.Expire(ctx, time.Now(), 20)
	for _, ref := range expired.Bodies {
		err = errors.Join(err, w.bodies.Delete(ctx, ref))
	}
	return err
}

// promises are what the writer has said is safe.
type promises struct {
	sums      map[mail.MessageID]string
	short     map[mail.MessageID]bool // they may have been forgotten
	delivered map[mail.DeliveryID]bool
	fetched   uint32 // the last UID
	told      int64  // the last version of the episode
}

func newPromises() promises {
	return promises{sums: make(map[mail.MessageID]string), short: make(map[mail.MessageID]bool), delivered: make(map[mail.DeliveryID]bool)}
}

// with returns what had been promised before and what has been said since.
func (p promises) with(said [][]byte) promises {
	p.sums, p.short, p.delivered = maps.Clone(p.sums), maps.Clone(p.short), maps.Clone(p.delivered)
	for _, s := range said {
		for line := range strings.Lines(string(s)) {
			f := strings.Fields(line)
			switch {
			case len(f) == 4 && f[0] == "stored":
				p.sums[mail.MessageID(f[1])] = f[2]
				p.short[mail.MessageID(f[1])] = f[3] == "short"
			case len(f) == 2 && f[0] == "delivered":
				p.delivered[mail.DeliveryID(f[1])] = true
			default:
				p.addSources(f)
			}
		}
	}
	return p
}

// record runs the writer on a folder and records what it does.
func record(t *testing.T, folder, synchronous string) *powercut.Recording {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerFolder+"="+folder, writerSync+"="+synchronous)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &stderr
	tracing := powercut.Trace(t, cmd, folder, "-shm")
	if err := cmd.Run(); err != nil {
		t.Fatalf("the writer: %v\n%s", err, &stderr)
	}
	recording, err := tracing.Recording()
	if err != nil {
		t.Fatal(err)
	}
	return recording
}

// promising are the moments right after something was promised.
func promising(r *powercut.Recording) []int {
	return r.Said(func(b []byte) bool { return bytes.HasPrefix(b, []byte("stored ")) })
}

// points chooses moments at which the power is cut: half of them any, half right after
// something was promised.
func points(rng *rand.Rand, r *powercut.Recording, n int) []int {
	promised := promising(r)
	var list []int
	for i := range n {
		if i%2 == 0 {
			list = append(list, rng.IntN(r.Events()+1))
		} else {
			list = append(list, promised[rng.IntN(len(promised))])
		}
	}
	slices.Sort(list)
	return list
}

// check opens what a power cut has left and says what is wrong with it.
func check(ctx context.Context, folder string, p promises) (wrong []string) {
	db, kept, err := openStores(ctx, folder, "FULL")
	if err != nil {
		return []string{err.Error()}
	}
	defer func() {
		if err := errors.Join(db.Close(), kept.Close()); err != nil {
			wrong = append(wrong, err.Error())
		}
	}()
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for pragma, want := range map[string]string{"integrity_check": "ok", "journal_mode": "wal"} {
		if got, err := db.Pragma(ctx, pragma); got != want || err != nil {
			fault("%s = %s, %v", pragma, got, err)
		}
	}
	if _, err := kept.Sweep(ctx, db.LiveBodies); err != nil {
		fault("sweep: %v", err)
	}
	found := make(map[mail.MessageID]bool)
	for filter := (store.Filter{Limit: 500}); ; {
		list, err := db.List(ctx, filter)
		if err != nil {
			fault("%v", err)
		}
		for _, d := range list {
			id, _ := d.ID.Split()
			found[id] = true
			if err := checkMessage(ctx, db, kept, id, p); err != nil {
				fault("%s: %v", id, err)
			}
		}
		if len(list) < filter.Limit {
			break
		}
		filter.Before = list[len(list)-1].Seq
	}
	for id := range p.sums {
		if !found[id] {
			fault("%s is lost", id)
		}
	}
	if err := checkSources(ctx, db, p); err != nil {
		fault("%v", err)
	}
	// It goes on.
	w := writer{db: db, bodies: kept, out: io.Discard}
	err = w.store(ctx, 0)
	delivered, deliverErr := w.deliver(ctx)
	if err := errors.Join(err, deliverErr, w.forget(ctx)); err != nil || !delivered {
		fault("go on: delivered %v, %v", delivered, err)
	}
	return wrong
}

// checkMessage checks a message that has a row, promised or not.
func checkMessage(ctx context.Context, db *sqlite.DB, kept bodies, id mail.MessageID, p promises) error {
	m, err := db.Get(ctx, id)
	if err != nil {
		return err
	}
	d := m.Deliveries[0]
	sum, promised := p.sums[id]
	switch {
	case promised && m.SHA256 != sum:
		return fmt.Errorf("its checksum is %s, want %s", m.SHA256, sum)
	case p.delivered[d.ID] && d.State != mail.Delivered:
		return fmt.Errorf("its delivery is %s, and was delivered", d.State)
	case d.InFlight || d.State.Final() == !d.Due.IsZero():
		return fmt.Errorf("its delivery is %s, due %s, in flight %v", d.State, d.Due, d.InFlight)
	case m.Body == "" && promised && !p.short[id]:
		return errors.New("its body is forgotten")
	case m.Body == "":
		return nil
	}
	body, err := kept.Open(ctx, m.Body)
	if err != nil {
		return err
	}
	defer body.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(digest.Sum(nil)); n != m.Size || got != m.SHA256 {
		return fmt.Errorf("its body has %d octets, checksum %s; want %d, %s", n, got, m.Size, m.SHA256)
	}
	return nil
}

// cutter cuts the power of stores.
type cutter struct {
	seed   uint64
	rng    *rand.Rand
	cuts   int
	mails  int // promised ones that were looked for
	faults []string
}

func newCutter() *cutter {
	seed := rand.Uint64()
	return &cutter{seed: seed, rng: rand.New(rand.NewPCG(seed, seed))}
}

// cut cuts the power at a moment, checks what is left, and returns what had been promised.
func (c *cutter) cut(t *testing.T, disk *powercut.Disk, moment int, before promises) promises {
	t.Helper()
	if err := disk.Play(moment); err != nil {
		t.Fatal(err)
	}
	promised := before.with(disk.Said())
	left := filepath.Join(t.TempDir(), "left")
	if err := disk.Cut(c.rng, left); err != nil {
		t.Fatal(err)
	}
	for _, fault := range check(t.Context(), left, promised) {
		c.faults = append(c.faults, fmt.Sprintf("seed %d, cut %d, at event %d, %d mails promised: %s", c.seed, c.cuts, moment, len(promised.sums), fault))
	}
	if err := os.RemoveAll(left); err != nil {
		t.Fatal(err)
	}
	c.cuts++
	c.mails += len(promised.sums)
	return promised
}

func (c *cutter) report(t *testing.T) {
	t.Helper()
	t.Logf("%d power cuts: looked for %d mails that were promised, %d faults", c.cuts, c.mails, len(c.faults))
}

// TestPowerCut cuts the power of a loaded store at many moments. All that was promised is
// there afterwards, with the right octets, nothing that is there is broken, and the store
// goes on. What one cut has left is where the next writer begins, so that recovery is cut
// too.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const generations, moments = 2, 10
	c := newCutter()
	for left := powercut.Points(t, generations*moments); left > 0; left -= generations * moments {
		folder, promised := t.TempDir(), newPromises()
		for range generations {
			recording := record(t, folder, "FULL")
			if n := recording.Writes("postern.db"); n < 500 {
				t.Errorf("only %d pages were brought home from the log: it has to be emptied while its power is cut", n)
			}
			disk, before := recording.Disk(), promised
			goesOn := c.rng.IntN(moments)
			for i, moment := range points(c.rng, recording, moments) {
				after := c.cut(t, disk, moment, before)
				if i != goesOn {
					continue
				}
				promised, folder = after, filepath.Join(t.TempDir(), "next")
				if err := disk.Cut(c.rng, folder); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	c.report(t)
	for _, fault := range c.faults {
		t.Error(fault)
	}
}

// TestPowerCutBites holds that the test above notices when something is not synced: of ten
// cuts at least one loses a mail.
func TestPowerCutBites(t *testing.T) {
	t.Parallel()
	bites := func(t *testing.T, recording *powercut.Recording, deaf func(string, bool) bool) {
		c := newCutter()
		disk := recording.Disk()
		disk.Deaf = deaf
		// Late, when the log has been emptied more than once.
		late := promising(recording)
		late = late[len(late)*3/4:]
		for i := range 10 {
			moment := late[i*len(late)/10]
			if c.cut(t, disk, moment, newPromises()); len(c.faults) > 0 {
				c.report(t)
				t.Logf("such as: %s", c.faults[0])
				return
			}
		}
		t.Fatal("ten power cuts have lost nothing")
	}
	t.Run("synchronous=NORMAL", func(t *testing.T) {
		t.Parallel()
		bites(t, record(t, t.TempDir(), "NORMAL"), nil)
	})
	safe := record(t, t.TempDir(), "FULL")
	body := func(name string) bool {
		return strings.Contains(name, "/bodies") || strings.Contains(name, "/segments")
	}
	for what, deaf := range map[string]func(name string, folder bool) bool{
		"bodies":   func(name string, folder bool) bool { return body(name) && !folder },
		"folders":  func(name string, folder bool) bool { return body(name) && folder },
		"log":      func(name string, _ bool) bool { return strings.HasSuffix(name, "-wal") },
		"database": func(name string, _ bool) bool { return strings.HasSuffix(name, ".db") },
	} {
		t.Run("unsynced "+what, func(t *testing.T) {
			t.Parallel()
			bites(t, safe, deaf)
		})
	}
}
