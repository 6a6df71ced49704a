package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// pluginBlock is a module that a configuration has loaded: a plugin, or the shadow of
// one.
type pluginBlock struct {
	config.Plugin
	// of is the plugin whose shadow it is; nil for a plugin.
	of *config.Plugin
}

// pluginBlocks lists what is to be loaded: the plugins that all tenants have, those of each
// tenant, and behind each its shadow.
func pluginBlocks(cfg *config.Config) []pluginBlock {
	var list []pluginBlock
	for _, p := range cfg.AllPlugins() {
		list = append(list, pluginBlock{Plugin: p})
		if p.Shadow != nil {
			list = append(list, pluginBlock{Plugin: *p.Shadow, of: &p})
		}
	}
	return list
}

// shadowKey names the shadow of a plugin among all that is loaded. No plugin has such a
// name.
func shadowKey(plugin string) string { return plugin + " shadow" }

// key names the block among all that is loaded.
func (b pluginBlock) key() string {
	if b.of != nil {
		return shadowKey(b.Key())
	}
	return b.Key()
}

// open gets the module of a block. The shadow of a builtin may do what that carries; any
// other what its block grants.
func (b pluginBlock) open(ctx context.Context, modules *artifact.Opener, signers map[string]*artifact.Signer) (pluginSource, error) {
	source, err := openBlock(ctx, b.Plugin, modules, signers)
	if err != nil || b.of == nil || b.of.Builtin == "" {
		return source, err
	}
	old, err := openBlock(ctx, *b.of, modules, signers)
	source.carries, source.grant, source.read, source.write = true, old.grant, old.read, old.write
	return source, err
}

// configure joins what the module carries with what its block says.
func (b pluginBlock) configure(source pluginSource, host pluginHost) plugin.Config {
	cfg := source.configure(b.Plugin, host)
	cfg.Behind = b.of != nil
	return cfg
}

// explain says whose plugin an error is about, which names it.
func (b pluginBlock) explain(err error) error {
	if b.of != nil {
		err = fmt.Errorf("shadow of %w", err)
		if b.of.Builtin != "" && strings.Contains(err.Error(), "not granted") { // which has no grant to write
			err = fmt.Errorf("%w; a shadow of builtin:%s may do what that may, so give the module a block of its own", err, b.of.Builtin)
		}
	}
	if b.Tenant != "" {
		err = fmt.Errorf("tenant %q: %w", b.Tenant, err)
	}
	return err
}

// findPlugin finds a plugin by its key: its name, or TENANT/NAME for one of a tenant.
func findPlugin(cfg *config.Config, key string) (config.Plugin, error) {
	all := cfg.AllPlugins()
	if i := slices.IndexFunc(all, func(p config.Plugin) bool { return p.Key() == key }); i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Key()
	}
	return config.Plugin{}, fmt.Errorf("the configuration has no plugin %q; it has %s", key, valueOr(strings.Join(names, ", "), "none"))
}
