package plugin_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/plugin"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	cfg := config(t, "look")
	in, err := plugin.Inspect(t.Context(), cfg.Wasm, cfg.CacheDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if in.Contract != "0.1.0" || in.Problem != "" || in.Size != len(cfg.Wasm) || in.SHA256 != load(t, cfg).SHA256() {
		t.Errorf("inspection = %+v", in)
	}
	if diff := cmp.Diff([]string{"attachments", "body", "disposition", "envelope", "headers", "payload", "raw", "scans"}, in.Permissions); diff != "" {
		t.Error(diff)
	}
	all := strings.Join(in.Imports, "\n") + strings.Join(in.Exports, "\n")
	for _, want := range []string{"postern:plugin/log@0.1.0 write", plugin.WASI + " fd_write", "postern:plugin/transformer@0.1.0#transform"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
}

// TestInspectWhatIsNone looks at modules that are no plugins, of another contract,
// or no modules at all.
func TestInspectWhatIsNone(t *testing.T) {
	t.Parallel()
	empty := "\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00"
	other := strings.ReplaceAll(string(config(t, "look").Wasm), "transformer@0.1.0#", "transformer@9.9.9#")
	for name, tc := range map[string]struct{ wasm, problem, failure string }{
		"no plugin":     {empty, "module is no plugin: it does not export postern:plugin/transformer@0.1.0#configure", ""},
		"other version": {other, "module is of another version of the contract", ""},
		"text":          {"plugin", "", "it is no WebAssembly module"},
		"nothing":       {"", "", "it is empty"},
		"cut":           {"\x00asm\x01", "", "module cannot be compiled"},
		"component":     {"\x00asm\x0d\x00\x01\x00", "", "component: there is no core module in it"},
	} {
		in, err := plugin.Inspect(t.Context(), []byte(tc.wasm), config(t, "look").CacheDir, nil)
		if err != nil {
			if tc.failure == "" || !strings.HasPrefix(err.Error(), tc.failure) {
				t.Errorf("%s: error = %v, want %q", name, err, tc.failure)
			}
			continue
		}
		if tc.failure != "" || !strings.HasPrefix(in.Problem, tc.problem) || in.Problem == "" {
			t.Errorf("%s: problem = %q, want %q%q", name, in.Problem, tc.problem, tc.failure)
		}
		if name == "other version" && in.Contract != "9.9.9" {
			t.Errorf("contract = %q", in.Contract)
		}
	}
}

// TestLanes has more runs than lanes: each gets its turn, and who gives up waiting
// is told so.
func TestLanes(t *testing.T) {
	t.Parallel()
	cfg := config(t, "look")
	cfg.Lanes = plugin.NewLanes(1)
	p := load(t, cfg)
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := p.Run(context.Background(), parsed(t), start())
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	plugin.TakeLane(t, cfg.Lanes) // and never leave it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Run(ctx, parsed(t), start()); err == nil || !strings.HasPrefix(err.Error(), "wait for a lane: ") {
		t.Errorf("error = %v", err)
	}
}
