package bench

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero" //nolint:depguard // Extism asks for its configuration of a module

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// memoryCap is what a plugin's linear memory may take, and snapshots what images may.
const memoryCap, snapshots = 128 << 20, 512 << 20

// echo is one way to have a plugin give back what it is given.
type echo struct {
	name string
	// call has it done once, and says how long that took.
	call func(t testing.TB, body []byte) time.Duration
	// got is what came back of the last call.
	got func(t testing.TB) []byte
	// slow is for one that takes milliseconds whatever it is given.
	slow bool
}

// languages are what the guests are written in.
func languages() []string { return []string{"go", "wat"} }

// echoes returns the contenders whose guests are written in a language:
//
//   - boundary is the gateway's sandbox alone, metered, and reset after each call;
//   - gateway is a plugin as the gateway runs it, with its lanes, limits and edits;
//   - extism is one instance for all calls, which is never reset;
//   - extism-new is a new instance for each call.
//
// Extism's guests are not metered, and nothing could stop them: it has no fuel, and its
// timeout is off.
func echoes(t testing.TB, language string) []echo {
	t.Helper()
	var own, theirs []byte
	if language == "wat" {
		own, theirs = assemble(t, "guest/echo/echo.wat"), assemble(t, "guest/extismecho/echo.wat")
	} else {
		own, theirs = buildGuest(t, "guest/echo"), buildGuest(t, "guest/extismecho")
	}
	return append([]echo{boundaryEcho(t, own), gatewayEcho(t, own)}, extismEchoes(t, theirs)...)
}

func boundaryEcho(t testing.TB, wasm []byte) echo {
	t.Helper()
	s := newBoundary(t, wasm, 1)
	return echo{
		name: "boundary",
		call: func(t testing.TB, body []byte) time.Duration {
			begin := time.Now()
			err := s.run(t.Context(), body, nil)
			took := time.Since(begin)
			if err != nil {
				t.Fatal(err)
			}
			return took
		},
		got: func(testing.TB) []byte { return s.set },
	}
}

func gatewayEcho(t testing.TB, wasm []byte) echo {
	t.Helper()
	images := sandbox.NewSnapshots(snapshots)
	p := loadPlugin(t, plugin.Config{
		Name: "echo", Wasm: wasm, Grant: []string{"body", "payload"}, Write: []document.Pointer{{"echo"}}, Options: []byte("{}"),
		Timeout: time.Minute, Memory: memoryCap, Lanes: plugin.NewLanes(max(1, runtime.GOMAXPROCS(0)-1)), Snapshots: images,
	})
	var edited *document.Document
	return echo{
		name: "gateway",
		call: func(t testing.TB, body []byte) time.Duration {
			m := plugin.Mail{ID: "msg_01ARYZ6S410000000000000000_1", Tenant: "acme", View: &mime.Message{HTML: &mime.Body{Content: string(body)}}}
			doc := &document.Document{Root: document.Object(document.Member{Name: "message", Value: document.Object()})}
			begin := time.Now()
			res, err := p.Run(t.Context(), m, doc)
			took := time.Since(begin)
			if err != nil {
				t.Fatal(err)
			}
			edited = res.Document
			return took
		},
		got: func(t testing.TB) []byte {
			var b bytes.Buffer
			if err := edited.Encode(&b, nil); err != nil {
				t.Fatal(err)
			}
			rest, _ := bytes.CutPrefix(b.Bytes(), []byte(`{"message":{},"echo":`))
			return bytes.TrimSuffix(rest, []byte("}"))
		},
	}
}

func loadPlugin(t testing.TB, cfg plugin.Config) *plugin.Plugin {
	t.Helper()
	p, err := plugin.Load(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

// compileExtism compiles a plugin for Extism, and returns what makes an instance of it.
func compileExtism(t testing.TB, wasm []byte) func(context.Context) (*extism.Plugin, error) {
	t.Helper()
	compiled, err := extism.NewCompiledPlugin(t.Context(), extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: wasm}}}, extism.PluginConfig{EnableWasi: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = compiled.Close(context.Background()) })
	return func(ctx context.Context) (*extism.Plugin, error) {
		return compiled.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: wazero.NewModuleConfig().WithName("")})
	}
}

func extismEchoes(t testing.TB, wasm []byte) []echo {
	t.Helper()
	instance := compileExtism(t, wasm)
	one, err := instance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = one.Close(context.Background()) })
	var out []byte
	call := func(ctx context.Context, p *extism.Plugin, body []byte) error {
		code, b, err := p.CallWithContext(ctx, "transform", body)
		if err == nil && code != 0 {
			err = fmt.Errorf("transform returns %d", code)
		}
		out = b
		return err
	}
	got := func(testing.TB) []byte { return out }
	return []echo{
		{name: "extism", got: got, call: func(t testing.TB, body []byte) time.Duration {
			begin := time.Now()
			err := call(t.Context(), one, body)
			took := time.Since(begin)
			if err != nil {
				t.Fatal(err)
			}
			return took
		}},
		{name: "extism-new", got: got, slow: true, call: func(t testing.TB, body []byte) time.Duration {
			begin := time.Now()
			p, err := instance(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = call(t.Context(), p, body)
			out = slices.Clone(out) // it is the instance's memory
			closed := p.Close(t.Context())
			took := time.Since(begin)
			if err != nil || closed != nil {
				t.Fatal(err, closed)
			}
			return took
		}},
	}
}

// sizes are those of the bodies, in octets, and how often a body is given to a contender
// before the next one has its turn.
func sizes() []struct {
	name         string
	octets, turn int
} {
	return []struct {
		name         string
		octets, turn int
	}{{"1KiB", 1 << 10, 20}, {"64KiB", 64 << 10, 10}, {"1MiB", 1 << 20, 3}}
}

// body is a JSON text of so many octets, so that what it is echoed into is a payload.
func body(octets int) []byte {
	const text = "The quick brown fox jumps over the lazy dog. "
	return []byte(`"` + strings.Repeat(text, octets/len(text)+1)[:octets-2] + `"`)
}

// TestEchoes holds that what is measured gives back what it is given, each time.
func TestEchoes(t *testing.T) {
	t.Parallel()
	for _, language := range languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for _, e := range echoes(t, language) {
				for _, octets := range []int{1 << 10, 1<<20 + 5, 7, 64 << 10, 64 << 10} {
					e.call(t, body(octets))
					if got := e.got(t); !bytes.Equal(got, body(octets)) {
						t.Errorf("%s gives back %d octets that are not the %d", e.name, len(got), octets)
					}
				}
			}
		})
	}
}

// BenchmarkEcho hands bodies over to a plugin that gives them back, by the ways of echoes, in
// rounds in which they take turns. It reports medians and the least, in microseconds, and how
// many times as long as ours Extism takes: by the medians and, as "-least", by the least, which
// tells more on a machine that does other things too.
func BenchmarkEcho(b *testing.B) {
	for _, language := range languages() {
		b.Run(language, func(b *testing.B) {
			contenders := echoes(b, language)
			for _, size := range sizes() {
				b.Run(size.name, func(b *testing.B) { measureEchoes(b, contenders, body(size.octets), size.turn) })
			}
		})
	}
}

func measureEchoes(b *testing.B, contenders []echo, body []byte, turn int) {
	took := make([][]time.Duration, len(contenders))
	for b.Loop() {
		for i, c := range contenders {
			calls := turn
			if c.slow {
				calls = 1
			} else {
				c.call(b, body) // the caches are the contender's before
			}
			for range calls {
				took[i] = append(took[i], c.call(b, body))
			}
			if !bytes.Equal(c.got(b), body) {
				b.Fatalf("%s does not give back what it is given", c.name)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // that of a round says nothing
	medians, least := make(map[string]float64), make(map[string]float64)
	for i, c := range contenders {
		medians[c.name], least[c.name] = 1e3*median(took[i]), float64(slices.Min(took[i]))/float64(time.Microsecond)
		b.ReportMetric(medians[c.name], c.name+"-µs")
		b.ReportMetric(least[c.name], c.name+"-least-µs")
	}
	for _, own := range []string{"boundary", "gateway"} {
		b.ReportMetric(medians["extism"]/medians[own], own+"-ratio")
		b.ReportMetric(least["extism"]/least[own], own+"-ratio-least")
		b.ReportMetric(medians["extism-new"]/medians[own], own+"-new-ratio")
	}
}
