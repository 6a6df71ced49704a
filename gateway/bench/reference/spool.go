// Package reference holds what the gateway is measured beside: what one writes in a
// day, of the same libraries. [Spool] keeps a file for each mail, as durably as a file
// can be kept. [Serve] runs one of two SMTP servers: "naive" posts a mail before it says
// 250 and stores nothing; "spool" says 250 when the mail's file is durable, and has a
// few workers post what is there.
package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Spool keeps a file for each mail in one folder.
type Spool struct {
	dir  string
	self *os.File // the folder, to be synced
	last atomic.Int64
}

// OpenSpool makes the folder.
func OpenSpool(dir string) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	self, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Spool{dir: dir, self: self}, nil
}

// Close gives the folder back.
func (s *Spool) Close() error { return s.self.Close() }

// Put stores a mail and returns the name of its file once it is durable: written to a
// temporary name, synced, renamed, and the folder synced.
func (s *Spool) Put(mail []byte) (string, error) {
	number := s.last.Add(1)
	temporary := filepath.Join(s.dir, fmt.Sprintf("tmp%d", number))
	name := filepath.Join(s.dir, fmt.Sprintf("mail%d", number))
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(mail)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(temporary, name); err != nil {
		return "", err
	}
	return name, s.self.Sync()
}
