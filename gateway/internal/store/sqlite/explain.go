package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/sqlite"
)

// Result codes of SQLite that are about the disk (sqlite.org/rescode.html).
const (
	codeIOErr = 10
	codeFull  = 13
)

// explain says what an error of the disk means, and what is to be done.
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
	}
	return err
}
