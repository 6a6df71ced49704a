package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// cacheVariable names the folder for compiled plugins, for all verbs.
const cacheVariable = "POSTERN_CACHE_DIR"

// compilationCache is the folder for compiled plugins: that of the environment, or
// else of the data folder, or where there is none to be touched, of the user. It
// is empty where there is none at all.
func compilationCache(dataDir string) string {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return dir
	}
	if dataDir != "" {
		return cacheIn(dataDir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "postern")
	if os.MkdirAll(dir, 0o700) != nil {
		return "" // a service's user may have no home; to compile again is but slower
	}
	return dir
}

// cacheIn is the folder for compiled plugins of a gateway's data folder.
func cacheIn(dataDir string) string { return filepath.Join(dataDir, "cache") }

// checkingCache is the folder for compiled plugins of a verb that looks at a
// configuration: that of the gateway's own data folder, where it is this user's, so
// that the next start finds what was compiled.
func checkingCache(dataDir string) string {
	dir := cacheIn(dataDir)
	if info, err := os.Stat(dir); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == os.Geteuid() {
			return compilationCache(dataDir)
		}
	}
	return compilationCache("")
}

// patienceOfPeople is how long something may take without a word about it.
const patienceOfPeople = time.Second

// announceCompiling says that plugins are compiled, if that takes its time. The
// function that it returns is to be called when they are.
func announceCompiling(w io.Writer) (done func()) {
	return announce(w, "compiling plugins; what is compiled is kept")
}

func announce(w io.Writer, what string) (done func()) {
	slow := time.AfterFunc(patienceOfPeople, func() {
		_, _ = fmt.Fprintln(w, "postern:", what)
	})
	return func() { slow.Stop() }
}

// pluginHost is what all plugins of a process share.
type pluginHost struct {
	// strict has nothing loaded where anything is wrong. Otherwise what is wrong with a plugin of
	// one tenant, or a shadow, is its own: a tenant's plugin is a stage that fails.
	strict    bool
	cacheDir  string
	modules   *artifact.Opener
	lanes     *plugin.Lanes      // nil for no bound
	snapshots *sandbox.Snapshots // nil for no bound
}

// maxSnapshots bounds what configured instances are kept as, in octets. One of a plugin in Go
// takes some four mebibytes.
const maxSnapshots = 512 << 20

// newPluginHost returns the host of a gateway's plugins, which lives as long as the process.
func newPluginHost(cacheDir string) pluginHost {
	return pluginHost{
		cacheDir: cacheDir, modules: openModules(cacheDir),
		lanes: plugin.NewLanes(max(1, runtime.GOMAXPROCS(0)-1)), snapshots: sandbox.NewSnapshots(maxSnapshots),
	}
}

// loadedPlugin is a plugin, and what it was loaded as.
type loadedPlugin struct {
	*plugin.Plugin // nil where it could not be loaded
	as             [sha256.Size]byte
	// broken says why it could not be loaded.
	broken error
}

// runner is the plugin in the chains.
func (p loadedPlugin) runner() pipeline.Runner {
	if p.broken != nil {
		return brokenPlugin{p.broken}
	}
	return p.Plugin
}

// brokenPlugin stands in the chains for a plugin that could not be loaded.
type brokenPlugin struct{ why error }

// Run implements pipeline.Runner.
func (b brokenPlugin) Run(_ context.Context, _ plugin.Mail, doc *document.Document) (plugin.Result, error) {
	return plugin.Result{Document: doc, Verdict: plugin.Continue}, fmt.Errorf("it could not be loaded: %w", b.why)
}

// loadPlugins loads the plugins of a configuration and their shadows, by their keys. Those
// of before that are to be loaded as they are already are taken from there. Its error holds
// all that is wrong with any of them, and none is loaded then.
func loadPlugins(ctx context.Context, cfg *config.Config, host pluginHost, before map[string]loadedPlugin, progress io.Writer) (map[string]loadedPlugin, error) {
	all := pluginBlocks(cfg)
	loaded := make([]loadedPlugin, len(all))
	signers, wrong := openSigners(cfg)
	sources, problems := openBlocks(ctx, all, host.modules, signers, progress)
	defer announceCompiling(progress)()
	blocks := make(map[string][]int) // by module, so that each is compiled once
	for i := range all {
		if problems[i] != nil {
			continue
		}
		sum := sources[i].sha256()
		if same := blocks[sum]; same != nil {
			sources[i].wasm = sources[same[0]].wasm // and is in memory once
		}
		blocks[sum] = append(blocks[sum], i)
	}
	var wg sync.WaitGroup
	compiling := make(chan struct{}, runtime.GOMAXPROCS(0)) // the compiler takes memory
	for _, block := range blocks {
		wg.Go(func() {
			compiling <- struct{}{}
			defer func() { <-compiling }()
			for _, i := range block {
				as := all[i].configure(sources[i], host)
				loaded[i].as = fingerprint(as, sources[i])
				if same := before[all[i].key()]; same.Plugin != nil && same.as == loaded[i].as {
					loaded[i] = same
					continue
				}
				loaded[i].Plugin, problems[i] = plugin.Load(ctx, as)
			}
		})
	}
	wg.Wait()
	byKey := make(map[string]loadedPlugin)
	for i, b := range all {
		if problems[i] != nil {
			problem := b.At.Problem("", terminal.Text(strings.ReplaceAll(b.explain(problems[i]).Error(), "\n", "; "), maxError))
			if host.strict || b.Tenant == "" && b.of == nil {
				wrong = append(wrong, problem)
				continue
			}
			byKey[b.key()] = loadedPlugin{broken: problem}
			continue
		}
		byKey[b.key()] = loaded[i]
	}
	if ctx.Err() != nil {
		closePlugins(ctx, byKey, before)
		return nil, failure{errors.New("stopped before the plugins were loaded")}
	}
	if wrong != nil {
		closePlugins(ctx, byKey, before)
		return nil, wrong
	}
	return byKey, nil
}

// fingerprint tells apart all that a plugin can be loaded as.
func fingerprint(cfg plugin.Config, source pluginSource) [sha256.Size]byte {
	text := fmt.Sprintf("%q", []any{
		cfg.Name, source.sha256(), cfg.Grant, texts(cfg.Write), texts(cfg.Read), cfg.Read == nil, cfg.Options, cfg.Timeout, cfg.Memory, cfg.Fuel, cfg.Behind,
	})
	return sha256.Sum256([]byte(text))
}

// closePlugins gives back what the plugins hold, which is memory alone, but for those that
// stay in use.
func closePlugins(ctx context.Context, plugins, inUse map[string]loadedPlugin) {
	for key, p := range plugins {
		if p.Plugin != nil && p.Plugin != inUse[key].Plugin {
			_ = p.Close(context.WithoutCancel(ctx)) // there is nothing that could be lost
		}
	}
}

// asProblems makes an error a list of problems, which it may be already.
func asProblems(err error) config.Problems {
	if problems, ok := errors.AsType[config.Problems](err); ok {
		return problems
	}
	return config.Problems{{Message: err.Error()}}
}
