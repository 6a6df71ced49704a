package spool

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	fileScheme = "file"
	extension  = ".eml"
	// dayLayout names the folders that bodies are put in, one for each day.
	dayLayout = "2006-01-02"
)

// Files keeps every body in a file of its own. Its methods may be called by any
// number of goroutines.
type Files struct {
	*folder
	holds holds

	mu sync.Mutex
	// durable are the days whose folder this process has made sure of.
	durable map[string]bool
	// own are the bodies that this process put, until the sweep has ended.
	own map[mail.MessageID]struct{}
}

// OpenFiles opens the spool in dir, which it makes where it is missing. One
// process at a time may have it open.
func OpenFiles(dir string) (*Files, error) { return openFiles(dir, kernel{}) }

func openFiles(dir string, d disk) (*Files, error) {
	folder, err := openFolder(dir, d)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return &Files{folder: folder, durable: make(map[string]bool), own: make(map[mail.MessageID]struct{})}, nil
}

// Close gives the folder back. Bodies that are open stay readable.
func (f *Files) Close() error { return f.root.Close() }

// Put stores what r gives and returns once it is durable. Where r or the disk
// fails nothing is left behind; an error of r is in the error's chain. The body is
// kept until Delete; expires says when that is to be expected. Where an earlier process has
// left one of the same message, as a copy that was interrupted does, that is for Sweep to remove.
func (f *Files) Put(ctx context.Context, id mail.MessageID, _ time.Time, r io.Reader) (mail.BodyRef, error) {
	name, file, err := f.newFile(id)
	if err != nil {
		return "", f.explain(err)
	}
	size, sum, err := f.fill(ctx, file, r)
	if closeErr := f.disk.call("close", file.Close); err == nil && closeErr != nil {
		err = fmt.Errorf("close body: %w", closeErr)
	}
	if err == nil {
		err = f.syncDir(path.Dir(name))
	}
	if err != nil {
		return "", f.explain(errors.Join(err, f.remove(name)))
	}
	return makeRef(name, size, sum), nil
}

// maxLeft is how many bodies of one message and day earlier processes may have left.
const maxLeft = 100

// newFile makes the day's folder, and the file of the body in it.
func (f *Files) newFile(id mail.MessageID) (name string, file *os.File, err error) {
	if err := CheckID(id); err != nil {
		return "", nil, err
	}
	first := f.claim(id)
	day := time.Now().UTC().Format(dayLayout)
	for n := 1; ; n++ {
		if err := f.makeDay(day); err != nil {
			return "", nil, fmt.Errorf("create folder in the spool %s (was it moved? then restart): %w", f.dir, err)
		}
		name = path.Join(day, string(id)+extension)
		file, err = f.create(name)
		switch {
		case err == nil:
			return name, file, nil
		case !first || n == maxLeft || !errors.Is(err, fs.ErrExist):
			return "", nil, fmt.Errorf("create body: %w", err)
		}
		day = fmt.Sprintf("%.*s-%d", len(dayLayout), day, n)
	}
}

// claim says that a body is this process's, and none that a crash left. It reports whether
// it is the first of its message, as far as that is known.
func (f *Files) claim(id mail.MessageID) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own == nil {
		return false
	}
	_, again := f.own[id]
	f.own[id] = struct{}{}
	return !again
}

func (f *Files) owns(id mail.MessageID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, own := f.own[id]
	return own
}

// makeDay makes a day's folder and its entry durable. Others wait meanwhile: what
// they put is not safe before. A folder that is there already may be of a process
// that died before it could sync, so the first of each process does it again.
func (f *Files) makeDay(day string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.durable[day] {
		return nil
	}
	err := f.disk.call("mkdir", func() error { return f.root.Mkdir(day, 0o700) })
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.syncDir("."); err != nil {
		return err
	}
	clear(f.durable) // of the days before
	f.durable[day] = true
	return nil
}

// fill writes r to file and makes it durable.
func (f *Files) fill(ctx context.Context, file *os.File, r io.Reader) (size int64, sum uint32, err error) {
	digest := crc32.New(Castagnoli())
	size, err = io.Copy(io.MultiWriter(&diskWriter{disk: f.disk, file: file}, digest), WithContext(ctx, r))
	if err != nil {
		return 0, 0, fmt.Errorf("write body: %w", err)
	}
	if err := f.disk.call("sync", file.Sync); err != nil {
		return 0, 0, fmt.Errorf("sync body: %w", err)
	}
	return size, digest.Sum32(), nil
}

// body is an open body.
type body struct {
	*os.File
	size int64
}

// Size implements mail.Body.
func (b *body) Size() int64 { return b.size }

// Open opens a body for reading. It fails with ErrDamaged where the body is not
// the one that was stored.
func (f *Files) Open(_ context.Context, ref mail.BodyRef) (mail.Body, error) {
	name, size, sum, err := parseRef(ref)
	if err != nil {
		return nil, err
	}
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, name)
	}
	if err != nil {
		return nil, fmt.Errorf("open body: %w", err)
	}
	if err := verify(file, size, sum); err != nil {
		return nil, errors.Join(fmt.Errorf("read body %s: %w", name, err), file.Close())
	}
	return &body{File: file, size: size}, nil
}

func verify(file *os.File, size int64, sum uint32) error {
	digest := crc32.New(Castagnoli())
	n, err := io.Copy(digest, file)
	switch {
	case err != nil:
		return err
	case n != size:
		return fmt.Errorf("%w: %d octets of %d", ErrDamaged, n, size)
	case digest.Sum32() != sum:
		return fmt.Errorf("%w: checksum %08x is not %08x", ErrDamaged, digest.Sum32(), sum)
	}
	return nil
}

// Delete removes a body, or has it removed once nobody holds deletions back. A body
// that is gone already is no error.
func (f *Files) Delete(_ context.Context, ref mail.BodyRef) error {
	name, _, _, err := parseRef(ref)
	if err != nil {
		return err
	}
	return f.holds.delete(func() error { return f.remove(name) })
}

// Hold keeps deletions back until release is called, which makes them. It returns when
// those under way have ended: what was live then is there until the release.
func (f *Files) Hold() (release func() error) { return f.holds.hold() }

// CopyTo copies all bodies into a folder, which it makes, and syncs what it has written.
// Who wants all of some moment holds deletions back from then on.
func (f *Files) CopyTo(ctx context.Context, dir string) error {
	return f.copyTo(ctx, dir, func(name string) bool {
		_, ours := idOf(name)
		return ours
	})
}

// idOf reads the message's id off the name of a body.
func idOf(name string) (mail.MessageID, bool) {
	base, isBody := strings.CutSuffix(path.Base(name), extension)
	id, delivery, err := mail.ParseID(base)
	return id, isBody && err == nil && delivery == ""
}

// Sweep removes what a crash left: bodies that an earlier process put and that no
// message refers to. It returns how many it removed. Files that the spool did not
// name are left alone. Once it has succeeded, further calls do nothing: bodies that
// nothing refers to are of earlier processes only.
func (f *Files) Sweep(ctx context.Context, live Live) (int, error) {
	f.mu.Lock()
	swept := f.own == nil
	f.mu.Unlock()
	if swept {
		return 0, nil
	}
	sweeper := &Sweeper{Live: live}
	err := fs.WalkDir(f.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		id, ours := idOf(name)
		if !ours || f.owns(id) {
			return ctx.Err()
		}
		return sweeper.Add(ctx, Found{
			ID: id,
			Is: func(ref mail.BodyRef) bool {
				referred, _, _, err := parseRef(ref)
				return err == nil && referred == name
			},
			Settle: func(live bool) error {
				if live {
					return nil
				}
				return f.holds.delete(func() error { return f.remove(name) })
			},
		})
	})
	if err == nil {
		err = sweeper.Flush(ctx)
	}
	if err != nil {
		return sweeper.Removed, fmt.Errorf("sweep spool: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.own = nil
	return sweeper.Removed, nil
}

// makeRef writes "file:NAME:SIZE:CRC".
func makeRef(name string, size int64, sum uint32) mail.BodyRef {
	return MakeRef(fileScheme, size, sum, name)
}

func parseRef(ref mail.BodyRef) (name string, size int64, sum uint32, err error) {
	fields, size, sum, err := ParseRef(ref, fileScheme, 1)
	if err != nil {
		return "", 0, 0, err
	}
	if !fs.ValidPath(fields[0]) {
		return "", 0, 0, fmt.Errorf("read body reference %q: %w", ref, ErrForeign)
	}
	return fields[0], size, sum, nil
}
