package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/sqlite"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Result codes of SQLite that are about the disk and the file (sqlite.org/rescode.html).
const (
	codeIOErr       = 10
	codeCorrupt     = 11
	codeFull        = 13
	codeNotADB      = 26
	nextWhenDamaged = `nothing in it was changed; "postern verify" says what is wrong as far as it can be read, and "postern restore" makes a data folder of a backup`
)

// explain says what an error of the disk or of the file means, and what is to be done.
func explain(file string, err error) error {
	var answer *sqlite.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.Code() & 0xff { // the rest says more of the same
	case codeFull:
		return fmt.Errorf("the disk is full: no mail is taken until there is room in %s: %w", filepath.Dir(file), err)
	case codeIOErr:
		return fmt.Errorf("the disk is failing: look after the one of %s: %w", filepath.Dir(file), err)
	case codeCorrupt, codeNotADB:
		return damaged(file, err)
	}
	return err
}

// damaged is the error of a file that is not what was written.
func damaged(file string, err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return err // it is explained
	}
	return fmt.Errorf("%w: %s: %w; %s", store.ErrDamaged, file, err, nextWhenDamaged)
}

// explained explains the error that a function is about to return.
func (db *DB) explained(err *error) { *err = explain(db.file, *err) }
