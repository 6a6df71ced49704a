package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/smtpd"
)

// watchInterval is how often the files of plugins are looked at. A file counts as changed when
// it was the same two times after that: it is written no more.
const watchInterval = time.Second

// live is the configuration that a gateway runs by, and what can be changed of it while it
// runs: plugins and pipelines, tenants with their domains, aliases, endpoints and plans, and
// certificates. A mail that is under way goes on by what it began with. Everything else
// is as it was at the start.
type live struct {
	load  func() (*config.Config, error)
	cfg   *config.Config
	parts *assembly
	host  pluginHost
	// pruned is the cache that is this gateway's alone; empty for none.
	pruned string

	smtp         []*smtpd.Server
	receiver     *reception.Reception
	dispatcher   *dispatch.Dispatcher
	shadows      *shadow.Runner
	certificates certificates
	log          hclog.Logger

	hangups chan os.Signal
	// retired is closed when the plugins of all configurations before have been given back.
	retired chan struct{}
}

// listen has SIGHUP kept for run. To be called first of all.
func (l *live) listen() {
	l.hangups = make(chan os.Signal, 1)
	signal.Notify(l.hangups, syscall.SIGHUP)
	l.retired = make(chan struct{})
	close(l.retired)
}

// close gives back what the plugins hold. Nothing may run any more.
func (l *live) close(ctx context.Context) {
	signal.Stop(l.hangups)
	<-l.retired
	l.parts.close(ctx)
}

// run reloads at each SIGHUP and when the file of a plugin has changed, until ctx ends, or
// a part of the gateway fails.
func (l *live) run(ctx context.Context, failed <-chan error) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	seen := l.files()
	changing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-l.hangups:
			l.reload(ctx, "SIGHUP")
			seen = l.files()
		case <-ticker.C:
			switch now := l.files(); {
			case !maps.Equal(now, seen):
				seen, changing = now, true
			case changing:
				changing = false
				l.reload(ctx, "the file of a plugin has changed")
			}
		}
	}
}

// files is what tells whether the files of plugins have changed.
func (l *live) files() map[string]string {
	seen := make(map[string]string)
	for _, b := range pluginBlocks(l.cfg) {
		if b.File == "" {
			continue
		}
		seen[b.File] = "none"
		if info, err := os.Stat(b.File); err == nil {
			seen[b.File] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				seen[b.File] += fmt.Sprint(" ", stat.Ino)
			}
		}
	}
	return seen
}

// reload reads the configuration anew and goes on by it, or says why not and goes on as before.
func (l *live) reload(ctx context.Context, why string) {
	l.log.Info("reloading the configuration", "reason", why)
	cfg, err := l.load()
	var parts *assembly
	if err == nil {
		parts, err = assemble(ctx, cfg, l.host, l.parts.plugins, io.Discard)
	}
	if ctx.Err() != nil {
		return // it stops
	}
	if err != nil {
		for _, p := range asProblems(err) {
			l.log.Error("the configuration is not reloaded, and everything goes on as before", "problem", hclog.Quote(p.Error()))
		}
		return
	}
	for _, name := range l.fixed(cfg, parts) {
		l.log.Warn("a change takes effect at the next start", "block", name)
	}
	before := l.parts
	l.tellPlugins(cfg, parts.plugins)
	l.cfg, l.parts = cfg, parts

	l.certificates.set(cfg)
	l.receiver.Reconfigure(parts.retention, policies(cfg))
	ended := l.dispatcher.Reconfigure(parts.endpoints, parts.chains)
	for _, s := range l.smtp {
		s.SetRoutes(parts.routes) // last: what a recipient means is there then
	}
	earlier, retired := l.retired, make(chan struct{})
	l.retired = retired
	go func() {
		defer close(retired)
		<-earlier // what began with a configuration before that may use the same plugins
		ended()
		l.shadows.Settle()
		closePlugins(ctx, before.plugins, parts.plugins)
	}()
	l.log.Info("the configuration is reloaded", "plugins", len(cfg.AllPlugins()), "tenants", len(cfg.Tenants))
}

// fixed names the blocks in which there is a change that needs a start.
func (l *live) fixed(cfg *config.Config, parts *assembly) []string {
	var names []string
	for name, blocks := range map[string][2]any{
		"server":    {l.cfg.Server, cfg.Server},
		"listener":  {withoutCertificates(l.cfg.Listeners), withoutCertificates(cfg.Listeners)},
		"delivery":  {l.cfg.Delivery, cfg.Delivery},
		"scanner":   {l.cfg.Scanners, cfg.Scanners},
		"public":    {withoutCertificate(l.cfg.Public), withoutCertificate(cfg.Public)},
		"inspector": {l.cfg.Inspector, cfg.Inspector},
	} {
		if !reflect.DeepEqual(blocks[0], blocks[1]) {
			names = append(names, name)
		}
	}
	if cfg.Inspector != nil && !maps.Equal(l.parts.inspected, parts.inspected) {
		names = append(names, "endpoint of the inspector")
	}
	slices.Sort(names)
	return names
}

// withoutCertificates is listeners but for what can change of them.
func withoutCertificates(listeners []config.Listener) []config.Listener {
	list := slices.Clone(listeners)
	for i, listener := range list {
		if listener.TLS != nil {
			list[i].TLS = &config.TLS{Required: listener.TLS.Required}
		}
	}
	return list
}

// withoutCertificate is the public listener but for what can change of it.
func withoutCertificate(p *config.Public) *config.Public {
	if p == nil || p.TLS == nil {
		return p
	}
	other := *p
	other.TLS = &config.TLS{Required: p.TLS.Required}
	return &other
}

// tellPlugins logs which plugins are loaded, and of those that were loaded before what they
// ask for that they did not, and forgets compiled code that none of them needs.
func (l *live) tellPlugins(cfg *config.Config, loaded map[string]loadedPlugin) {
	for _, b := range pluginBlocks(cfg) {
		p := loaded[b.key()]
		switch before, was := l.parts.plugins[b.key()]; {
		case l.cfg != cfg && was && before.Plugin == p.Plugin:
		case l.cfg != cfg && was:
			l.log.Info("plugin replaced", "plugin", b.key(), "permissions", p.Permissions(), "sha256", p.SHA256(), "was", before.SHA256(),
				"asks_for_more", without(p.Permissions(), before.Permissions()), "asks_for_less", without(before.Permissions(), p.Permissions()))
		default:
			l.log.Info("plugin loaded", "plugin", b.key(), "permissions", p.Permissions(), "sha256", p.SHA256())
		}
	}
	if l.pruned == "" || len(loaded) == 0 {
		return
	}
	var inUse []*plugin.Plugin
	for _, p := range loaded {
		inUse = append(inUse, p.Plugin)
	}
	if err := plugin.PruneCache(l.pruned, inUse); err != nil {
		l.log.Warn("compiled plugins that are not needed any more stay", "error", err)
	}
	if err := l.host.modules.Prune(); err != nil {
		l.log.Warn("fetched plugins that are not needed any more stay", "error", err)
	}
}

// certificates are those of the listeners, by the blocks that they stand in.
type certificates map[string]*atomic.Pointer[tls.Certificate]

// newCertificates returns those of a configuration.
func newCertificates(cfg *config.Config) certificates {
	c := make(certificates)
	for name, t := range certified(cfg) {
		c[name] = &atomic.Pointer[tls.Certificate]{}
		c[name].Store(&t.Certificate)
	}
	return c
}

// set has connections that begin from now on get the certificates of another configuration.
func (c certificates) set(cfg *config.Config) {
	for name, t := range certified(cfg) {
		if have, ok := c[name]; ok {
			have.Store(&t.Certificate)
		}
	}
}

// certified lists what has a certificate.
func certified(cfg *config.Config) map[string]*config.TLS {
	list := make(map[string]*config.TLS)
	for _, l := range cfg.Listeners {
		if l.TLS != nil {
			list[listenerName(l)] = l.TLS
		}
	}
	if cfg.Public != nil && cfg.Public.TLS != nil {
		list[publicName] = cfg.Public.TLS
	}
	return list
}

// The blocks that certificates stand in.
const publicName = "public"

func listenerName(l config.Listener) string { return "listener " + l.Name }

// config is the TLS of a block.
func (c certificates) config(name string) *tls.Config {
	certificate := c[name]
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Load(), nil },
		MinVersion:     tls.VersionTLS12,
	}
}
