package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/diskspace"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/download"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/inspector"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
	"github.com/postern-mail/postern/gateway/internal/smtpd"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/webhook"
)

func newServe() *cobra.Command {
	var flags configFlags
	var readyFile string
	cmd := &cobra.Command{
		Use:   "serve -c FILE…",
		Short: "Run the gateway",
		Long: `Serve runs the gateway until SIGINT or SIGTERM. It then stops listening, lets
the transactions and attempts under way end, gives back what it has claimed, and
exits. A second signal ends it at once; nothing that was accepted is lost then
either.

At SIGHUP, and when the file of a plugin has changed, it reads the configuration anew and
goes on by it: plugins and pipelines, tenants with all that is in them, plans, and
certificates. What is wrong with it is logged, and everything goes on as before. A mail
that is under way goes on by what it began with. Changes of other blocks are logged,
and take effect at the next start; one of delivery, scanner or public has the reload
refused, since tenants depend on it.

Plugins are compiled when they are new, which takes seconds, and kept compiled in
` + cacheVariable + `, or else in the folder cache of the data folder. That folder can be
deleted at any time.`,
		Example: `  postern serve -c postern.hcl
  postern serve -c base.hcl -c tenants.hcl --set server.log_level=debug`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := flags.load(args)
			if err != nil {
				return err
			}
			// Mails are nobody else's to read, whatever the data folder's own mode.
			syscall.Umask(0o077)
			dir, err := openDataDir(cfg.Server.DataDir)
			if err != nil {
				return failure{err}
			}
			defer closing(&err, dir)
			l := &live{cfg: cfg, started: cfg, host: newPluginHost(compilationCache(dir.path)), load: func() (*config.Config, error) { return flags.load(args) }}
			l.listen()
			l.watch(cfg)
			if l.parts, err = assemble(cmd.Context(), cfg, l.host, nil, cmd.ErrOrStderr()); err != nil {
				return err
			}
			l.running.Store(l.parts)
			l.configuration.Store(cfg)
			defer l.close(cmd.Context())
			return wrapFailure(serve(cmd.Context(), l, dir, readyFile, cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&readyFile, "ready-file", "", "write the addresses that are listened on to `FILE` as JSON, once they are")
	return cmd
}

// heapFloor is how many octets of the heap are never touched, and so take no memory. They
// count for when garbage is collected, which is when the heap has doubled: what a gateway
// has on its heap is little, and would else be gone through for every few dozen mails. It
// costs at most as much memory again.
const heapFloor = 32 << 20

// serve wires everything from top to bottom, runs it, and takes it down in the
// reverse order.
func serve(ctx context.Context, l *live, dir *dataDir, readyFile string, stdout, stderr io.Writer) (err error) {
	cfg, parts := l.cfg, l.parts
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	log := newLogger(cfg.Server, stderr)
	l.log, l.certificates = log, newCertificates(cfg)

	// What is durable.
	data, err := openStorage(ctx, cfg, dir.path, toServe, log)
	if err != nil {
		return err
	}
	defer closing(&err, data)
	db, bodies := data.store, data.bodies

	// What works on it.
	owner := rand.Text()
	q := queue.New(db, bodies, queue.Config{Owner: owner, Schedule: cfg.Delivery.Schedule, MaxBacklog: cfg.Delivery.MaxBacklog, Logger: log})
	sources := q.Sources(db)
	l.events = events.New(sources, q, events.Config{ServiceURL: cfg.Events.ServiceURL, Subscribers: l.subscribers, Retention: l.retention, Logger: log})
	l.tokens = outbound.NewRefreshTokens(sources)
	parts.forward(cfg, l.tokens)
	screening, virus, err := openScanners(cfg, l.events, log)
	if err != nil {
		return err
	}
	receiver := reception.New(bodies, q, parts.retention, screening, log)
	client := webhook.New(webhook.Config{
		AllowHTTP: cfg.Delivery.AllowHTTP, AllowNetworks: cfg.Delivery.AllowNetworks, AllowPorts: cfg.Delivery.AllowPorts,
		Timeout: cfg.Delivery.Timeout, UserAgent: "Postern/" + version,
	})
	defer client.Close()
	dispatching := dispatch.Config{
		Endpoints: parts.endpoints, Limits: parts.limits, Chains: parts.chains, Concurrency: cfg.Delivery.Concurrency, Logger: log,
		Virus: virus, Events: l.events,
	}
	var public *http.Server
	if cfg.Public != nil {
		var former []secret.Key
		if !cfg.Public.FormerSecret.IsZero() {
			former = append(former, cfg.Public.FormerSecret)
		}
		links := download.NewLinks(cfg.Public.BaseURL, cfg.Public.Secret, former...)
		dispatching.Links = links
		public = newPublic(cfg.Public, l.certificates, download.NewHandler(links, db, bodies, log), log)
	}
	shadows := shadow.New(bodies, journal.New(shadowJournal(dir.path)), log)
	dispatching.Shadows = shadows
	dispatcher := dispatch.New(q, bodies, client, dispatching)
	l.accounts = newMailAccounts(ctx, cfg, l.configuration.Load, sources, cfg.Store.Postgres != nil, owner, receiver, l.events, log)
	disk := diskspace.New(func() (diskspace.Space, error) { return diskspace.Of(dir.path) }, l.events.Health(store.About{Class: events.Disk, Name: "data"}), log)

	// What listens. Every address is bound before anything is served, so that a
	// port in use is told before a single mail is taken.
	bound, err := bind(cfg)
	if err != nil {
		return err
	}
	running := services{
		listeners: bound, dispatcher: dispatcher, shadows: shadows, queue: q, log: log,
		control: admin.NewServer(admin.Config{Accounts: l.accounts.roster, Watch: l.accounts, Backup: data.backup, Store: db, Bodies: bodies, Wake: q.Changed, Holds: q.Holds, Endpoints: l.endpoints, Logger: log}),
		sweep:   receiver.SweepBodies,
		events:  l.events, disk: disk, accounts: l.accounts,
		public: public,
	}
	for _, listener := range cfg.Listeners {
		running.smtp = append(running.smtp, smtpd.New(smtpConfig(cfg.Server.Hostname, listener, l.certificates, log), parts.routes, receiver))
	}
	if cfg.Inspector != nil {
		running.inspector = &http.Server{
			Handler:           inspector.New(inspector.Config{Out: stdout, Secrets: parts.inspected}),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.Named("inspector").StandardLogger(nil),
		}
	}
	if err := l.accounts.roster.Load(ctx); err != nil {
		return errors.Join(err, bound.close())
	}
	running.start()
	defer func() { err = errors.Join(err, running.stop()) }()
	l.pruneEpisodes(ctx)

	l.smtp, l.receiver, l.dispatcher, l.shadows = running.smtp, receiver, dispatcher, shadows
	if dir.cache() == l.host.cacheDir {
		l.pruned = dir.cache()
	}
	l.tellPlugins(cfg, parts.plugins)
	log.Info("serving", "version", version, "data_dir", cfg.Server.DataDir, "addresses", bound.describe())
	if readyFile != "" {
		if err := bound.writeReadyFile(readyFile); err != nil {
			return err
		}
	}
	if err := greet(stdout, cfg, bound); err != nil {
		return err
	}
	if err := l.run(ctx, running.failed); err != nil {
		return err
	}
	log.Info("stopping: no new mail is taken, what is under way may end")
	return nil
}

// closing closes c and adds its error to that of the function that defers it.
func closing(err *error, c io.Closer) { *err = errors.Join(*err, c.Close()) }

func newLogger(cfg config.Server, w io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "postern", Output: w, Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: cfg.LogFormat == "json",
	})
}

func smtpConfig(hostname string, l config.Listener, certificates certificates, log hclog.Logger) smtpd.Config {
	cfg := smtpd.Config{
		Name: l.Name, Hostname: hostname, MaxMessageSize: l.MaxMessageSize, MaxRecipients: l.MaxRecipients,
		MaxConnections: l.MaxConnections, MaxConnectionsPerIP: l.MaxConnectionsPerIP,
		IdleTimeout: l.IdleTimeout, AllowBareNewlines: l.AllowBareNewlines, Logger: log,
	}
	if l.TLS != nil {
		cfg.TLS = certificates.config(listenerName(l))
		cfg.RequireTLS = l.TLS.Required
	}
	return cfg
}

// greet tells the person at the terminal what runs and what to do next.
func greet(w io.Writer, cfg *config.Config, bound *listeners) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPostern is ready.\n")
	for i, l := range cfg.Listeners {
		fmt.Fprintf(&b, "  SMTP %q on %s\n", l.Name, bound.smtp[i].Addr())
	}
	if bound.inspector != nil {
		fmt.Fprintf(&b, "  inspector on http://%s: webhooks are shown here\n", bound.inspector.Addr())
	}
	if bound.public != nil {
		fmt.Fprintf(&b, "  attachments on %s, for who comes by %s\n", bound.public.Addr(), cfg.Public.BaseURL)
	}
	if n := len(cfg.Accounts); n > 0 {
		fmt.Fprintf(&b, "  mail is fetched from %s\n", counted(n, "mail account", "mail accounts"))
	}
	program := os.Args[0]
	fmt.Fprintf(&b, "\nTry, in another terminal:\n")
	if to := anyRecipient(cfg); to != "" && len(bound.smtp) > 0 {
		fmt.Fprintf(&b, "  %s send --server %s --to %s examples/mails/invoice.eml\n", program, reachable(bound.smtp[0].Addr()), to)
	}
	fmt.Fprintf(&b, "  %s message list --data-dir %s\n\nCtrl-C stops it.\n\n", program, cfg.Server.DataDir)
	_, err := io.WriteString(w, b.String())
	return err
}

// anyRecipient gives an address that the configuration takes mail for.
func anyRecipient(cfg *config.Config) string {
	for _, t := range cfg.Tenants {
		if len(t.Aliases) == 0 {
			continue
		}
		local := t.Aliases[0].Name
		if local == route.CatchAll {
			local = "anyone"
		}
		return local + "@" + t.Domains[0]
	}
	return ""
}
