// Package plugin is the host's side of the plugin contract (wit/plugin.wit): it
// loads a plugin, checks what it asks for against what it is granted, and runs it
// on one delivery.
//
// # Invariants
//
//   - A plugin that imports more than it is granted does not load, and the error
//     says what to grant.
//   - Each run is a pristine instance, as it was when it was configured. Its edits apply when it ends
//     well, all of them or none.
//   - Whatever a guest hands over is bounded before it is read, and checked before it
//     is believed. A guest that breaks the contract is trapped; the gateway and other
//     mails go on.
package plugin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// The names of the contract.
const (
	packageName = "postern:plugin/"
	transformer = packageName + "transformer@"
	version     = "0.1.0"

	exportConfigure = transformer + version + "#configure"
	exportTransform = transformer + version + "#transform"
	exportPost      = "cabi_post_"
	exportRealloc   = "cabi_realloc"
)

// logPermission needs no grant.
const logPermission = "log"

// Config says what a plugin is, and what it may do.
type Config struct {
	// Name is the plugin's name in the configuration.
	Name string
	Wasm []byte
	// Grant names the interfaces that the plugin may import.
	Grant []string
	// Write and Read are the parts of the payload that it may change and read; where
	// Read is nil, it is as Write.
	Write, Read []document.Pointer
	// Options is the JSON that the plugin is configured with.
	Options []byte
	// Timeout bounds a run, Memory its linear memory in octets, and Fuel its work, in
	// units of package sandbox; 0 units mean any.
	Timeout time.Duration
	Memory  uint64
	Fuel    int64
	// CacheDir holds compiled code; empty for none. Compiler puts it there; nil to compile in
	// this process.
	CacheDir string
	Compiler sandbox.Compiler
	// Lanes bounds the runs at the same time of all plugins that share it; nil for
	// no bound.
	Lanes *Lanes
	// Snapshots bounds what all plugins that share it keep of their configured instances; nil
	// for no bound.
	Snapshots *sandbox.Snapshots
	// Owner is the tenant whose alone the plugin is; empty for one that all have.
	Owner string
	// Behind has the runs wait until no other wants a lane, and give theirs to any that
	// comes to want it: what nobody waits for. Those at the same time have to be few, since
	// each keeps its memory while it waits.
	Behind bool
}

// Plugin is a loaded plugin. Its methods may be called by any number of
// goroutines.
type Plugin struct {
	cfg    Config // without Wasm
	module *sandbox.Module
	pool   *sandbox.Pool
	sha256 string
}

// Load compiles a plugin, checks what it asks for, and configures it once, so that
// wrong options are found before a mail is. Its error begins with the plugin's
// name and says what to do.
func Load(ctx context.Context, cfg Config) (*Plugin, error) {
	if cfg.Read == nil {
		cfg.Read = cfg.Write
	}
	p := &Plugin{cfg: cfg, sha256: digest(cfg.Wasm)}
	p.cfg.Wasm = nil
	var err error
	if p.module, err = compile(ctx, cfg.Wasm, sandbox.Config{Memory: cfg.Memory, Fuel: cfg.Fuel, CacheDir: cfg.CacheDir, Compiler: cfg.Compiler, Snapshots: cfg.Snapshots, Owner: cfg.Owner}); err != nil {
		return nil, fmt.Errorf("plugin %q: %w", cfg.Name, err)
	}
	p.pool = p.module.NewPool(cfg.Lanes.count(), p.configure)
	if err := p.prove(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("plugin %q: %w", cfg.Name, err), p.Close(ctx))
	}
	return p, nil
}

// prove finds out whether the plugin could run.
func (p *Plugin) prove(ctx context.Context) error {
	if err := checkExports(p.module); err != nil {
		return err
	}
	if err := p.checkGrants(); err != nil {
		return err
	}
	return p.inInstance(ctx, &run{}, func(context.Context, *sandbox.Guest) error { return nil })
}

// Permissions lists the interfaces that the plugin asks for, sorted; log needs no
// permission and is not among them.
func (p *Plugin) Permissions() []string { return permissions(p.module) }

// SHA256 is that of the module, in hexadecimal.
func (p *Plugin) SHA256() string { return p.sha256 }

// Close gives back what the plugin holds. No run may be under way.
func (p *Plugin) Close(ctx context.Context) error { return p.module.Close(ctx) }

func (p *Plugin) checkGrants() error {
	var lacking []string
	for _, name := range permissions(p.module) {
		if !slices.Contains(p.cfg.Grant, name) {
			lacking = append(lacking, name)
		}
	}
	if lacking != nil {
		return fmt.Errorf("module asks for %s, which it is not granted; where you trust it, write grant = %s",
			strings.Join(lacking, ", "), quotedList(append(slices.Clone(p.cfg.Grant), lacking...)))
	}
	if edits(p.module) && len(p.cfg.Write) == 0 {
		return errors.New(`module changes the payload, and is granted no part of it; where you trust it, say which part, as in write = ["/crm"]`)
	}
	return nil
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Mail is what a run may ask for.
type Mail struct {
	ID         mail.DeliveryID
	Tenant     string
	Alias      string
	Recipient  string
	Envelope   mail.Envelope
	ReceivedAt time.Time
	View       *mime.Message
	Raw        mail.Body
	Scans      []mail.Report
}

// Verdict is what a plugin wants to become of the delivery.
type Verdict string

// The verdicts.
const (
	Continue   Verdict = "continue"
	Drop       Verdict = "drop"
	Quarantine Verdict = "quarantine"
)

// Result is what a run came to. Of one that failed, Log, Duration and Memory hold.
type Result struct {
	// Document is the document with the run's edits.
	Document *document.Document
	Verdict  Verdict
	Reason   string
	Log      []Line
	// Duration is the time in the guest's lane, its instance included and the turns of
	// others not. Memory is its linear memory at the end, in octets; 0 where there was none.
	Duration time.Duration
	Memory   uint64
	// Fuel is what the run has used, in units.
	Fuel int64
}

// Run runs the plugin on one delivery. On an error the result holds the log alone:
// no edit and no verdict stays.
func (p *Plugin) Run(ctx context.Context, m Mail, doc *document.Document) (Result, error) {
	r := &run{mail: m, behind: p.cfg.Behind, editor: doc.Edit(document.Scope{Read: p.cfg.Read, Write: p.cfg.Write}, editBudget), verdict: Continue}
	err := p.inInstance(ctx, r, func(ctx context.Context, g *sandbox.Guest) error {
		return call(ctx, g, r, exportTransform)
	})
	res := Result{Document: doc, Verdict: Continue, Log: r.log.lines(), Duration: r.duration, Memory: r.memory, Fuel: r.fuel}
	if err == nil {
		res.Document, res.Verdict, res.Reason = r.editor.Document(), r.verdict, r.reason
	}
	return res, err
}

// inInstance calls f with an instance that is configured. The time that it waits for a
// lane is not the guest's.
func (p *Plugin) inInstance(ctx context.Context, r *run, f func(context.Context, *sandbox.Guest) error) error {
	enter, yield := p.turns(r)
	if err := enter(ctx); err != nil {
		return err
	}
	lost := false // the lane, to who had to wait and gave up
	defer func() {
		if !lost {
			p.cfg.Lanes.leave()
		}
	}()
	began := time.Now()
	ctx, clock, cancel := withWorktime(ctx, p.cfg.Timeout)
	defer func() { r.duration = time.Since(began) - clock.waited }()
	defer cancel()
	ctx = sandbox.WithYield(ctx, func(ctx context.Context) error {
		err := yield(ctx, clock.pause)
		lost = err != nil
		return err
	})
	output := &output{log: &r.log}
	var err error
	r.fuel, err = p.pool.Run(context.WithValue(ctx, runKey{}, r), output, func(ctx context.Context, g *sandbox.Guest) error {
		defer func() { r.memory = g.MemorySize() }()
		r.ready = true
		return f(ctx, g)
	})
	output.flush()
	if err != nil {
		err = p.explain(err, r.log.kept)
	}
	return err
}

// turns are how a run gets its lane, and lets others go first.
func (p *Plugin) turns(r *run) (enter func(context.Context) error, yield func(context.Context, pause) error) {
	lanes, tenant := p.cfg.Lanes, r.mail.Tenant
	if r.behind {
		return lanes.enterBehind, lanes.yieldBehind
	}
	return func(ctx context.Context) error { return lanes.enter(ctx, tenant) },
		func(ctx context.Context, p pause) error { return lanes.yield(ctx, tenant, p) }
}

// configure sets an instance up, before it runs or becomes what all runs begin with.
func (p *Plugin) configure(ctx context.Context, g *sandbox.Guest) error {
	r := runOf(ctx)
	defer func() { r.memory = g.MemorySize() }()
	address, length, err := lowerString(ctx, g, string(p.cfg.Options))
	if err != nil {
		return err
	}
	err = call(ctx, g, r, exportConfigure, uint64(address), uint64(length))
	if _, ok := errors.AsType[*GuestError](err); ok {
		return fmt.Errorf("configure: %w", err) // a trap says itself where it was
	}
	return err
}

// call calls an export that returns a result<_, string>.
func call(ctx context.Context, g *sandbox.Guest, r *run, name string, args ...uint64) error {
	results, err := g.Call(ctx, name, args...)
	if err != nil {
		return err
	}
	if len(results) != 1 {
		return &sandbox.Trap{Where: name, Text: "function gives no result"}
	}
	address := uint32(results[0])
	if address%4 != 0 {
		return &sandbox.Trap{Where: name, Text: fmt.Sprintf("result address %d is not aligned to 4", address)}
	}
	area, err := g.Read(address, 12)
	if err != nil {
		return &sandbox.Trap{Where: name, Text: fmt.Sprintf("its result: %v", err)}
	}
	var failed error
	switch area[0] {
	case 0:
	case 1:
		text, err := liftText(g, binary.LittleEndian.Uint32(area[4:]), binary.LittleEndian.Uint32(area[8:]))
		if err != nil {
			return err
		}
		failed = &GuestError{Text: text}
	default:
		return &sandbox.Trap{Where: name, Text: fmt.Sprintf("%d is no case of a result", area[0])}
	}
	if g.Has(exportPost + name) {
		defer r.stay("a cabi_post function")()
		if _, err := g.Call(ctx, exportPost+name, uint64(address)); err != nil {
			return err
		}
	}
	return failed
}
