package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// The exports of a plugin.
const (
	exportConfigure = "postern:plugin/transformer@0.1.0#configure"
	exportTransform = "postern:plugin/transformer@0.1.0#transform"
)

// assemble builds a guest that is written by hand.
func assemble(t testing.TB, source string) []byte {
	t.Helper()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: wat2wasm (Debian: wabt)")
		}
		t.Skip("missing: wat2wasm (Debian: wabt)")
	}
	file := filepath.Join(t.TempDir(), "guest.wasm")
	if out, err := exec.CommandContext(t.Context(), wat2wasm, "-o", file, source).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", source, err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// boundary runs a plugin by the gateway's pool, with host functions that hand over octets and
// take them, and no document. One run at a time has its html and set.
type boundary struct {
	pool *sandbox.Pool
	html []byte
	set  []byte // what the plugin has set last
}

// newBoundary compiles a plugin, of which it keeps up to so many instances.
func newBoundary(t testing.TB, wasm []byte, keep int) *boundary {
	t.Helper()
	s := &boundary{}
	function := func(module, name string, params int, call func(context.Context, *sandbox.Guest, []uint64) error) sandbox.Function {
		f := sandbox.Function{Module: module, Name: name, Call: call}
		for range params {
			f.Params = append(f.Params, sandbox.I32)
		}
		return f
	}
	m, err := sandbox.Compile(t.Context(), wasm, sandbox.Config{Memory: memoryCap, Functions: []sandbox.Function{
		function("postern:plugin/body@0.1.0", "html", 1, s.bodyHTML),
		function("postern:plugin/body@0.1.0", "text", 1, func(_ context.Context, g *sandbox.Guest, stack []uint64) error {
			return g.Write(uint32(stack[0]), make([]byte, 16)) // none
		}),
		function("postern:plugin/payload@0.1.0", "set", 5, s.payloadSet),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	s.pool = m.NewPool(keep, configure)
	return s
}

func (s *boundary) bodyHTML(ctx context.Context, g *sandbox.Guest, stack []uint64) error {
	address, err := g.Allocate(ctx, 1, uint32(len(s.html)))
	if err != nil {
		return err
	}
	var answer [16]byte // some, address, length, not truncated
	answer[0] = 1
	binary.LittleEndian.PutUint32(answer[4:], address)
	binary.LittleEndian.PutUint32(answer[8:], uint32(len(s.html)))
	return errors.Join(g.Write(address, s.html), g.Write(uint32(stack[0]), answer[:]))
}

func (s *boundary) payloadSet(_ context.Context, g *sandbox.Guest, stack []uint64) (err error) {
	if s.set, err = g.Read(uint32(stack[2]), uint32(stack[3])); err != nil {
		return err
	}
	return g.Write(uint32(stack[4]), make([]byte, 16)) // done
}

// run runs the plugin on a body, and then calls within, where it is not nil, while the
// instance is in use.
func (s *boundary) run(ctx context.Context, html []byte, within func(context.Context) error) error {
	_, err := s.pool.Run(ctx, io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
		s.html = html
		if err := callGuest(ctx, g, exportTransform); err != nil || within == nil {
			return err
		}
		return within(ctx)
	})
	return err
}

func configure(ctx context.Context, g *sandbox.Guest) error {
	const options = "{}"
	address, err := g.Allocate(ctx, 1, uint32(len(options)))
	if err != nil {
		return err
	}
	if err := g.Write(address, []byte(options)); err != nil {
		return err
	}
	return callGuest(ctx, g, exportConfigure, uint64(address), uint64(len(options)))
}

// callGuest calls an export that returns a result<_, string>, and what is to be called after it.
func callGuest(ctx context.Context, g *sandbox.Guest, name string, args ...uint64) error {
	results, err := g.Call(ctx, name, args...)
	if err != nil {
		return err
	}
	failed, err := g.Read(uint32(results[0]), 1)
	if err != nil {
		return err
	}
	if failed[0] != 0 {
		return fmt.Errorf("%s returns an error", name)
	}
	if post := "cabi_post_" + name; g.Has(post) {
		_, err = g.Call(ctx, post, results[0])
	}
	return err
}
