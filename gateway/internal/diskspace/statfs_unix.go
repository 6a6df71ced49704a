//go:build linux || darwin

package diskspace

import (
	"errors"
	"syscall"
)

func statfs(folder string) (Space, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(folder, &s)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Statfs(folder, &s)
	}
	if err != nil {
		return Space{}, err
	}
	size := uint64(s.Bsize)
	return Space{Total: s.Blocks * size, Free: s.Bavail * size, Files: s.Files, FreeFiles: s.Ffree}, nil
}
