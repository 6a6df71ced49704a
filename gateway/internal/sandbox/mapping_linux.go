package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reserve takes address space. Memory comes when it is written to.
func reserve(octets uint64) ([]byte, error) {
	return unix.Mmap(-1, 0, int(octets), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
}

// release gives address space back.
func release(b []byte) { _ = unix.Munmap(b) } // it fails only for what was not reserved

// discard makes memory again what it was before it was written to: that of its image, or zero.
func discard(b []byte) error { return unix.Madvise(b, unix.MADV_DONTNEED) }

// populate has the system give all pages of new memory at once. Where it cannot, it gives them
// as they are written to.
func populate(b []byte) { _ = unix.Madvise(b, unix.MADV_POPULATE_WRITE) }

// freeze copies a memory into a file that exists in memory alone, and that nobody can write
// to any more, this process included. Where all is zero there it takes no room.
func (i *image) freeze(memory []byte) error {
	if len(memory) == 0 {
		return unix.EINVAL
	}
	fd, err := unix.MemfdCreate("postern-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return fmt.Errorf("image of an instance: %w", err)
	}
	file := os.NewFile(uintptr(fd), "postern-image")
	size, err := fill(file, memory)
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("image of an instance: %w", err)
	}
	view, err := unix.Mmap(fd, 0, len(memory), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("image of an instance: %w", err)
	}
	i.file, i.memory, i.size = file, view, size
	return nil
}

// fill writes a memory into a file and seals it. It says how much that takes, in octets.
func fill(file *os.File, memory []byte) (size int64, err error) {
	if err := file.Truncate(int64(len(memory))); err != nil {
		return 0, err
	}
	zero := make([]byte, os.Getpagesize())
	for at := 0; at < len(memory); at += len(zero) {
		page := memory[at:min(at+len(zero), len(memory))]
		if string(page) == string(zero[:len(page)]) {
			continue
		}
		if _, err := file.WriteAt(page, int64(at)); err != nil {
			return 0, err
		}
		size += int64(len(page))
	}
	_, err = unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	return size, err
}

// mapTo has reserved memory begin with the image. What was there before is gone.
func (i *image) mapTo(reserved []byte) error {
	if !i.mapped() || len(reserved) < len(i.memory) {
		return unix.EINVAL
	}
	_, err := unix.MmapPtr(int(i.file.Fd()), 0, unsafe.Pointer(unsafe.SliceData(reserved)), uintptr(len(i.memory)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err
}

// PAGEMAP_SCAN of Linux 6.7 and later (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)

	pageIsFile    = 1 << 2 // not written to since it was mapped, where it is of a private mapping
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5
)

// scanRequest is struct pm_scan_arg.
type scanRequest struct {
	size, flags, start, end, walkEnd, regions, length, most uint64
	inverted, all, anyOf, result                            uint64
}

// pageRegion is struct page_region.
type pageRegion struct{ start, end, categories uint64 }

// openPages opens what tells which pages of this process were written to; nil where the
// system does not tell.
func openPages() *os.File {
	file, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	probe, err := reserve(uint64(os.Getpagesize()))
	if err != nil {
		_ = file.Close()
		return nil
	}
	defer release(probe)
	probe[0] = 1
	regions := make([]pageRegion, 2)
	if n, _, err := written(probe, regions, 1, file); err != nil || n != 1 {
		_ = file.Close()
		return nil
	}
	return file
}

// written lists the pages of b that were written to since they were mapped, at most so many,
// and says up to which of its octets it has looked.
func written(b []byte, regions []pageRegion, most int, pages *os.File) (n, upTo int, err error) {
	start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	// The kernel is given an address in a number: it has to stay.
	var pinner runtime.Pinner
	pinner.Pin(unsafe.SliceData(regions))
	defer pinner.Unpin()
	request := scanRequest{
		size: uint64(unsafe.Sizeof(scanRequest{})), start: start, end: start + uint64(len(b)),
		regions: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(regions)))), length: uint64(len(regions)), most: uint64(most),
		// Neither a page of the image nor the system's page of zeros, in memory or swapped out.
		inverted: pageIsFile | pageIsZero, all: pageIsFile | pageIsZero, anyOf: pageIsPresent | pageIsSwapped,
		result: pageIsPresent,
	}
	listed, _, errno := unix.Syscall(unix.SYS_IOCTL, pages.Fd(), pagemapScan, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return 0, 0, errno
	}
	return int(listed), int(request.walkEnd - start), nil
}

// copyBack sets back what was written of used, from its beginning up to as many pages as are
// kept, and says how many octets of used are as they should be.
func (l *linearMemory) copyBack(used []byte, pages *os.File) int {
	most := keptOctets / os.Getpagesize()
	if l.regions == nil {
		l.regions = make([]pageRegion, most) // a region has a page at least
	}
	n, upTo, err := written(used, l.regions, most, pages)
	if err != nil {
		return 0
	}
	base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(used))))
	for _, r := range l.regions[:n] {
		from, to := int(r.start-base), int(r.end-base)
		if copied := copy(used[from:to], l.image.memory[min(from, len(l.image.memory)):]); copied < to-from {
			clear(used[from+copied : to])
		}
	}
	return upTo
}
