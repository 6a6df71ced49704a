package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"                                //nolint:depguard // to measure it with checks and without
	"github.com/tetratelabs/wazero/api"                            //nolint:depguard // as above
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1" //nolint:depguard // as above

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// buildGuest builds a plugin as the gateway's are built.
func buildGuest(t testing.TB, dir string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// bare runs a plugin that reads the HTML body and sets a member of the payload: as much of
// the gateway as that takes.
type bare struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	data     []admit.Segment // what admission has taken out of the module
	html     []byte
	set      string // the JSON that the plugin has set
	refueled int    // how often a guest has asked for fuel
}

// newBare compiles a guest. metered is for one that pays with fuel, as it does in the
// gateway.
func newBare(t testing.TB, wasm []byte, metered bool) *bare {
	t.Helper()
	ctx := t.Context()
	s := &bare{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig())}
	t.Cleanup(func() { s.runtime.Close(context.WithoutCancel(ctx)) })
	wasi_snapshot_preview1.MustInstantiate(ctx, s.runtime)
	const i32 = api.ValueTypeI32
	_, err := s.runtime.NewHostModuleBuilder("postern:plugin/body@0.1.0").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(s.bodyHTML), []api.ValueType{i32}, nil).Export("html").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(noBody), []api.ValueType{i32}, nil).Export("text").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.runtime.NewHostModuleBuilder("postern:plugin/payload@0.1.0").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(s.payloadSet), []api.ValueType{i32, i32, i32, i32, i32}, nil).Export("set").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if metered {
		var info admit.Info
		if wasm, info, err = admit.Module(wasm, 65536); err != nil {
			t.Fatal(err)
		}
		s.data = info.Data
		_, err = s.runtime.NewHostModuleBuilder(admit.HostModule).
			NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
			stack[0] = admit.Slice
			s.refueled++
		}), []api.ValueType{i32}, []api.ValueType{i32}).Export(admit.Refuel).Instantiate(ctx)
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.compiled, err = s.runtime.CompileModule(ctx, wasm); err != nil {
		t.Fatal(err)
	}
	return s
}

// bodyHTML answers body.html.
func (s *bare) bodyHTML(ctx context.Context, m api.Module, stack []uint64) {
	ret := uint32(stack[0])
	address := allocate(ctx, m, s.html)
	var content [16]byte // some, address, length, not truncated
	content[0] = 1
	binary.LittleEndian.PutUint32(content[4:], address)
	binary.LittleEndian.PutUint32(content[8:], uint32(len(s.html)))
	write(m, ret, content[:])
}

// noBody answers body.text with none.
func noBody(_ context.Context, m api.Module, stack []uint64) { write(m, uint32(stack[0]), []byte{0}) }

// payloadSet answers payload.set.
func (s *bare) payloadSet(_ context.Context, m api.Module, stack []uint64) {
	value, ok := m.Memory().Read(uint32(stack[2]), uint32(stack[3]))
	if !ok {
		panic("the value is outside the guest's memory")
	}
	s.set = string(value)
	write(m, uint32(stack[4]), []byte{0})
}

func allocate(ctx context.Context, m api.Module, b []byte) uint32 {
	results, err := m.ExportedFunction("cabi_realloc").Call(ctx, 0, 0, 1, uint64(len(b)))
	if err != nil {
		panic(err)
	}
	write(m, uint32(results[0]), b)
	return uint32(results[0])
}

func write(m api.Module, address uint32, b []byte) {
	if !m.Memory().Write(address, b) {
		panic("the address is outside the guest's memory")
	}
}

// run runs the guest on a body in a pristine instance. start is how long it took
// until the instance was configured, and took the call itself.
func (s *bare) run(t testing.TB, html string) (start, took time.Duration) {
	t.Helper()
	ctx := t.Context()
	s.html = []byte(html)
	begin := time.Now()
	m, err := s.runtime.InstantiateModule(ctx, s.compiled, wazero.NewModuleConfig().
		WithName("").WithStartFunctions().WithStderr(os.Stderr).
		WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	s.start(t, m)
	options := []byte("{}")
	call(ctx, t, m, "postern:plugin/transformer@0.1.0#configure", uint64(allocate(ctx, m, options)), uint64(len(options)))
	configured := time.Now()
	call(ctx, t, m, "postern:plugin/transformer@0.1.0#transform")
	return configured.Sub(begin), time.Since(configured)
}

// start does what an engine would do, had admission not taken it out of the module.
func (s *bare) start(t testing.TB, m api.Module) {
	t.Helper()
	for _, segment := range s.data {
		write(m, segment.Address, segment.Octets)
	}
	for _, name := range []string{admit.Start, "_initialize"} {
		if f := m.ExportedFunction(name); f != nil {
			if _, err := f.Call(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// call calls an export that returns a result<_, string>, and what is to be called
// after it.
func call(ctx context.Context, t testing.TB, m api.Module, name string, args ...uint64) {
	t.Helper()
	results, err := m.ExportedFunction(name).Call(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	if failed, _ := m.Memory().ReadByte(uint32(results[0])); failed != 0 {
		t.Fatalf("%s returns an error", name)
	}
	if _, err := m.ExportedFunction("cabi_post_"+name).Call(ctx, results[0]); err != nil {
		t.Fatal(err)
	}
}

const ownGuest, otherGuest = "../../plugins/markdown", "guest/htmltomarkdown"

// TestSandbox holds that what is measured is what is converted, metered or not.
func TestSandbox(t *testing.T) {
	t.Parallel()
	wasm := buildGuest(t, ownGuest)
	for name, s := range map[string]*bare{"sandbox": newBare(t, wasm, false), "metered": newBare(t, wasm, true)} {
		for file, html := range mails(t) {
			s.run(t, html)
			var got string
			if err := json.Unmarshal([]byte(s.set), &got); err != nil {
				t.Fatalf("%s, %s: %v", name, file, err)
			}
			if want := ownNative(t, html); got != want {
				t.Errorf("%s, %s: got %q, want %q", name, file, got, want)
			}
		}
		if name == "metered" && (s.data == nil || s.refueled == 0) {
			t.Errorf("the guest does not pay: %d data segments, asked for fuel %d times", len(s.data), s.refueled)
		}
	}
}
