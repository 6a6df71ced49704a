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
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/smtpd"
	"github.com/postern-mail/postern/gateway/internal/store"
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
	// running is parts, for those who ask from elsewhere.
	running atomic.Pointer[assembly]
	// configuration is cfg, for the same.
	configuration atomic.Pointer[config.Config]
	host          pluginHost
	// started is the configuration that it was started by, whose other blocks hold.
	started *config.Config
	// seen is what tells of the files that are watched whether they have changed.
	seen map[string]string
	// pruned is the cache that is this gateway's alone; empty for none.
	pruned string

	smtp         []*smtpd.Server
	receiver     *reception.Reception
	dispatcher   *dispatch.Dispatcher
	shadows      *shadow.Runner
	events       *events.Events
	accounts     *mailAccounts
	tokens       *outbound.RefreshTokens // of mail servers
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
	changing := false
	for {
		why := ""
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-l.hangups:
			why = "SIGHUP"
		case <-ticker.C:
			switch now := stated(slices.Collect(maps.Keys(l.seen))); {
			case !maps.Equal(now, l.seen):
				l.seen, changing = now, true
			case changing:
				changing = false
				why = "a file of a plugin has changed"
			}
		}
		if why == "" {
			continue
		}
		if err := l.reloadUnless(ctx, failed, why); err != nil {
			return err
		}
	}
}

// reloadUnless reloads, unless a part of the gateway fails meanwhile.
func (l *live) reloadUnless(ctx context.Context, failed <-chan error, why string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.reload(ctx, why)
	}()
	select {
	case <-done:
		return nil
	case err := <-failed:
		cancel()
		<-done
		return err
	}
}

// watch has the files of the plugins of configurations watched, for changes from now on.
func (l *live) watch(configurations ...*config.Config) {
	var files []string
	for _, cfg := range configurations {
		for _, b := range pluginBlocks(cfg) {
			files = append(files, b.File, b.Signature.File)
			if b.SignedBy != "" && b.File != "" {
				files = append(files, b.File+artifact.SignatureSuffix)
			}
		}
		for _, s := range cfg.Signers {
			files = append(files, s.PublicKeyFile)
		}
	}
	l.seen = stated(files)
}

// stated is what tells whether files have changed.
func stated(files []string) map[string]string {
	seen := make(map[string]string)
	for _, file := range files {
		if file == "" {
			continue
		}
		seen[file] = "none"
		if info, err := os.Stat(file); err == nil {
			seen[file] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				seen[file] += fmt.Sprint(" ", stat.Ino)
			}
		}
	}
	return seen
}

// reload reads the configuration anew and goes on by it, or says why not and goes on as before.
func (l *live) reload(ctx context.Context, why string) {
	l.log.Info("reloading the configuration", "reason", why)
	l.watch(l.cfg) // before they are read
	cfg, err := l.load()
	var parts *assembly
	if err == nil {
		l.watch(l.cfg, cfg)
		err = l.needsStart(cfg)
	}
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
	parts.forward(cfg, l.tokens)
	l.cfg, l.parts = cfg, parts
	l.running.Store(parts)
	l.configuration.Store(cfg)

	l.certificates.set(cfg)
	l.receiver.Reconfigure(parts.retention, policies(cfg))
	ended := l.dispatcher.Reconfigure(parts.endpoints, parts.limits, parts.chains)
	for _, s := range l.smtp {
		s.SetRoutes(parts.routes) // last: what a recipient means is there then
	}
	if err := l.accounts.roster.Reconfigure(ctx, cfg); err != nil && ctx.Err() == nil {
		l.log.Error("mail accounts could not be read; they are looked at again in a moment", "error", err)
	}
	l.resetSmarthosts(ctx, before, parts)
	l.pruneEpisodes(ctx)
	earlier, retired := l.retired, make(chan struct{})
	l.retired = retired
	go func() {
		defer close(retired)
		<-earlier // what began with a configuration before that may use the same plugins
		ended()
		same := func(a, b loadedPlugin) bool { return a.Plugin == b.Plugin }
		if maps.EqualFunc(before.plugins, parts.plugins, same) {
			return // shadows that wait may go on
		}
		l.shadows.Settle()
		closePlugins(ctx, before.plugins, parts.plugins)
	}()
	l.log.Info("the configuration is reloaded", "plugins", len(cfg.AllPlugins()), "tenants", len(cfg.Tenants))
}

// endpoints lists those of the configuration, and for each tenant one without a name. It may
// be called by any goroutine.
func (l *live) endpoints() []store.Endpoint {
	parts := l.running.Load()
	list := slices.Collect(maps.Keys(parts.endpoints))
	for tenant := range parts.retention {
		list = append(list, store.Endpoint{Tenant: tenant})
	}
	return list
}

// needsStart refuses a configuration with changes in blocks that those of tenants depend on:
// to go on by one half of it could accept mail unscanned, or fail to deliver it.
func (l *live) needsStart(cfg *config.Config) error {
	changed := changedBlocks(map[string]bool{
		"delivery": reflect.DeepEqual(l.started.Delivery, cfg.Delivery),
		"scanner":  reflect.DeepEqual(l.started.Scanners, cfg.Scanners),
		"public":   samePublic(l.started.Public, cfg.Public),
	})
	if changed == nil {
		return nil
	}
	return fmt.Errorf("the %s block is another than at the start; restart the gateway, which loses no mail", strings.Join(changed, " and the "))
}

// fixed names the other blocks in which there is a change that needs a start.
func (l *live) fixed(cfg *config.Config, parts *assembly) []string {
	names := changedBlocks(map[string]bool{
		"server":    reflect.DeepEqual(l.started.Server, cfg.Server),
		"store":     l.started.Store.Equal(cfg.Store),
		"bodies":    l.started.Bodies.Equal(cfg.Bodies),
		"listener":  reflect.DeepEqual(withoutCertificates(l.started.Listeners), withoutCertificates(cfg.Listeners)),
		"inspector": reflect.DeepEqual(l.started.Inspector, cfg.Inspector),
	})
	if cfg.Inspector != nil && !maps.Equal(l.parts.inspected, parts.inspected) {
		names = append(names, "endpoint of the inspector")
	}
	return names
}

// changedBlocks names the blocks that are not the same.
func changedBlocks(same map[string]bool) []string {
	var names []string
	for name, is := range same {
		if !is {
			names = append(names, name)
		}
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

// samePublic reports whether two public listeners are the same but for what can change of
// them. Of keys no two are equal for reflect.
func samePublic(a, b *config.Public) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	keys := x.Secret.Equal(y.Secret) && x.FormerSecret.Equal(y.FormerSecret)
	for _, p := range []*config.Public{&x, &y} {
		p.Secret, p.FormerSecret = secret.Key{}, secret.Key{}
		if p.TLS != nil {
			p.TLS = &config.TLS{Required: p.TLS.Required}
		}
	}
	return keys && reflect.DeepEqual(x, y)
}

// tellPlugins logs which plugins are loaded, and of those that were loaded before what they
// ask for that they did not. At the start it forgets compiled code that none of them needs.
func (l *live) tellPlugins(cfg *config.Config, loaded map[string]loadedPlugin) {
	starting := l.cfg == cfg
	for _, b := range pluginBlocks(cfg) {
		p, before := loaded[b.key()], l.parts.plugins[b.key()]
		switch {
		case p.broken != nil && b.of != nil:
			l.log.Error("a shadow cannot be loaded, and does not run", "plugin", b.Key(), "problem", hclog.Quote(p.broken.Error()))
		case p.broken != nil:
			l.log.Error("a plugin cannot be loaded, and its stage fails for each mail", "plugin", b.Key(), "on_error", b.OnError, "problem", hclog.Quote(p.broken.Error()))
		case !starting && before.Plugin == p.Plugin:
		case !starting && before.Plugin != nil:
			l.log.Info("plugin replaced", "plugin", b.key(), "permissions", p.Permissions(), "sha256", p.SHA256(), "was", before.SHA256(),
				"asks_for_more", without(p.Permissions(), before.Permissions()), "asks_for_less", without(before.Permissions(), p.Permissions()))
		default:
			l.log.Info("plugin loaded", "plugin", b.key(), "permissions", p.Permissions(), "sha256", p.SHA256())
		}
	}
	if !starting || l.pruned == "" || len(loaded) == 0 {
		return // what was replaced may come back
	}
	var inUse []*plugin.Plugin
	for _, p := range loaded {
		if p.broken != nil {
			return // what it needs is not known
		}
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
