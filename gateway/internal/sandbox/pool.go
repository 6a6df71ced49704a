package sandbox

import (
	"context"
	"io"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// maxSpare is what an instance may hold, in octets, beyond twice what it needs to begin with.
const maxSpare = 8 << 20

// Pool runs a module that is set up once: what its start and its set-up have left in
// memory and globals is kept, and every run begins with that. Random numbers that the guest
// has drawn by then, such as the seeds of its maps, are the same in all runs.
//
// Where a run can change more than memory and globals, each has an instance of its own,
// which is set up anew. Its methods may be called by any number of goroutines.
type Pool struct {
	module *Module
	setUp  func(ctx context.Context, g *Guest) error
	idle   chan *instance

	mu    sync.Mutex
	image *image // nil until the first instance was set up
}

// NewPool returns a pool that keeps up to so many instances for the next runs. setUp is
// called with an instance that is started.
func (m *Module) NewPool(keep int, setUp func(ctx context.Context, g *Guest) error) *Pool {
	return &Pool{module: m, setUp: setUp, idle: make(chan *instance, keep)}
}

// image is what an instance is when it was set up.
type image struct {
	memory  []byte
	globals []uint64
}

// Run calls f with a pristine instance. What the guest writes to standard output and error
// goes to output. It tells how much fuel f used; to start and to set up an instance has
// as much for itself. An error of the guest is a *Trap.
func (p *Pool) Run(ctx context.Context, output io.Writer, f func(ctx context.Context, g *Guest) error) (fuel int64, err error) {
	r := &run{output: output, most: p.module.fuel, random: maxRandom}
	r.yield, _ = ctx.Value(yieldKey{}).(func(context.Context) error)
	ctx = withRun(ctx, r)
	in, err := p.take(ctx)
	if err != nil {
		return r.used, err
	}
	r.used, r.random = 0, maxRandom
	in.io.run, in.io.ctx = r, ctx
	in.setFuel(admit.Slice)
	ended := false
	defer func() {
		fuel = r.used + admit.Slice - in.fuel() // of the last slice
		p.giveBack(ctx, in, ended)
	}()
	err = f(ctx, &Guest{mod: in.mod})
	if err == nil && ctx.Err() != nil { // in the host, or since the guest was last asked
		err = newTrap(ctx, "run", context.Cause(ctx))
	}
	ended = err == nil // and without a panic
	return 0, err
}

// take returns a pristine instance.
func (p *Pool) take(ctx context.Context) (*instance, error) {
	select {
	case in := <-p.idle:
		return in, nil
	default:
	}
	p.mu.Lock()
	made := p.image
	p.mu.Unlock()
	if made != nil {
		return p.clone(ctx, made)
	}
	in, err := p.fresh(ctx)
	if err != nil || !p.module.admitted.Resettable {
		return in, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.image == nil {
		p.image = in.image()
	} else {
		in.restore(p.image) // another was set up first; where it cannot, it is as it was set up itself
	}
	return in, nil
}

// fresh starts an instance and sets it up.
func (p *Pool) fresh(ctx context.Context) (*instance, error) {
	in, err := p.module.instantiate(ctx, "_initialize")
	if err != nil {
		return nil, err
	}
	err = context.Cause(ctx) // to make an instance can take time, and nobody looks then
	if err != nil {
		err = newTrap(ctx, "start", err)
	} else {
		err = p.setUp(ctx, &Guest{mod: in.mod})
	}
	if err != nil {
		in.close(ctx)
		return nil, err
	}
	return in, nil
}

// clone makes an instance that is as the image says, without starting it.
func (p *Pool) clone(ctx context.Context, made *image) (*instance, error) {
	in, err := p.module.instantiate(ctx)
	if err != nil {
		return nil, err
	}
	if missing := len(made.memory) - int(in.mod.Memory().Size()); missing > 0 {
		in.mod.Memory().Grow(uint32(missing / pageSize)) // if it does not, the next line tells
	}
	if !in.restore(made) {
		in.close(ctx)
		return p.fresh(ctx)
	}
	return in, nil
}

// giveBack keeps an instance for the next run, where it can be set back.
func (p *Pool) giveBack(ctx context.Context, in *instance, whole bool) {
	in.io.run, in.io.ctx = nil, nil
	p.mu.Lock()
	made := p.image
	p.mu.Unlock()
	if whole && made != nil && in.restore(made) {
		select {
		case p.idle <- in:
			return
		default:
		}
	}
	in.close(ctx)
}

// instance is one that runs, or waits for a run.
type instance struct {
	mod     api.Module
	io      *streams
	memory  *linearMemory
	globals []api.MutableGlobal
	left    api.MutableGlobal // fuel
}

// instantiate makes an instance, and calls the functions by which it starts.
func (m *Module) instantiate(ctx context.Context, start ...string) (*instance, error) {
	in := &instance{io: &streams{ctx: ctx, run: runOf(ctx)}, memory: &linearMemory{}}
	mod, err := m.runtime.InstantiateModule(withMemory(ctx, in.memory), m.compiled, wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions(start...).
		WithStdout(in.io).WithStderr(in.io).
		WithSysWalltime().WithSysNanotime().
		WithRandSource(in.io))
	if err != nil {
		return nil, newTrap(ctx, "start", err)
	}
	if mod.IsClosed() {
		return nil, &Trap{Where: "start", Text: "it exited with code 0"}
	}
	in.mod = mod
	in.left, _ = mod.ExportedGlobal(admit.FuelGlobal).(api.MutableGlobal)
	for i := range m.admitted.Globals {
		global, _ := mod.ExportedGlobal(admit.GlobalName(i)).(api.MutableGlobal)
		in.globals = append(in.globals, global)
	}
	return in, nil
}

func (in *instance) fuel() int64 { return int64(int32(in.left.Get())) }

func (in *instance) setFuel(n uint32) { in.left.Set(uint64(n)) }

// image copies what the instance is.
func (in *instance) image() *image {
	view, _ := in.mod.Memory().Read(0, in.mod.Memory().Size())
	made := &image{memory: append([]byte(nil), view...)}
	for _, g := range in.globals {
		made.globals = append(made.globals, g.Get())
	}
	return made
}

// restore makes the instance what the image says. It cannot where memory has grown to its
// most, or where the guest has ended itself.
func (in *instance) restore(made *image) bool {
	if in.mod.IsClosed() {
		return false
	}
	memory := in.mod.Memory()
	if cap(in.memory.octets) > 2*len(made.memory)+maxSpare {
		return false // what one large mail took is not held for ever
	}
	if int(memory.Size()) > len(made.memory) {
		in.memory.shrinkTo(memory, len(made.memory))
	}
	if int(memory.Size()) != len(made.memory) || !memory.Write(0, made.memory) {
		return false
	}
	for i, g := range in.globals {
		g.Set(made.globals[i])
	}
	return true
}

func (in *instance) close(ctx context.Context) {
	_ = in.mod.Close(context.WithoutCancel(ctx)) // its error is that of a guest that exited
}
