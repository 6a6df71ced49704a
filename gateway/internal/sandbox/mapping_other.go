//go:build !linux

package sandbox

import (
	"errors"
	"os"
)

// Elsewhere memory is the heap's, and images are copied.

func reserve(uint64) ([]byte, error) { return nil, errors.ErrUnsupported }

func release([]byte) {}

func populate([]byte) {}

func discard([]byte) error { return errors.ErrUnsupported }

func (*image) freeze([]byte) error { return errors.ErrUnsupported }

func (*image) mapTo([]byte) error { return errors.ErrUnsupported }

type pageRegion struct{}

func openPages() *os.File { return nil }

func (*linearMemory) copyBack([]byte, *os.File) int { return 0 }
