package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

var (
	// ErrNewer means that a database was written by a newer version of Postern.
	ErrNewer = errors.New("database is newer than this program")
	// ErrOlder means that a database is that of an older version of Postern, where it is not
	// to be changed.
	ErrOlder = errors.New("database is older than this program")
)

// CheckVersion holds the version that the tables have against the one that the program knows.
func CheckVersion(have, want int64) error {
	switch {
	case have > want:
		return fmt.Errorf("%w: it has version %d, this program knows %d; use the newer program", ErrNewer, have, want)
	case have < want:
		return fmt.Errorf("%w: it has version %d, this program needs %d, and nothing was changed; run \"postern migrate\", "+
			"or start a gateway of this version on it, and there is no way back from that but a backup", ErrOlder, have, want)
	}
	return nil
}

// Latest is the version of the last of the migrations in a folder.
func Latest(migrations fs.FS) (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	version, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	return version, nil
}
