// Package spool keeps the raw messages' octets.
//
// # Durability
//
// Put returns after the octets are fsynced and so is every directory entry that
// leads to them. The row that refers to a body is written afterwards, by package
// store; it is the commit point. A crash in between leaves a body without a
// row, which Sweep removes, and never a row without its body.
//
// # Invariants
//
// A body is written once and never changed. Every Open reads the whole body
// against its checksum before it gives out a single octet. Names come from
// message ids, and all access goes through an [os.Root], so that no reference
// leads out of the spool's folder.
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
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrDamaged means that a body is not what was stored: cut short, altered, or
// not there.
var ErrDamaged = errors.New("body is damaged")

const (
	refScheme = "file"
	extension = ".eml"
	// dayLayout names the folders that bodies are put in, one for each day.
	dayLayout = "2006-01-02"
)

// Files keeps every body in a file of its own. Its methods may be called by any
// number of goroutines.
type Files struct {
	dir  string // for messages
	root *os.Root

	mu sync.Mutex
	// durable are the days whose folder this process has made sure of.
	durable map[string]bool
	// own are the bodies that this process put, until the sweep has ended.
	own map[mail.MessageID]struct{}
}

// OpenFiles opens the spool in dir, which it makes where it is missing. One
// process at a time may have it open.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	// The entry of the spool's own folder is to be durable too.
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return &Files{dir: dir, root: root, durable: make(map[string]bool), own: make(map[mail.MessageID]struct{})}, nil
}

// Close gives the folder back. Bodies that are open stay readable.
func (f *Files) Close() error { return f.root.Close() }

// Put stores what r gives and returns once it is durable. Where r or the disk
// fails nothing is left behind; an error of r is in the error's chain. The body is
// kept until Delete; expires says when that is to be expected.
func (f *Files) Put(ctx context.Context, id mail.MessageID, _ time.Time, r io.Reader) (mail.BodyRef, error) {
	name, err := f.newName(id)
	if err != nil {
		return "", err
	}
	f.claim(id)
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("create body: %w", err)
	}
	size, sum, err := fill(ctx, file, r)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close body: %w", closeErr)
	}
	if err == nil {
		err = f.syncDir(path.Dir(name))
	}
	if err != nil {
		return "", errors.Join(err, f.remove(name))
	}
	return makeRef(name, size, sum), nil
}

// newName makes the day's folder and returns the name of the body in it.
func (f *Files) newName(id mail.MessageID) (string, error) {
	if _, _, err := mail.ParseID(string(id)); err != nil {
		return "", fmt.Errorf("create body: %w", err)
	}
	day := time.Now().UTC().Format(dayLayout)
	if err := f.makeDay(day); err != nil {
		return "", fmt.Errorf("create folder in the spool %s (was it moved? then restart): %w", f.dir, err)
	}
	return path.Join(day, string(id)+extension), nil
}

// claim says that a body is this process's, and none that a crash left.
func (f *Files) claim(id mail.MessageID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own != nil {
		f.own[id] = struct{}{}
	}
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
	if err := f.root.Mkdir(day, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
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
func fill(ctx context.Context, file *os.File, r io.Reader) (size int64, sum uint32, err error) {
	digest := crc32.New(castagnoli())
	size, err = io.Copy(io.MultiWriter(file, digest), contextReader{ctx, r})
	if err != nil {
		return 0, 0, fmt.Errorf("write body: %w", err)
	}
	if err := file.Sync(); err != nil {
		return 0, 0, fmt.Errorf("sync body: %w", err)
	}
	return size, digest.Sum32(), nil
}

// syncDir makes the entries of a folder durable.
func (f *Files) syncDir(name string) error {
	dir, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("open spool folder: %w", err)
	}
	return syncAndClose(dir)
}

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return syncAndClose(dir)
}

func syncAndClose(dir *os.File) error {
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync spool folder: %w", err)
	}
	return nil
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
	digest := crc32.New(castagnoli())
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

// Delete removes a body. A body that is gone already is no error.
func (f *Files) Delete(_ context.Context, ref mail.BodyRef) error {
	name, _, _, err := parseRef(ref)
	if err != nil {
		return err
	}
	return f.remove(name)
}

func (f *Files) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove body: %w", err)
	}
	return nil
}

// Sweep removes what a crash left: bodies that an earlier process put and that no
// message refers to. It returns how many it removed. Files that the spool did not
// name are left alone. Once it has succeeded, further calls do nothing: bodies that
// nothing refers to are of earlier processes only.
func (f *Files) Sweep(ctx context.Context, live func(context.Context, mail.MessageID) (bool, error)) (int, error) {
	f.mu.Lock()
	swept := f.own == nil
	f.mu.Unlock()
	if swept {
		return 0, nil
	}
	removed := 0
	err := fs.WalkDir(f.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		base, isBody := strings.CutSuffix(entry.Name(), extension)
		id, delivery, idErr := mail.ParseID(base)
		if !isBody || idErr != nil || delivery != "" {
			return ctx.Err()
		}
		if f.owns(id) {
			return ctx.Err()
		}
		known, err := live(ctx, id)
		if err != nil || known {
			return err
		}
		removed++
		return f.remove(name)
	})
	if err != nil {
		return removed, fmt.Errorf("sweep spool: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.own = nil
	return removed, nil
}

// makeRef writes "file:NAME:SIZE:CRC".
func makeRef(name string, size int64, sum uint32) mail.BodyRef {
	return mail.BodyRef(fmt.Sprintf("%s:%s:%d:%08x", refScheme, name, size, sum))
}

func parseRef(ref mail.BodyRef) (name string, size int64, sum uint32, err error) {
	fields := strings.Split(string(ref), ":")
	if len(fields) != 4 || fields[0] != refScheme || !fs.ValidPath(fields[1]) {
		return "", 0, 0, fmt.Errorf("read body reference %q: not of this spool", ref)
	}
	size, sizeErr := strconv.ParseInt(fields[2], 10, 64)
	sum64, sumErr := strconv.ParseUint(fields[3], 16, 32)
	if err := errors.Join(sizeErr, sumErr); err != nil {
		return "", 0, 0, fmt.Errorf("read body reference %q: %w", ref, err)
	}
	return fields[1], size, uint32(sum64), nil
}

// castagnoli is the polynomial that processors have an instruction for.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// contextReader stops a copy when its context ends.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one call of Put
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
