package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// The bounds of a trial run, which are those of a block that says none.
const (
	runTimeout = 5 * time.Second
	runMemory  = 128 << 20
	runFuel    = 10_000_000_000
)

// pluginFlags say which plugin is tried, and by what grants and limits.
type pluginFlags struct {
	config  configFlags
	options string
	write   []string
	read    []string
	timeout time.Duration
	pin     string
}

func (f *pluginFlags) register(cmd *cobra.Command) {
	f.config.register(cmd)
	cmd.Flags().StringVar(&f.options, "options", "{}", "the options as `JSON`, or @FILE")
	cmd.Flags().StringArrayVar(&f.write, "write", nil, "JSON `POINTER` of what the plugin may change; may be repeated")
	cmd.Flags().StringArrayVar(&f.read, "read", nil, "JSON `POINTER` of what it may read; by default what it may change")
	cmd.Flags().DurationVar(&f.timeout, "timeout", runTimeout, "bound for a run")
	cmd.Flags().StringVar(&f.pin, "sha256", "", "`HASH` that the module is to have")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, flag := range []string{"options", "write", "read", "timeout", "sha256"} {
			if len(f.config.files) > 0 && cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s goes without -c: the plugin's block says it", flag)
			}
		}
		return nil
	}
}

// load finds the module and says what it may do. What is one tenant's alone is tried on a
// delivery of that tenant.
func (f *pluginFlags) load(cmd *cobra.Command, name string, d *deliveryFlags) (plugin.Config, error) {
	if len(f.config.files) > 0 {
		return f.configured(cmd, name, d)
	}
	source, err := openPluginArgument(cmd, name, f.pin)
	if err != nil {
		return plugin.Config{}, failure{err}
	}
	options, err := f.readOptions()
	if err != nil {
		return plugin.Config{}, fmt.Errorf("--options: %w", err)
	}
	cfg := trialConfig(source, name, options)
	cfg.Timeout = f.timeout
	if err := restrict(&cfg, f.write, f.read); err != nil {
		return plugin.Config{}, fmt.Errorf("--%w", err)
	}
	if f.timeout <= 0 {
		return plugin.Config{}, fmt.Errorf("--timeout %s: want a positive duration", f.timeout)
	}
	return cfg, nil
}

// trialConfig grants a plugin what it asks for, by the limits of a block that says none.
func trialConfig(source pluginSource, name string, options []byte) plugin.Config {
	return source.configure(config.Plugin{
		Name: name, Timeout: runTimeout, Memory: runMemory, Fuel: runFuel, Options: options, Grant: plugin.Permissions(), Write: []document.Pointer{{}},
	}, pluginHost{cacheDir: compilationCache("")})
}

// restrict gives a plugin less of the payload, where write and read say something.
func restrict(cfg *plugin.Config, write, read []string) (err error) {
	if write != nil {
		if cfg.Write, err = pointers(write); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		cfg.Read = nil
	}
	if read != nil {
		if cfg.Read, err = pointers(read); err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	return nil
}

// configured takes the plugin of a block.
func (f *pluginFlags) configured(cmd *cobra.Command, name string, d *deliveryFlags) (plugin.Config, error) {
	f.config.withoutCredentials = true
	cfg, err := f.config.load(nil)
	if err != nil {
		return plugin.Config{}, err
	}
	p, err := findPlugin(cfg, name)
	if err != nil {
		return plugin.Config{}, err
	}
	signers, wrong := openSigners(cfg)
	if wrong != nil {
		return plugin.Config{}, wrong
	}
	cacheDir := compilationCache("")
	said := announce(cmd.ErrOrStderr(), fetchingPlugins)
	source, err := openBlock(cmd.Context(), p, openModules(cacheDir), signers)
	said()
	if err != nil {
		return plugin.Config{}, failure{pluginBlock{Plugin: p}.explain(err)}
	}
	if p.Tenant != "" {
		d.tenant = p.Tenant // it never sees another's mail
	}
	return source.configure(p, pluginHost{cacheDir: cacheDir}), nil
}

func (f *pluginFlags) readOptions() ([]byte, error) {
	file, isFile := strings.CutPrefix(f.options, "@")
	text := []byte(f.options)
	if isFile {
		var err error
		if text, err = readSmall(file, maxOptions); err != nil {
			return nil, err
		}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, errors.New(`want a JSON object, such as '{"account":"acme"}'`)
	}
	return text, nil
}

// maxOptions bounds a plugin's options, in octets.
const maxOptions = 1 << 20

func pointers(list []string) ([]document.Pointer, error) {
	out := make([]document.Pointer, len(list))
	for i, s := range list {
		var err error
		if out[i], err = document.ParsePointer(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readScan reads a scanner's answer for a plugin to find.
func readScan(engine, file string) (mail.Report, error) {
	answer, err := readSmall(file, maxScan)
	if err != nil {
		return mail.Report{}, err
	}
	if !json.Valid(answer) {
		return mail.Report{}, fmt.Errorf("%s is not one JSON text", file)
	}
	return mail.Report{Engine: engine, Part: -1, Answer: answer}, nil
}

// maxScan bounds a scanner's answer, in octets.
const maxScan = 4 << 20

// outline gives a document's payload, with null for the content of attachments.
func outline(d *document.Document) (json.RawMessage, error) {
	var b strings.Builder
	err := d.Encode(&b, nil)
	return json.RawMessage(b.String()), err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mebibytes(octets uint64) float64 { return float64(octets) / (1 << 20) }
