//go:build !linux

package spool

import (
	"errors"
	"os"
)

func writeParts(file *os.File, at int64, parts [][]byte) error { return writeEach(file, at, parts) }

func syncData(file *os.File) error { return file.Sync() }

func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }

func punch(*os.File, int64, int64) error { return errors.ErrUnsupported }
