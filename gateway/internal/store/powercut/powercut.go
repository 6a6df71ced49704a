// Package powercut is for tests of what outlives a power cut. It records the system calls of
// a real program with strace, replays them into a model of a disk, and writes out what such
// a disk may hold after a cut at any moment. The test then opens that with the real program
// and looks for what had been acknowledged. One recording gives as many cuts as are wanted.
//
// # What the disk promises
//
// No more than POSIX and the documents of ext4 and XFS:
//
//   - What was written to a file, its length included, is safe once an fsync or fdatasync of
//     that file has returned that began after the write had returned. Before, any part of it
//     may be there, in any order, in pieces of 512 or 4,096 octets; a file that was to grow
//     may have its new length already, and zeros or garbage where nothing was written yet.
//   - An entry of a folder, made, renamed or removed, is safe once an fsync of that folder has
//     returned. Before, each may be there or not; a rename is there as a whole or not at all.
//     That ext4 makes more durable than it was asked for is not relied upon.
//   - What a synced file holds stays. A drive that says it has written what it has not is not
//     modelled.
//
// # What is acknowledged
//
// Whatever the program writes elsewhere, to a pipe or a socket, stands in the recording in
// its order among the rest. It counts from the moment its write began, which is before
// anybody can have read it: [Disk.Said].
//
// # What it does not know
//
// A system call that may have changed the folder in a way that the model has no notion of is
// an error, and so is a second process: the recording is complete or useless. A file that the
// program maps into its memory, to be shared, is an error too, unless the test names it as
// scratch; such a file holds garbage after a cut. SQLite's "-shm" is one: it is made anew
// from the log by the first that opens the database.
package powercut

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// harmless are the system calls that strace is not to stop at, since they change no file
// and no descriptor, and come by the thousand. All others are recorded.
const harmless = "read,pread64,readv,preadv,preadv2,readlink,readlinkat,getdents64,stat,lstat,fstat,newfstatat,statx,access,faccessat,faccessat2," +
	"futex,nanosleep,clock_nanosleep,clock_gettime,epoll_pwait,epoll_wait,epoll_ctl,poll,ppoll,select,pselect6,sched_yield,sched_getaffinity,getrandom," +
	"rt_sigprocmask,rt_sigaction,rt_sigreturn,sigaltstack,tgkill,gettid,getpid,madvise,mprotect,munmap,brk,restart_syscall,set_robust_list,rseq"

// Points is how many random points a test of durability tries: few by default, or as
// many as POSTERN_TORTURE_POINTS says, which "make torture" sets.
func Points(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("POSTERN_TORTURE_POINTS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("POSTERN_TORTURE_POINTS is %q, want a number from 1", text)
	}
	return n
}

// Tracing is a program that is to be recorded.
type Tracing struct {
	folder, output string
	cwd            string
	scratch        []string
	before         *node
}

// Trace has cmd, which was not started yet, run under strace. The recording is of what it
// does to what is in the folder; what is there already is safe. Files whose names end in
// one of scratch hold garbage after a cut. It skips the test where strace is missing or
// may not trace; with POSTERN_TEST_REQUIRE=1 it fails.
func Trace(t *testing.T, cmd *exec.Cmd, folder string, scratch ...string) *Tracing {
	t.Helper()
	strace := find(t)
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		t.Fatal(err)
	}
	before, err := load(folder, scratch)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Tracing{folder: folder, cwd: dir, output: filepath.Join(t.TempDir(), "strace"), scratch: scratch, before: before}
	// -xx: all strings in hexadecimal digits, so that nothing in them looks like the
	// syntax around them. The length is more than a program writes at once.
	args := []string{"strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", strconv.Itoa(maxLine / 8), "-o", tr.output, "-e", "trace=!" + harmless, "--", cmd.Path}
	cmd.Path, cmd.Args = strace, append(args, cmd.Args[1:]...)
	return tr
}

// find returns strace's path.
func find(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	what := "strace (Debian: strace)"
	if err == nil {
		var out []byte
		out, err = exec.CommandContext(t.Context(), path, "-f", "-o", os.DevNull, "true").CombinedOutput() //nolint:gosec // strace
		what = fmt.Sprintf("the right to trace a program (strace: %v: %s)", err, strings.TrimSpace(string(out)))
	}
	if err != nil && os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	if err != nil {
		t.Skipf("missing: %s", what)
	}
	return path
}

// Recording reads what was recorded. The program has ended by now.
func (tr *Tracing) Recording() (*Recording, error) {
	file, err := os.Open(tr.output)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	defer file.Close()
	r, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	r.folder, r.cwd, r.scratch, r.before = tr.folder, tr.cwd, tr.scratch, tr.before
	return r, errors.Join(os.Remove(tr.output))
}

// Recording is what a program did, in order.
type Recording struct {
	events  []event
	folder  string
	cwd     string // of the program, which keeps to it
	scratch []string
	before  *node
}

// Events is how many points there are at which the power can be cut.
func (r *Recording) Events() int { return len(r.events) }

// Said are the points right after which the program had begun to write to elsewhere what
// matches: the moments at which it has promised the most and done the least for it.
func (r *Recording) Said(match func([]byte) bool) []int {
	var points []int
	for i, e := range r.events {
		if c := e.call; !e.ended && c.name == "write" && len(c.args) > 1 && match(c.args[1].text) {
			points = append(points, i+1)
		}
	}
	return points
}

// Writes is how many writes there are to files whose names end so.
func (r *Recording) Writes(suffix string) int {
	n := 0
	for _, e := range r.events {
		if c := e.call; !e.ended && (c.name == "write" || c.name == "pwrite64") && len(c.args) > 0 && strings.HasSuffix(c.args[0].path, suffix) {
			n++
		}
	}
	return n
}

// Disk returns the disk as it was before the program began.
func (r *Recording) Disk() *Disk {
	root := r.before.clone()
	return &Disk{recording: r, root: root, open: make(map[int]*description)}
}
