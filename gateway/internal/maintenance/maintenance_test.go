package maintenance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// data is the data of a gateway.
type data struct {
	dir    string
	db     *sqlite.DB
	bodies *spool.Local
	in     maintenance.Putter // where bodies go
}

func open(t *testing.T, dir string) *data {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, maintenance.DatabaseName))
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := spool.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.Close(), bodies.Close() })
	return &data{dir, db, bodies, bodies}
}

func text(n int) string {
	return fmt.Sprintf("Subject: mail %d\r\n\r\n%s", n, strings.Repeat("x", n*1000))
}

// fill stores mails from number first to last, small ones and one that is large.
func (d *data) fill(t *testing.T, first, last int) {
	t.Helper()
	now := time.Now()
	for n := first; n <= last; n++ {
		body := text(n)
		id := mail.NewMessageID(now)
		ref, err := d.in.Put(t.Context(), id, now.Add(time.Hour), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		m := store.NewMessage{
			ID: id, ReceivedAt: now, Size: int64(len(body)), SHA256: "x", Body: ref,
			Deliveries: []store.NewDelivery{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(time.Hour)}}},
		}
		if err := d.db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
			t.Fatal(err)
		}
	}
}

// contents reads every body by the subject that it has.
func (d *data) contents(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, r := range d.records(t) {
		body, err := d.bodies.Open(t.Context(), r.Body)
		if err != nil {
			t.Fatal(err)
		}
		octets, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
		if err := errors.Join(err, body.Close()); err != nil {
			t.Fatal(err)
		}
		list = append(list, string(octets))
	}
	return list
}

func (d *data) records(t *testing.T) []store.Record {
	t.Helper()
	list, err := d.db.Export(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (d *data) verify(t *testing.T) maintenance.Report {
	t.Helper()
	pages := 0
	r, err := maintenance.Verify(t.Context(), d.db, d.bodies, func(maintenance.Report) { pages++ })
	if err != nil || pages == 0 && r.Messages > 0 {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
	return r
}

// event stores an event, which has no body.
func (d *data) event(t *testing.T) mail.MessageID {
	t.Helper()
	now := time.Now()
	to := store.Endpoint{Tenant: "acme", Name: "hooks"}
	m := store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: "connectError"}, to, "refused", []byte(`{"root":{}}`), store.Retention{ExpiresAt: now.Add(time.Hour)})
	if err := d.db.Tell(t.Context(), store.Episode{Kind: "connection", OpenedAt: now}, []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// TestEvents verifies and copies events and what is known of accounts. A document that is lost is found.
func TestEvents(t *testing.T) {
	t.Parallel()
	from, to := open(t, filepath.Join(t.TempDir(), "data")), open(t, filepath.Join(t.TempDir(), "data"))
	from.event(t)
	folder := store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: 7, NextUID: 1}
	if err := from.db.PutMailbox(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	const mails = 450 // more than two pages
	for uid := range uint32(mails) {
		if err := from.db.Pass(t.Context(), store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: 7, UID: 1 + uid}); err != nil {
			t.Fatal(err)
		}
	}
	if r := from.verify(t); r.Messages != 1 || r.Bodies != 0 || r.Wrong != 0 {
		t.Errorf("report = %+v", r)
	}
	o := maintenance.CopyOptions{Progress: func(maintenance.Copied) {}}
	if done, err := maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, o); err != nil || done.Messages != 1 || done.Bodies != 0 {
		t.Errorf("Copy = %+v, %v", done, err)
	}
	if _, err := maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, o); !errors.Is(err, maintenance.ErrNotEmpty) {
		t.Errorf("Copy to where there is an event: %v", err)
	}
	for range 2 {
		if err := maintenance.CopySources(t.Context(), from.db, to.db); err != nil {
			t.Fatal(err)
		}
	}
	want, err := from.db.ExportSources(t.Context(), store.Fetched{}, 2*mails)
	if err != nil || len(want.Fetched) != mails || len(want.Episodes) != 1 {
		t.Fatalf("%d mails, %d episodes, %v", len(want.Fetched), len(want.Episodes), err)
	}
	got, err := to.db.ExportSources(t.Context(), store.Fetched{}, 2*mails)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if r := to.verify(t); r.Messages != 1 || r.Wrong != 0 {
		t.Errorf("report = %+v", r)
	}
	broken := from.records(t)[0]
	broken.Rest[0].Document = nil
	if r, err := maintenance.Verify(t.Context(), recorded{broken}, from.bodies, func(maintenance.Report) {}); err != nil || r.Wrong != 1 {
		t.Errorf("report = %+v, %v, want the document that is lost", r, err)
	}
}

// recorded is a store with these messages.
type recorded []store.Record

func (recorded) Check(context.Context) ([]string, error) { return nil, nil }

func (r recorded) Export(_ context.Context, after int64, _ int) ([]store.Record, error) {
	if after > 0 {
		return nil, nil
	}
	return r, nil
}

func TestCopy(t *testing.T) {
	t.Parallel()
	from, to := open(t, filepath.Join(t.TempDir(), "data")), open(t, filepath.Join(t.TempDir(), "data"))
	from.fill(t, 1, 3)
	if err := from.db.Pause(t.Context(), store.Endpoint{Tenant: "acme"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	run := func(resume bool) (maintenance.Copied, error) {
		return maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, maintenance.CopyOptions{Resume: resume, Progress: func(maintenance.Copied) {}})
	}
	done, err := run(false)
	if err != nil || done.Messages != 3 || done.Bodies != 3 {
		t.Fatalf("Copy = %+v, %v", done, err)
	}
	from.fill(t, 4, 4)
	if _, err := run(false); !errors.Is(err, maintenance.ErrNotEmpty) {
		t.Errorf("Copy to what is not empty: %v", err)
	}
	if done, err := run(true); err != nil || done.Messages != 1 || done.Present != 3 {
		t.Errorf("Copy of the rest = %+v, %v", done, err)
	}
	if err := maintenance.CopyPauses(t.Context(), from.db, to.db); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(from.contents(t), to.contents(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(from.records(t), to.records(t), cmpopts.IgnoreFields(store.Message{}, "Body", "Envelope"), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if lanes, err := to.db.Lanes(t.Context()); err != nil || len(lanes) != 2 || !lanes[1].TenantPaused {
		t.Errorf("Lanes = %+v, %v", lanes, err)
	}
	if r := to.verify(t); r.Messages != 4 || r.Wrong != 0 {
		t.Errorf("report = %+v", r)
	}
}

// TestCopyRefusesOtherMail resumes no copy into a store that has mail of its own, or of another
// store, and puts nothing there.
func TestCopyRefusesOtherMail(t *testing.T) {
	t.Parallel()
	from, other := open(t, filepath.Join(t.TempDir(), "data")), open(t, filepath.Join(t.TempDir(), "data"))
	from.fill(t, 1, 2)
	other.fill(t, 3, 3)
	o := maintenance.CopyOptions{Resume: true, Progress: func(maintenance.Copied) {}}
	for name, to := range map[string]*data{"its own": open(t, filepath.Join(t.TempDir(), "data")), "another's": open(t, filepath.Join(t.TempDir(), "data"))} {
		if name == "its own" {
			to.fill(t, 4, 4)
		} else if _, err := maintenance.Copy(t.Context(), other.db, other.bodies, to.db, to.bodies, o); err != nil {
			t.Fatal(err)
		}
		done, err := maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, o)
		if !errors.Is(err, store.ErrOther) || done.Bodies != 0 {
			t.Errorf("%s: Copy = %+v, %v; want ErrOther", name, done, err)
		}
		if n := len(to.records(t)); n != 1 {
			t.Errorf("%s: %d messages are there", name, n)
		}
	}
}

// interrupted is a store that an interrupted copy comes to only with bodies.
type interrupted struct{ *sqlite.DB }

func (interrupted) Import(context.Context, []store.Record) error { return errors.New("interrupted") }

// TestCopyGoesOn has a copy go on that was interrupted with bodies copied, small and large,
// whose messages were not.
func TestCopyGoesOn(t *testing.T) {
	t.Parallel()
	from, to := open(t, filepath.Join(t.TempDir(), "data")), open(t, filepath.Join(t.TempDir(), "data"))
	from.fill(t, 1, 1)
	from.fill(t, 300, 300)
	o := maintenance.CopyOptions{Resume: true, Progress: func(maintenance.Copied) {}}
	for range 2 {
		if _, err := maintenance.Copy(t.Context(), from.db, from.bodies, interrupted{to.db}, to.bodies, o); err == nil {
			t.Fatal("it was not interrupted")
		}
		if err := errors.Join(to.db.Close(), to.bodies.Close()); err != nil {
			t.Fatal(err)
		}
		to = open(t, to.dir)
	}
	if done, err := maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, o); err != nil || done.Messages != 2 {
		t.Errorf("Copy = %+v, %v", done, err)
	}
	if diff := cmp.Diff(from.contents(t), to.contents(t)); diff != "" {
		t.Error(diff)
	}
}

// look verifies a backup.
func look(ctx context.Context, dir string) (r maintenance.Report, err error) {
	db, err := sqlite.OpenToRead(ctx, filepath.Join(dir, maintenance.DatabaseName))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bodies, err := spool.OpenLocal(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, bodies.Close()) }()
	return maintenance.Verify(ctx, db, bodies, func(maintenance.Report) {})
}

// TestBackupOfDamaged backs up what is left where bodies are damaged, and says which.
func TestBackupOfDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, filepath.Join(dir, "data"))
	d.fill(t, 1, 2)
	d.fill(t, 300, 300) // a file of its own
	records := d.records(t)
	if err := d.bodies.Delete(t.Context(), records[1].Body); err != nil {
		t.Fatal(err)
	}
	name := strings.Split(string(records[2].Body), ":")[1]
	if err := os.WriteFile(filepath.Join(d.dir, "bodies", name), []byte("altered"), 0o600); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(dir, "backup")
	r, err := maintenance.Backup(t.Context(), d.db, d.bodies, look, backup, "test")
	if err != nil || r.Messages != 3 || r.Wrong != 2 || r.Findings[0].ID != records[1].ID || r.Findings[1].ID != records[2].ID {
		t.Fatalf("Backup = %+v, %v", r, err)
	}
	if diff := cmp.Diff(r, d.verify(t)); diff != "" {
		t.Errorf("the backup is not what the data is: %s", diff)
	}
	restored := filepath.Join(dir, "restored")
	m, err := maintenance.Restore(backup, restored)
	if err != nil || m.Verified == nil || m.Verified.Wrong != 2 {
		t.Fatalf("Restore = %+v, %v", m, err)
	}
	again := open(t, restored)
	if diff := cmp.Diff(r, again.verify(t)); diff != "" {
		t.Errorf("what was restored is not what was backed up: %s", diff)
	}
	if octets, err := os.ReadFile(filepath.Join(restored, "bodies", name)); err != nil || string(octets) != "altered" {
		t.Errorf("what is damaged became %q, %v", octets, err)
	}

	// Where the copy cannot be looked at there is no backup.
	away := errors.New("away")
	_, err = maintenance.Backup(t.Context(), d.db, d.bodies, func(context.Context, string) (maintenance.Report, error) { return maintenance.Report{}, away }, filepath.Join(dir, "x"), "test")
	if !errors.Is(err, away) {
		t.Errorf("Backup that cannot be looked at: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// TestBackupInside refuses to copy a folder into itself, which would have no end.
func TestBackupInside(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "data"))
	d.fill(t, 1, 1)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(d.dir, "segments"), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(d.dir, "bodies", "backup"), filepath.Join(link, "backup")} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := maintenance.Backup(ctx, d.db, d.bodies, look, dir, "test")
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "into itself") {
			t.Errorf("backup to %s: %v", dir, err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
	if _, err := maintenance.Backup(t.Context(), d.db, d.bodies, look, filepath.Join(d.dir, "backup"), "test"); err != nil {
		t.Error(err)
	}
}

// TestCopyStopsAtLostBody leaves nothing out: it says what is wrong and goes no further.
func TestCopyStopsAtLostBody(t *testing.T) {
	t.Parallel()
	from, to := open(t, filepath.Join(t.TempDir(), "data")), open(t, filepath.Join(t.TempDir(), "data"))
	from.fill(t, 1, 3)
	lost := from.records(t)[1]
	if err := from.bodies.Delete(t.Context(), lost.Body); err != nil {
		t.Fatal(err)
	}
	_, err := maintenance.Copy(t.Context(), from.db, from.bodies, to.db, to.bodies, maintenance.CopyOptions{Progress: func(maintenance.Copied) {}})
	if !errors.Is(err, spool.ErrDamaged) || !strings.Contains(err.Error(), string(lost.ID)) {
		t.Errorf("error = %v, want one that names the message", err)
	}
	if n := len(to.records(t)); n != 0 {
		t.Errorf("%d messages of a page that could not be copied", n)
	}
}

// TestBackupAndRestore backs up while mail comes in and goes.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, filepath.Join(dir, "data"))
	d.fill(t, 1, 5)
	gone := d.records(t)[0]
	backup := filepath.Join(dir, "backup")
	// What is deleted while the files are copied is still in the copy of the rows.
	racing := racingDatabase{d, func() {
		if err := d.bodies.Delete(t.Context(), gone.Body); err != nil {
			t.Error(err)
		}
		d.fill(t, 6, 6)
	}}
	if _, err := maintenance.Backup(t.Context(), racing, d.bodies, look, backup, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.bodies.Open(t.Context(), gone.Body); !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("what was deleted during the backup is still there: %v", err)
	}
	if _, err := maintenance.Backup(t.Context(), d.db, d.bodies, look, backup, "test"); err == nil {
		t.Error("a backup was written over")
	}
	restored := filepath.Join(dir, "a", "restored")
	if _, err := maintenance.Restore(backup, restored); err != nil {
		t.Fatal(err)
	}
	if _, err := maintenance.Restore(backup, restored); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("Restore over a data folder: %v", err)
	}
	r := open(t, restored)
	if report := r.verify(t); report.Messages != 5 || report.Wrong != 0 {
		t.Errorf("report = %+v", report)
	}
	if got := r.contents(t); len(got) != 5 || got[0] != text(1) || got[4] != text(5) {
		t.Errorf("%d bodies were restored", len(got))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "a", ".*")); len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

// racingDatabase has something happen once the rows are copied.
type racingDatabase struct {
	*data
	then func()
}

func (r racingDatabase) BackupTo(ctx context.Context, file string) error {
	err := r.db.BackupTo(ctx, file)
	r.then()
	return err
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, filepath.Join(dir, "data"))
	d.fill(t, 1, 1)
	if _, err := maintenance.Restore(d.dir, filepath.Join(dir, "x")); err == nil || !strings.Contains(err.Error(), maintenance.ManifestName) {
		t.Errorf("Restore of what is no backup: %v", err)
	}
	backup := filepath.Join(dir, "backup")
	if _, err := maintenance.Backup(t.Context(), d.db, d.bodies, look, backup, "test"); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(backup, maintenance.ManifestName)
	for content, want := range map[string]string{`{"format":2,"program":"9.0"}`: "9.0", `{`: manifest} {
		if err := os.WriteFile(manifest, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := maintenance.Restore(backup, filepath.Join(dir, "x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Restore of a manifest %s: %v", content, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a restore that was refused left something: %v", err)
	}
}
