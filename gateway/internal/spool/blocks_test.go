package spool_test

import (
	"io/fs"
	"syscall"
)

// blocks is how many octets a file takes on the disk.
func blocks(info fs.FileInfo) int64 { return info.Sys().(*syscall.Stat_t).Blocks * 512 }
