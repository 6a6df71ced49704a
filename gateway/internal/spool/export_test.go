package spool

import "os"

// Faulty is a disk whose calls go through fault. A write that it has fail has written
// some of its octets.
type Faulty func(do func() error) error

func (f Faulty) call(_ string, do func() error) error { return f(do) }

func (f Faulty) write(file *os.File, at int64, parts [][]byte) error {
	done := false
	err := f(func() error {
		done = true
		return writeParts(file, at, parts)
	})
	if err != nil && !done {
		part := parts[len(parts)/2]
		_ = writeParts(file, at, append(parts[:len(parts)/2:len(parts)/2], part[:len(part)/2]))
	}
	return err
}

// OpenFilesOn is OpenFiles on a disk that fails.
func OpenFilesOn(dir string, fault Faulty) (*Files, error) { return openFiles(dir, fault) }
