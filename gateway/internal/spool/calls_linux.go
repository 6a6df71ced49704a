package spool

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// writeParts writes parts behind each other, with as few calls as can be.
func writeParts(file *os.File, at int64, parts [][]byte) error {
	if len(parts) == 1 {
		return writeEach(file, at, parts)
	}
	total := 0
	for _, part := range parts {
		total += len(part)
	}
	n := 0
	err := again(func() (err error) {
		n, err = unix.Pwritev(int(file.Fd()), parts, at)
		return err
	})
	if err != nil || n == total {
		return err
	}
	if n == 0 {
		return io.ErrShortWrite
	}
	// The rest says why it was cut short.
	at += int64(n)
	for len(parts) > 0 && n >= len(parts[0]) {
		n -= len(parts[0])
		parts = parts[1:]
	}
	rest := append([][]byte{parts[0][n:]}, parts[1:]...)
	return writeEach(file, at, rest)
}

// syncData makes the octets of a file durable, and what is needed to read them.
func syncData(file *os.File) error {
	return again(func() error { return unix.Fdatasync(int(file.Fd())) })
}

// allocate gives a file room on the disk. Where the system has no such thing, the
// error is errors.ErrUnsupported.
func allocate(file *os.File, at, size int64) error {
	return again(func() error { return unix.Fallocate(int(file.Fd()), 0, at, size) })
}

// punch gives the room of octets back; they are zeros then. Where the system has no
// such thing, the error is errors.ErrUnsupported.
func punch(file *os.File, at, size int64) error {
	return again(func() error {
		return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, size)
	})
}

// again makes a call until no signal has interrupted it.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
