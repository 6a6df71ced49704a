package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// images counts the mappings of images in this process; elsewhere than on Linux there are none.
func images(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "memfd:postern-image")
}

// TestSnapshotsAreBounded has three pools and room for the images of two: who was not used
// for the longest time is set up anew, and all are right. What is closed leaves nothing.
func TestSnapshotsAreBounded(t *testing.T) { //nolint:paralleltest // it counts what the process has mapped
	wasm := assemble(t, "large")
	before := images(t)
	snapshots := sandbox.NewSnapshots(2<<20 + 64<<10)
	m, err := sandbox.Compile(t.Context(), wasm, sandbox.Config{Memory: 4 << 20, Snapshots: snapshots})
	if err != nil {
		t.Fatal(err)
	}
	setUps := [3]int{}
	pools := [3]*sandbox.Pool{}
	for i := range pools {
		// An image takes three pages, and what stays with two instances a mebibyte.
		pools[i] = m.NewPool(2, func(ctx context.Context, g *sandbox.Guest) error {
			setUps[i]++
			_, err := g.Call(ctx, "setup")
			return err
		})
	}
	for _, step := range []struct {
		use  int
		want [3]int
	}{
		{0, [3]int{1, 0, 0}},
		{1, [3]int{1, 1, 0}},
		{0, [3]int{1, 1, 0}},
		{2, [3]int{1, 1, 1}}, // 1 has to go
		{0, [3]int{1, 1, 1}},
		{1, [3]int{1, 2, 1}}, // 2 has to go
		{0, [3]int{1, 2, 1}},
		{2, [3]int{1, 2, 2}},
	} {
		if got, err := pooled(t.Context(), pools[step.use], "count"); err != nil || got != 506 {
			t.Errorf("count = %d, %v", got, err)
		}
		snapshots.Settle()
		if setUps != step.want {
			t.Errorf("after %d was used they were set up %v times, want %v", step.use, setUps, step.want)
		}
	}
	if runtime.GOOS == "linux" && images(t) == before {
		t.Error("no image is mapped")
	}
	if err := errors.Join(m.Close(t.Context()), snapshots.Close()); err != nil {
		t.Error(err)
	}
	if after := images(t); after != before {
		t.Errorf("%d images stay mapped", after-before)
	}
}

// TestOwnerPaysForItself has one owner with more than there is room for, and another with
// one pool, which stays; and an image too large to be kept.
func TestOwnerPaysForItself(t *testing.T) {
	t.Parallel()
	snapshots := sandbox.NewSnapshots(3<<20 + 512<<10)
	wasm := assemble(t, "large")
	setUps := make(map[string]int)
	pools := make(map[string]*sandbox.Pool)
	for _, name := range []string{"good", "bad 1", "bad 2", "bad 3", "bad 4", "huge"} {
		m := compile(t, wasm, sandbox.Config{Memory: 4 << 20, Snapshots: snapshots, Owner: strings.Fields(name)[0]})
		pools[name] = m.NewPool(2, func(ctx context.Context, g *sandbox.Guest) error {
			setUps[name]++
			if name == "huge" {
				return g.Write(0, bytes.Repeat([]byte{1}, 1<<20))
			}
			_, err := g.Call(ctx, "setup")
			return err
		})
	}
	for range 3 {
		for _, name := range []string{"good", "bad 1", "bad 2", "bad 3", "bad 4", "huge"} {
			if _, err := pooled(t.Context(), pools[name], "count"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			snapshots.Settle()
		}
	}
	if setUps["good"] != 1 {
		t.Errorf("the good one was set up %d times", setUps["good"])
	}
	if n := setUps["bad 1"] + setUps["bad 2"] + setUps["bad 3"] + setUps["bad 4"]; n < 8 {
		t.Errorf("the bad ones were set up %d times, and are to pay for what there is no room for", n)
	}
	if setUps["huge"] != 3 {
		t.Errorf("the one that is too large was set up %d times, once for each run is 3", setUps["huge"])
	}
}

// TestSnapshotIsForgottenInARun holds that a run goes on when its image is forgotten, and
// that its instance is not used again.
func TestSnapshotIsForgottenInARun(t *testing.T) {
	t.Parallel()
	snapshots := sandbox.NewSnapshots(1)
	m := compile(t, assemble(t, "large"), sandbox.Config{Memory: 4 << 20, Snapshots: snapshots})
	setUp := func(ctx context.Context, g *sandbox.Guest) error { _, err := g.Call(ctx, "setup"); return err }
	first, second := m.NewPool(1, setUp), m.NewPool(1, setUp)
	for range 20 {
		_, err := first.Run(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
			if got, err := pooled(ctx, second, "count"); err != nil || got != 506 {
				t.Errorf("count = %d, %v", got, err)
			}
			results, err := g.Call(ctx, "count")
			if err == nil && results[0] != 506 {
				t.Errorf("count = %d", results[0])
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestMemoryOfAGuestThatExited holds that the host may look at what it was.
func TestMemoryOfAGuestThatExited(t *testing.T) {
	t.Parallel()
	kept := &[]string{}
	m := compile(t, assemble(t, "guest"), sandbox.Config{Memory: mebibyte, Functions: []sandbox.Function{notes(kept)}})
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	_, _ = p.Run(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
		if _, err := g.Call(ctx, "exit"); err == nil {
			t.Error("it did not exit")
		}
		if _, err := g.Read(0, 64<<10); err != nil {
			t.Error(err)
		}
		return g.Write(0, []byte("still here"))
	})
}

// TestDataOutsideMemory holds that data which does not fit is said, and harms nobody.
func TestDataOutsideMemory(t *testing.T) {
	t.Parallel()
	const wasm = "\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00\x0b\x0b\x01\x00\x41\xff\xff\x03\x0b\x03abc"
	m := compile(t, []byte(wasm), sandbox.Config{Memory: mebibyte})
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	const want = "start: data segment 0: 3 octets at 65535: address is outside the guest's memory"
	if _, err := p.Run(t.Context(), io.Discard, nil); err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
