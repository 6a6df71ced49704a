package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/plugin/builtin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// fetchingPlugins is said where that takes its time.
const fetchingPlugins = "fetching plugins; what is fetched is kept"

// maxFetching is how many modules are fetched at the same time.
const maxFetching = 4

// openModules makes what gets modules from elsewhere. What it fetches is kept beside
// what was compiled.
func openModules(cacheDir string) *artifact.Opener {
	return artifact.New(artifact.Config{CacheDir: cacheDir, UserAgent: "Postern/" + version})
}

// openSigners reads the keys of all signers, by their names.
func openSigners(cfg *config.Config) (map[string]*artifact.Signer, config.Problems) {
	signers := make(map[string]*artifact.Signer, len(cfg.Signers))
	var wrong config.Problems
	for _, s := range cfg.Signers {
		signer, err := openSigner(s)
		if err != nil {
			wrong = append(wrong, s.At.Problem("", terminal.Text(err.Error(), maxError)))
			continue
		}
		signers[s.Name] = signer
	}
	return signers, wrong
}

func openSigner(s config.Signer) (*artifact.Signer, error) {
	if s.PublicKeyFile != "" {
		return artifact.ReadSigner(s.Name, s.PublicKeyFile)
	}
	return artifact.ParseSigner(s.Name, s.PublicKey)
}

// openBlocks gets the modules of blocks, in their order, with what is wrong with each. A
// block whose signer is not among those that could be read is not opened.
func openBlocks(ctx context.Context, blocks []pluginBlock, modules *artifact.Opener, signers map[string]*artifact.Signer, progress io.Writer) ([]pluginSource, []error) {
	defer announce(progress, fetchingPlugins)()
	sources := make([]pluginSource, len(blocks))
	problems := make([]error, len(blocks))
	var wg sync.WaitGroup
	fetching := make(chan struct{}, maxFetching)
	for i, b := range blocks {
		wg.Go(func() {
			fetching <- struct{}{}
			defer func() { <-fetching }()
			sources[i], problems[i] = b.open(ctx, modules, signers)
		})
	}
	wg.Wait()
	return sources, problems
}

// pluginSource is a module, and what it carries with it.
type pluginSource struct {
	wasm        []byte
	grant       []string
	read, write []document.Pointer
	carries     bool // what it may do, whatever its block says
	builtin     bool // it is a part of the program
}

// openBlock gets the module of a block.
func openBlock(ctx context.Context, p config.Plugin, modules *artifact.Opener, signers map[string]*artifact.Signer) (pluginSource, error) {
	request := artifact.Request{
		SHA256: p.SHA256, Signer: signers[p.SignedBy],
		Signature: artifact.Source{File: p.Signature.File, URL: p.Signature.URL},
	}
	var source pluginSource
	var err error
	if p.SignedBy != "" && request.Signer == nil {
		err = fmt.Errorf("the key of signer %q could not be read", p.SignedBy)
	} else {
		source, err = openPlugin(ctx, modules, p.Source, request)
	}
	if err != nil {
		return pluginSource{}, fmt.Errorf("plugin %q: %w", p.Name, err)
	}
	return source, nil
}

// openPlugin gets a module: a builtin, or else what the request asks for, at the
// source.
func openPlugin(ctx context.Context, modules *artifact.Opener, s config.Source, request artifact.Request) (pluginSource, error) {
	if s.Builtin == "" {
		request.Source = artifact.Source{File: s.File, URL: s.URL, OCI: s.OCI}
		wasm, err := modules.Open(ctx, request)
		return pluginSource{wasm: wasm}, err
	}
	m, err := builtin.Get(s.Builtin)
	if err == nil && request.SHA256 != "" {
		err = artifact.CheckPin("builtin:"+s.Builtin, m.Wasm, request.SHA256)
	}
	return pluginSource{wasm: m.Wasm, grant: m.Grant, read: m.Read, write: m.Write, carries: true, builtin: true}, err
}

// pluginArgument is what a person calls a plugin on the command line.
const pluginArgument = `FILE.wasm, builtin:NAME, https://… with --sha256, or
oci://REGISTRY/REPOSITORY@sha256:DIGEST`

// openPluginArgument gets the module that an argument names, and that has the SHA-256
// of a pin where there is one.
func openPluginArgument(cmd *cobra.Command, argument, pin string) (pluginSource, error) {
	source := config.Source{File: strings.TrimPrefix(argument, "file:")}
	switch scheme, _, _ := strings.Cut(argument, ":"); scheme {
	case "builtin", "http", "https", "oci":
		var err error
		if source, err = config.ParseSource(argument); err != nil {
			return pluginSource{}, err
		}
	}
	switch {
	case source.URL != "" && pin == "" && cmd.Flags().Lookup("sha256") == nil:
		return pluginSource{}, errors.New("https:// needs a SHA-256 to hold the module to; fetch it into a file, and name that")
	case source.URL != "" && pin == "":
		return pluginSource{}, errors.New("https:// needs --sha256, since the server could send any module")
	}
	defer announce(cmd.ErrOrStderr(), fetchingPlugins)()
	return openPlugin(cmd.Context(), openModules(compilationCache("")), source, artifact.Request{SHA256: strings.ToLower(pin)})
}

func (s pluginSource) sha256() string {
	sum := sha256.Sum256(s.wasm)
	return hex.EncodeToString(sum[:])
}

// compiler is what compiles the module: a process of its own for what strangers wrote.
func (s pluginSource) compiler() sandbox.Compiler {
	if s.builtin {
		return nil
	}
	return compilation{memory: compileMemory, time: compileTime}.inChild
}

// configure joins what the module carries with what its block says.
func (s pluginSource) configure(p config.Plugin, host pluginHost) plugin.Config {
	cfg := plugin.Config{
		Name: p.Name, Wasm: s.wasm, Grant: p.Grant, Read: p.Read, Write: p.Write, Options: p.Options,
		Timeout: p.Timeout, Memory: uint64(p.Memory), Fuel: p.Fuel, CacheDir: host.cacheDir, Compiler: s.compiler(), Lanes: host.lanes, Snapshots: host.snapshots, Owner: p.Tenant,
	}
	if s.carries {
		cfg.Grant, cfg.Read, cfg.Write = s.grant, s.read, s.write
	}
	return cfg
}
