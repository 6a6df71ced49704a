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
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
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

// filesSuite is the suite for Files.
func filesSuite() spooltest.Suite {
	return spooltest.Suite{
		Open: func(t *testing.T, place string) (spool.Store, func() error) {
			t.Helper()
			files, err := spool.OpenFiles(place)
			if err != nil {
				t.Fatal(err)
			}
			return files, files.Close
		},
		Alter: func(t *testing.T, place string, ref mail.BodyRef, change func([]byte) []byte) {
			t.Helper()
			name := filepath.Join(place, strings.Split(string(ref), ":")[1])
			octets, err := os.ReadFile(name)
			if err == nil {
				octets = change(octets)
			}
			if octets == nil {
				err = errors.Join(err, os.Remove(name))
			} else {
				err = errors.Join(err, os.WriteFile(name, octets, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestFilesConform(t *testing.T) {
	t.Parallel()
	filesSuite().Test(t)
}

func TestFilesFail(t *testing.T) {
	t.Parallel()
	filesSuite().TestFailures(t, []int{1, 2}, func(place string, faults *spooltest.Faults) (spool.Store, func() error, error) {
		files, err := spool.OpenFilesOn(place, failing(faults))
		if err != nil {
			return nil, nil, err
		}
		return files, files.Close, nil
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
		"extended": func(name string) error { return os.Truncate(name, 1000) },
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

func TestSweepLeavesForeignFiles(t *testing.T) {
	t.Parallel()
	earlier, dir := open(t)
	put(t, earlier, "orphan")
	foreign := filepath.Join(filepath.Dir(bodyFiles(t, dir)[0]), "notes.txt")
	if err := os.WriteFile(foreign, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := spool.OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if n, err := files.Sweep(t.Context(), nothingLive); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	if left := bodyFiles(t, dir); len(left) != 1 || left[0] != foreign {
		t.Errorf("files = %v, want the foreign one", left)
	}
}

func nothingLive(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
	return nil, nil
}

func newID() mail.MessageID { return mail.NewMessageID(time.Now()) }

func later() time.Time { return time.Now().Add(time.Hour) }

// failing is a disk whose calls fail.
func failing(faults *spooltest.Faults) spool.Faulty {
	return func(_ string, do func() error) error { return faults.Call(do) }
}
