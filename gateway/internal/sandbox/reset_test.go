package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// markdownModule is a plugin in Go that comes with the gateway, newsletterFile a mail for it.
const (
	markdownModule = "../plugin/builtin/modules/markdown.wasm"
	newsletterFile = "../../../plugins/markdown/testdata/mails/newsletter_mjml.html"
)

// builtMarkdown reads the plugin.
func builtMarkdown(t testing.TB) []byte {
	t.Helper()
	wasm, err := os.ReadFile(markdownModule)
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: the built plugins (make plugins)")
		}
		t.Skip("missing: the built plugins (make plugins)")
	}
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// mailsOf are bodies of 1 KiB and of 50 KB: a few paragraphs, and a newsletter with its story
// repeated.
func mailsOf(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile(newsletterFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "<!-- story -->")
	story, tail, ok := strings.Cut(rest, "<!-- /story -->")
	if !ok {
		t.Fatal("the newsletter has no story")
	}
	return map[string]string{
		"1-KiB": strings.Repeat("<p>The quick brown fox jumps over the lazy dog.", 22),
		"50-KB": head + strings.Repeat(story, (50_000-len(head)-len(tail))/len(story)+1) + tail,
	}
}

// stage is the plugin with as much of the contract as it takes.
type stage struct {
	pool *Pool
	html string
	set  string // the JSON that it has set
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{}
	m, err := Compile(t.Context(), builtMarkdown(t), Config{Memory: 128 << 20, Functions: []Function{
		{Module: "postern:plugin/body@0.1.0", Name: "html", Params: []Type{I32}, Call: s.bodyHTML},
		{Module: "postern:plugin/body@0.1.0", Name: "text", Params: []Type{I32}, Call: func(_ context.Context, g *Guest, stack []uint64) error {
			return g.Write(uint32(stack[0]), make([]byte, 16)) // none
		}},
		{Module: "postern:plugin/payload@0.1.0", Name: "set", Params: []Type{I32, I32, I32, I32, I32}, Call: func(_ context.Context, g *Guest, stack []uint64) error {
			b, err := g.Read(uint32(stack[2]), uint32(stack[3]))
			s.set = string(b)
			return errors.Join(err, g.Write(uint32(stack[4]), make([]byte, 16))) // done
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	s.pool = m.NewPool(1, func(ctx context.Context, g *Guest) error {
		address, err := g.Allocate(ctx, 1, 2)
		if err != nil {
			return err
		}
		return errors.Join(g.Write(address, []byte("{}")), callResult(ctx, g, "postern:plugin/transformer@0.1.0#configure", uint64(address), 2))
	})
	return s
}

func (s *stage) bodyHTML(ctx context.Context, g *Guest, stack []uint64) error {
	address, err := g.Allocate(ctx, 1, uint32(len(s.html)))
	if err != nil {
		return err
	}
	var answer [16]byte // some, address, length, not truncated
	answer[0] = 1
	binary.LittleEndian.PutUint32(answer[4:], address)
	binary.LittleEndian.PutUint32(answer[8:], uint32(len(s.html)))
	return errors.Join(g.Write(address, []byte(s.html)), g.Write(uint32(stack[0]), answer[:]))
}

// transform runs the plugin, as what a pool is given to run.
func (s *stage) transform(ctx context.Context, g *Guest) error {
	return callResult(ctx, g, "postern:plugin/transformer@0.1.0#transform")
}

// callResult calls an export that returns a result<_, string>, and what is to be called after it.
func callResult(ctx context.Context, g *Guest, name string, args ...uint64) error {
	results, err := g.Call(ctx, name, args...)
	if err != nil {
		return err
	}
	failed, err := g.Read(uint32(results[0]), 1)
	if err != nil {
		return err
	}
	if failed[0] != 0 {
		return errors.New("the plugin returns an error")
	}
	_, err = g.Call(ctx, "cabi_post_"+name, results[0])
	return err
}

// TestPluginIsReset holds that what the benchmark runs is a conversion, and the same one each
// time in an instance that was reset.
func TestPluginIsReset(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	mails := mailsOf(t)
	want := make(map[string]string)
	for range 3 {
		for name, html := range mails {
			s.html, s.set = html, ""
			if _, err := s.pool.Run(t.Context(), io.Discard, s.transform); err != nil {
				t.Fatal(err)
			}
			if len(s.set) < len(html)/10 {
				t.Errorf("%s: %d octets were set for %d", name, len(s.set), len(html))
			}
			if want[name] == "" {
				want[name] = s.set
			}
			if s.set != want[name] {
				t.Errorf("%s: another run gives something else", name)
			}
			if len(s.pool.idle) != 1 {
				t.Errorf("%s: the instance was not kept", name)
			}
		}
	}
}

// BenchmarkReset runs a plugin in Go on a mail and sets its instance back. It reports what
// that takes, and beside it what a pool does else for a pristine instance: a clone of the
// image, and an instance that is started and configured, which both then are closed, untimed.
// Each is given as its median and as the least, in microseconds.
func BenchmarkReset(b *testing.B) {
	s := newStage(b)
	for name, html := range mailsOf(b) {
		b.Run(name, func(b *testing.B) {
			s.html = html
			took := make(map[string][]time.Duration)
			timed := func(name string, f func()) {
				begin := time.Now()
				f()
				took[name] = append(took[name], time.Since(begin))
			}
			r := &run{output: io.Discard, random: maxRandom}
			ctx := withRun(b.Context(), r)
			for b.Loop() {
				for range 10 {
					in, err := s.pool.take(ctx)
					if err != nil {
						b.Fatal(err)
					}
					in.io.run, in.io.ctx = r, ctx
					r.random = maxRandom
					if err := s.transform(ctx, in.guest); err != nil {
						b.Fatal(err)
					}
					restored := false
					timed("reset", func() { restored = in.restore() })
					if !restored {
						b.Fatal("the instance was not set back")
					}
					s.pool.giveBack(ctx, in, true)
				}
				timed("clone", func() {
					in, err := s.pool.clone(ctx, s.pool.image.use())
					if err != nil || in == nil {
						b.Fatal("there is no clone", err)
					}
					b.Cleanup(func() { in.close(ctx) })
				})
				timed("fresh", func() {
					in, err := s.pool.fresh(ctx)
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { in.close(ctx) })
				})
			}
			b.ReportMetric(0, "ns/op") // that of a round says nothing
			for name, list := range took {
				slices.Sort(list)
				b.ReportMetric(float64(list[len(list)/2])/1e3, name+"-µs")
				b.ReportMetric(float64(list[0])/1e3, name+"-least-µs")
			}
		})
	}
}
