package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fullness is a way in which a disk takes no more.
type fullness struct {
	// prepare changes a gateway that is not started yet.
	prepare func(t *testing.T, g *gateway)
	// fill takes all space away.
	fill func(t *testing.T, g *gateway)
	// free gives it back, and returns the gateway that goes on: the same, unless that was
	// killed.
	free func(t *testing.T, g *gateway) *gateway
	says string // that the log has where a mail is refused
}

// TestDiskFull takes the disk's space away under load and gives it back. Meanwhile mail is
// answered 451 and a line of level ERROR says why; afterwards it goes on without a restart.
// All that was answered 250, before, meanwhile and after, is delivered, and nothing else.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const some, all = 64 << 10, math.MaxInt64
	nothing := func(*testing.T, *gateway) {}
	for name, f := range map[string]fullness{
		"no space": {prepare: onSmallDisk, fill: fillDisk, free: freeDisk, says: "disk is full"},
		"files cannot grow": {prepare: nothing, says: "disk I/O error", fill: limitFiles(some), free: func(t *testing.T, g *gateway) *gateway {
			limitFiles(all)(t, g)
			return g
		}},
		"killed while full": {prepare: nothing, says: "disk I/O error", fill: limitFiles(some), free: func(t *testing.T, g *gateway) *gateway {
			g.kill(t)
			return serveIn(t, g.dir)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.test(t)
		})
	}
}

func (f fullness) test(t *testing.T) {
	rcv := newReceiver(t)
	first := newGateway(configuration(t, rcv.URL, manyRetries))
	f.prepare(t, first)
	first.start(t)
	load := newLoad()
	end := load.begin(t, first.smtp(), killers)
	f.fill(t, first)
	eventually(t, "refusals", func() bool { return load.refusals() > 100 })
	end()
	for reply := range load.refused {
		if !strings.HasPrefix(reply, "451 4.3.0 ") {
			t.Errorf("a mail is answered %q", reply)
		}
	}
	said := false
	for line := range strings.Lines(first.stderr.String()) {
		said = said || strings.Contains(line, "[ERROR] postern.smtpd: refused mail: ") && strings.Contains(line, "code=451") && strings.Contains(line, f.says)
	}
	if !said {
		t.Errorf("the log has no error that says %q", f.says)
	}

	meanwhile, refused := load.count(), load.refusals()
	g := f.free(t, first)
	end = load.begin(t, g.smtp(), killers)
	eventually(t, "more mails", func() bool { return load.count() > meanwhile+100 })
	end()
	if n := load.refusals(); n != refused {
		t.Errorf("%d mails were refused although there is space again", n-refused)
	}
	eventually(t, "every accepted mail", func() bool { return load.arrived(rcv) })
	g.kill(t)
	rcv.check(t)
	for id, r := range rcv.byID {
		if g == first && load.accepted[strings.TrimSuffix(id, "_1")] == "" {
			t.Errorf("%s came and was never accepted", id)
		}
		if g == first && r.times > 1 {
			t.Errorf("%s came %d times although nothing was killed", id, r.times)
		}
	}
	t.Logf("%d mails accepted, %d of them after %d were refused", len(load.accepted), len(load.accepted)-meanwhile, refused)
}

// onSmallDisk gives the gateway a data folder on a disk of its own, which nobody else sees.
func onSmallDisk(t *testing.T, g *gateway) {
	t.Helper()
	data := filepath.Join(g.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		missing(t, "unshare (Debian: util-linux)")
	}
	args := []string{unshare, "--mount", "--map-root-user", "--", "sh", "-c", `mount -t tmpfs -o size=64m,mode=0700 tmpfs "$0" && exec "$@"`, data}
	if out, err := exec.CommandContext(t.Context(), args[0], append(args[1:], "true")...).CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("the right to mount a disk in a namespace of its own (unshare: %v: %s)", err, out))
	}
	g.cmd.Args = append(append(args, g.cmd.Path), g.cmd.Args[1:]...)
	g.cmd.Path = unshare
}

// ballast is a file on the gateway's own disk.
func ballast(g *gateway) string {
	return filepath.Join("/proc", fmt.Sprint(g.cmd.Process.Pid), "root", g.dir, "data", "ballast")
}

func fillDisk(t *testing.T, g *gateway) {
	t.Helper()
	file, err := os.OpenFile(ballast(g), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func freeDisk(t *testing.T, g *gateway) *gateway {
	t.Helper()
	if err := os.Remove(ballast(g)); err != nil {
		t.Fatal(err)
	}
	return g
}

// limitFiles lets no file of the gateway grow beyond some octets. Bodies can be written
// then, and their rows cannot.
func limitFiles(octets uint64) func(*testing.T, *gateway) {
	return func(t *testing.T, g *gateway) {
		t.Helper()
		var limit unix.Rlimit
		if err := unix.Prlimit(g.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
			t.Fatal(err)
		}
		limit.Cur = min(octets, limit.Max)
		if err := unix.Prlimit(g.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
			t.Fatal(err)
		}
	}
}
