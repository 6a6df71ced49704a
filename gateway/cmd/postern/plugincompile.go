package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// What compiling a module of strangers may take. A module of 12 MB in JavaScript takes some
// 10 seconds and less than a gibibyte.
const (
	compileMemory = 2048             // MiB
	compileTime   = 2 * time.Minute  // of a processor
	compileWait   = 10 * time.Minute // by the clock, on a busy machine
	compileFile   = 1 << 30          // octets of compiled code
	// compileNice has mail go first while the gateway compiles for a reload.
	compileNice = 10
)

// compiled is what "plugin compile --json" prints.
type compiled struct {
	Plugin     string  `json:"plugin"`
	SHA256     string  `json:"sha256"`
	CacheDir   string  `json:"cache_dir"`
	DurationMS float64 `json:"duration_ms"`
}

// compilation is what compiling a module may take.
type compilation struct {
	memory int // MiB
	time   time.Duration
}

func newPluginCompile() *cobra.Command {
	var asJSON, child bool
	var cacheDir string
	var bounds compilation
	cmd := &cobra.Command{
		Use:   "compile PLUGIN",
		Short: "Compile a plugin ahead of time, within bounds",
		Long: fmt.Sprintf(`Compile translates a plugin to code of this machine and keeps that in the cache, where
"serve" finds it. It runs nothing of the plugin. A module can be made so that it takes
any memory and time to compile, so that is done by a process of its own, which the
system ends beyond --max-memory and --max-time. "check", "serve" and the other verbs do
the same, with %d MiB and %s.

PLUGIN is FILE.wasm or builtin:NAME; "-" is standard input. The cache is --cache-dir,
or %s, or else the user's own cache folder; that of a gateway is
DATA_DIR/cache. Exit code 1: it cannot be compiled, and why is said.`, compileMemory, compileTime, cacheVariable),
		Example: `  postern plugin compile acme-crm.wasm
  postern plugin compile acme-crm.wasm --cache-dir /var/lib/postern/cache`,
		Args: want("PLUGIN"),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			if cacheDir == "" {
				cacheDir = compilationCache("")
			}
			if cacheDir == "" {
				return errors.New("there is no cache folder: say --cache-dir DIR")
			}
			wasm, err := readPluginArgument(cmd, args[0])
			if err != nil {
				return err
			}
			compiler := bounds.inChild
			if child {
				if err := bounds.limitProcess(); err != nil {
					return err
				}
				compiler = nil
			}
			began := time.Now()
			in, err := plugin.Inspect(cmd.Context(), wasm, cacheDir, compiler)
			if err != nil {
				if !child { // who started that knows what it is
					err = fmt.Errorf("%s: %w", args[0], err)
				}
				return err
			}
			took := time.Since(began)
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(compiled{
					Plugin: args[0], SHA256: in.SHA256, CacheDir: cacheDir, DurationMS: float64(took.Microseconds()) / 1000,
				})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Compiled in %s; kept in %s.\n", took.Round(time.Millisecond), terminal.Text(cacheDir, maxSymbol))
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "keep compiled code in `DIR`")
	cmd.Flags().IntVar(&bounds.memory, "max-memory", compileMemory, "memory that it may take, in `MIB`")
	cmd.Flags().DurationVar(&bounds.time, "max-time", compileTime, "time of a processor that it may take, in whole seconds")
	cmd.Flags().BoolVar(&child, "child", false, "compile in this process")
	_ = cmd.Flags().MarkHidden("child") // it is there
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if bounds.memory < 1 || bounds.memory > 1<<20 || bounds.time < time.Second {
			return fmt.Errorf("--max-memory %d and --max-time %s: want at least 1 MiB and 1 second", bounds.memory, bounds.time)
		}
		return nil
	}
	return cmd
}

// readPluginArgument reads a module from what a person calls a plugin, or standard input.
func readPluginArgument(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return readBounded(cmd.InOrStdin(), "standard input", artifact.MaxModule)
	}
	source, err := openPluginArgument(cmd, name, "")
	return source.wasm, err
}

// limitProcess bounds what this process may take from here on.
func (c compilation) limitProcess() error {
	memory := uint64(c.memory) << 20
	debug.SetMemoryLimit(int64(memory / 4 * 3))
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{syscall.RLIMIT_DATA, dataSize() + memory},
		{syscall.RLIMIT_CPU, uint64(c.time / time.Second)},
		{syscall.RLIMIT_FSIZE, compileFile},
		{syscall.RLIMIT_CORE, 0},
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("limit this process: %w", err)
		}
		most := min(l.most, now.Max)
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit this process: %w", err)
		}
	}
	return nil
}

// dataSize is the memory that this process has asked for so far, in octets; 0 where the
// system does not say.
func dataSize() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "\nVmData:")
	var kibibytes uint64
	if _, err := fmt.Sscanf(rest, "%d kB", &kibibytes); err != nil {
		return 0
	}
	return kibibytes << 10
}

// inChild is a sandbox.Compiler: it compiles in a process of its own, which has nothing of this
// one's environment.
func (c compilation) inChild(ctx context.Context, wasm []byte, cacheDir string) error {
	program, err := ownProgram()
	if err != nil {
		return fmt.Errorf("compile in a process of its own: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, compileWait)
	defer cancel()
	//nolint:gosec // it is this program
	cmd := exec.CommandContext(ctx, program, "plugin", "compile", "-", "--child", "--cache-dir", cacheDir,
		"--max-memory", strconv.Itoa(c.memory), "--max-time", c.time.String())
	cmd.Args[0] = "postern"
	cmd.Env = []string{}
	cmd.Stdin = bytes.NewReader(wasm)
	stderr := &firstOctets{most: maxError}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("compile in a process of its own: %w", err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, compileNice) // it works without, too
	err = cmd.Wait()
	if err == nil || ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return c.explain(ctx, err, string(stderr.octets))
}

// ownProgram is what starts this program once more, also where another version has taken its
// place since.
func ownProgram() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// explain says why a process that compiles has failed.
func (c compilation) explain(ctx context.Context, err error, said string) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case !ok:
		return fmt.Errorf("compile in a process of its own: %w", err)
	case ctx.Err() != nil:
		return fmt.Errorf("module cannot be compiled: it takes more than %s", compileWait)
	case exit.ExitCode() == exitFailure:
		return errors.New(strings.TrimSpace(strings.TrimPrefix(said, "postern: ")))
	case strings.Contains(said, "out of memory"), strings.Contains(said, "cannot allocate memory"), strings.Contains(said, "pthread_create failed"):
		return fmt.Errorf("module cannot be compiled: it takes more than %d MiB of memory", c.memory)
	case exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && exit.SystemTime()+exit.UserTime() > c.time-time.Second:
		return fmt.Errorf("module cannot be compiled: it takes more than %s of a processor", c.time)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return fmt.Errorf("module cannot be compiled: the process that does it ended by %w: %s", err, valueOr(first, "it said nothing"))
}

// firstOctets keeps the first octets of what is written to it.
type firstOctets struct {
	octets []byte
	most   int
}

// Write implements io.Writer.
func (f *firstOctets) Write(p []byte) (int, error) {
	f.octets = append(f.octets, p[:min(len(p), f.most-len(f.octets))]...)
	return len(p), nil
}
