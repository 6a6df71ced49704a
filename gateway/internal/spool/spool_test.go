package spool_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store/storetest"
)

func open(t *testing.T) (*spool.Files, string) {
	t.Helper()
	dir := t.TempDir()
	files, err := spool.OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files, dir
}

func TestFilesConform(t *testing.T) {
	t.Parallel()
	storetest.TestBodies(t, func(t *testing.T) storetest.Bodies {
		files, _ := open(t)
		return files
	})
}

// bodyFiles lists the names of all regular files below dir.
func bodyFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func put(t *testing.T, files *spool.Files, content string) (mail.MessageID, mail.BodyRef) {
	t.Helper()
	id := mail.NewMessageID(time.Now())
	ref, err := files.Put(t.Context(), id, time.Time{}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return id, ref
}

func TestPutLeavesNothingWhenTheReaderFails(t *testing.T) {
	t.Parallel()
	files, dir := open(t)
	gone := errors.New("client is gone")
	r := io.MultiReader(strings.NewReader("half a mail"), errReader{gone})
	if _, err := files.Put(t.Context(), mail.NewMessageID(time.Now()), time.Time{}, r); !errors.Is(err, gone) {
		t.Errorf("error = %v, want %v", err, gone)
	}
	if left := bodyFiles(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestPutFailsWhenTheFolderIsGone(t *testing.T) {
	t.Parallel()
	files, dir := open(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Put(t.Context(), mail.NewMessageID(time.Now()), time.Time{}, strings.NewReader("x")); err == nil {
		t.Error("a body was stored in a folder that is gone")
	}
}

func TestPutNeverOverwrites(t *testing.T) {
	t.Parallel()
	files, _ := open(t)
	id, ref := put(t, files, "first")
	if _, err := files.Put(t.Context(), id, time.Time{}, strings.NewReader("second")); err == nil {
		t.Error("a second body was stored under one id")
	}
	body, err := files.Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, _ := io.ReadAll(io.NewSectionReader(body, 0, body.Size())); string(got) != "first" {
		t.Errorf("body = %q", got)
	}
}

func TestOpenFindsDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(string) error{
		"altered":   func(name string) error { return os.WriteFile(name, []byte("an other mail"), 0o600) },
		"truncated": func(name string) error { return os.Truncate(name, 3) },
		"extended":  func(name string) error { return os.Truncate(name, 1000) },
		"missing":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, dir := open(t)
			_, ref := put(t, files, "an own mail..")
			if err := damage(bodyFiles(t, dir)[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := files.Open(t.Context(), ref); !errors.Is(err, spool.ErrDamaged) {
				t.Errorf("error = %v, want ErrDamaged", err)
			}
		})
	}
}

func TestReferencesStayInside(t *testing.T) {
	t.Parallel()
	files, _ := open(t)
	for _, ref := range []mail.BodyRef{
		"", "file", "file:../../etc/passwd:1:00000000", "file:/etc/passwd:1:00000000", "s3:x:1:00000000",
		"file:x:-:00000000", "file:x:1:zz", "file:x:1:00000000:more",
	} {
		if _, err := files.Open(t.Context(), ref); err == nil {
			t.Errorf("Open(%q) succeeded", ref)
		}
		if err := files.Delete(t.Context(), ref); err == nil {
			t.Errorf("Delete(%q) succeeded", ref)
		}
	}
}

func TestSweepRemovesOrphansOfEarlierProcesses(t *testing.T) {
	t.Parallel()
	earlier, dir := open(t)
	kept, keptRef := put(t, earlier, "kept")
	_, orphanRef := put(t, earlier, "orphan")
	foreign := filepath.Join(filepath.Dir(bodyFiles(t, dir)[0]), "notes.txt")
	if err := os.WriteFile(foreign, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := spool.OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	_, receivingRef := put(t, files, "its row is not committed yet")

	broken := errors.New("store is closed")
	_, err = files.Sweep(t.Context(), func(context.Context, mail.MessageID) (bool, error) { return false, broken })
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
	if n := len(bodyFiles(t, dir)); n != 4 {
		t.Errorf("%d files are left although nobody could say what is live, want 4", n)
	}
	live := func(_ context.Context, id mail.MessageID) (bool, error) { return id == kept, nil }
	if n, err := files.Sweep(t.Context(), live); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	for ref, want := range map[mail.BodyRef]bool{keptRef: true, orphanRef: false, receivingRef: true} {
		body, err := files.Open(t.Context(), ref)
		if (err == nil) != want {
			t.Errorf("Open(%s) after the sweep: %v", ref, err)
		}
		if err == nil {
			_ = body.Close()
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error("a foreign file was removed")
	}
}
