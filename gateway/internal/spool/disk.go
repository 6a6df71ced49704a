package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// disk makes the calls that change files, or make changes durable. Tests have one
// that fails.
type disk interface {
	// call makes a call; op says which.
	call(op string, do func() error) error
	// write writes parts behind each other, beginning at an offset.
	write(file *os.File, at int64, parts [][]byte) error
}

// kernel is the disk of the operating system.
type kernel struct{}

func (kernel) call(_ string, do func() error) error { return do() }

func (kernel) write(file *os.File, at int64, parts [][]byte) error {
	return writeParts(file, at, parts)
}

// writeEach writes parts one by one.
func writeEach(file *os.File, at int64, parts [][]byte) error {
	for _, part := range parts {
		n, err := file.WriteAt(part, at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// diskWriter writes a file from its beginning.
type diskWriter struct {
	disk disk
	file *os.File
	at   int64
}

func (w *diskWriter) Write(p []byte) (int, error) {
	if err := w.disk.write(w.file, w.at, [][]byte{p}); err != nil {
		return 0, err
	}
	w.at += int64(len(p))
	return len(p), nil
}

// folder is what a store has of the disk.
type folder struct {
	dir  string // for messages
	root *os.Root
	disk disk
}

// openFolder opens a folder, which it makes where it is missing.
func openFolder(dir string, d disk) (*folder, error) {
	err := d.call("mkdir", func() error { return os.MkdirAll(dir, 0o700) })
	if err == nil {
		// The entry of the folder is to be durable too.
		err = syncFolder(d, filepath.Dir(dir))
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, root: root, disk: d}, nil
}

// create makes a file that is not there yet. On an error none is left.
func (f *folder) create(name string) (file *os.File, err error) {
	err = f.disk.call("create", func() (err error) {
		file, err = f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err != nil && file != nil { // it was made, and is not ours to write to
		return nil, errors.Join(err, file.Close(), f.remove(name))
	}
	return file, err
}

func (f *folder) remove(name string) error {
	err := f.disk.call("remove", func() error { return f.root.Remove(name) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove body: %w", err)
	}
	return nil
}

// syncDir makes the entries of a folder durable.
func (f *folder) syncDir(name string) error {
	dir, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("open spool folder: %w", err)
	}
	return syncAndClose(f.disk, dir)
}

func syncFolder(d disk, name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return syncAndClose(d, dir)
}

func syncAndClose(d disk, dir *os.File) error {
	if err := errors.Join(d.call("syncdir", dir.Sync), dir.Close()); err != nil {
		return fmt.Errorf("sync spool folder: %w", err)
	}
	return nil
}

func (f *folder) explain(err error) error { return Explain(f.dir, err) }

// Explain says of an error of the disk that has dir what it means and what is to be done.
func Explain(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: no mail is taken until there is room in %s: %w", ErrFull, dir, err)
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: no mail is taken until it can be written to in %s; see the kernel's log, the data may have to go to another disk: %w", ErrFailing, dir, err)
	}
	return err
}

// copyTo copies the files that are ours into another folder, by the same names.
func (f *folder) copyTo(ctx context.Context, dir string, ours func(name string) bool) error {
	if err := f.notInside(dir); err != nil {
		return fmt.Errorf("copy bodies to %s: %w", dir, err)
	}
	target, err := openFolder(dir, f.disk)
	if err != nil {
		return fmt.Errorf("copy bodies: %w", err)
	}
	defer func() { _ = target.root.Close() }()
	folders := []string{"."}
	err = fs.WalkDir(f.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it was no body of a mail when the copy began
		case err != nil:
			return err
		case name == ".":
			return nil
		case entry.IsDir():
			folders = append(folders, name)
			return f.disk.call("mkdir", func() error { return target.root.MkdirAll(name, 0o700) })
		case !ours(name) || !entry.Type().IsRegular():
			return ctx.Err()
		}
		return f.copyFile(ctx, target, name)
	})
	for _, name := range folders {
		if err == nil {
			err = target.syncDir(name)
		}
	}
	if err != nil {
		return fmt.Errorf("copy bodies to %s: %w", dir, target.explain(err))
	}
	return nil
}

// notInside fails for a folder, which need not be there, in what is to be copied to it: there
// would be more to copy with all that is.
func (f *folder) notInside(dir string) error {
	own, err := f.root.Stat(".")
	if err != nil {
		return err
	}
	above, err := filepath.Abs(filepath.Dir(dir))
	if err == nil {
		above, err = filepath.EvalSymlinks(above)
	}
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(above)
		if err != nil {
			return err
		}
		if os.SameFile(own, info) {
			return fmt.Errorf("it lies in %s, which would be copied into itself; name a folder elsewhere", f.dir)
		}
		next := filepath.Dir(above)
		if next == above {
			return nil
		}
		above = next
	}
}

func (f *folder) copyFile(ctx context.Context, target *folder, name string) error {
	from, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // as above
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := target.create(name)
	if err != nil {
		return err
	}
	w := &sparseWriter{diskWriter: diskWriter{disk: f.disk, file: to}}
	_, err = io.CopyBuffer(w, WithContext(ctx, from), make([]byte, sparseBlock))
	if err == nil {
		err = f.disk.call("truncate", func() error { return to.Truncate(w.at) })
	}
	if err == nil {
		err = f.disk.call("sync", to.Sync)
	}
	return errors.Join(err, f.disk.call("close", to.Close))
}

// sparseBlock is what of a file is looked at for zeros at a time.
const sparseBlock = 64 << 10

// sparseWriter leaves holes where it is given zeros.
type sparseWriter struct{ diskWriter }

func (w *sparseWriter) Write(p []byte) (int, error) {
	if len(bytes.TrimLeft(p, "\x00")) == 0 {
		w.at += int64(len(p))
		return len(p), nil
	}
	return w.diskWriter.Write(p)
}
