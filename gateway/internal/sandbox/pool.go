package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

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
	image *image // nil while no instance was set up, or none for long
	large bool   // too large for one: each run has an instance of its own
	turn  uint64 // when it was last used, by Snapshots
}

// NewPool returns a pool that keeps up to so many instances for the next runs. setUp is
// called with an instance that is started. The pool ends with the module.
func (m *Module) NewPool(keep int, setUp func(ctx context.Context, g *Guest) error) *Pool {
	p := &Pool{module: m, setUp: setUp, idle: make(chan *instance, keep)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pools = append(m.pools, p)
	return p
}

// close gives back what the pool holds. No run may be under way.
func (p *Pool) close(ctx context.Context) {
	p.module.snapshots.remove(p)
	p.forget(ctx)
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
		return max(r.used, 0), err
	}
	r.random, r.wasiCalls = maxRandom, 0 // what setting up took is not the run's
	in.io.run, in.io.ctx, r.guest = r, ctx, in.guest
	in.begin(r)
	ended := false
	defer func() {
		fuel = r.used + admit.Slice - in.fuel() // of the last slice
		p.giveBack(ctx, in, ended)
	}()
	err = f(ctx, in.guest)
	if err == nil && ctx.Err() != nil { // in the host, or since the guest was last asked
		err = newTrap(ctx, "run", context.Cause(ctx))
	}
	ended = err == nil // and without a panic
	return 0, err
}

// take returns a pristine instance.
func (p *Pool) take(ctx context.Context) (*instance, error) {
	p.module.snapshots.touch(p)
	select {
	case in := <-p.idle:
		return in, nil
	default:
	}
	p.mu.Lock()
	made := p.image
	if made != nil {
		made.use()
	}
	p.mu.Unlock()
	if made != nil {
		in, err := p.clone(ctx, made)
		if in != nil || err != nil {
			return in, err
		}
	}
	in, err := p.fresh(ctx)
	if err != nil || !p.module.admitted.Resettable {
		return in, err
	}
	return p.snapshot(ctx, in)
}

// snapshot has the pool begin with an instance that was set up, if it has no such one
// yet. The instance is one of the image then; where it cannot be, it is as it was set up.
func (p *Pool) snapshot(ctx context.Context, in *instance) (*instance, error) {
	p.mu.Lock()
	made := p.image
	if made == nil && !p.large {
		made = in.freeze(p.module.onHeap)
		if made.size > p.module.snapshots.largest() {
			made.letGo()
			made, p.large = nil, true
		}
		p.image = made
	}
	if made == nil {
		p.mu.Unlock()
		return in, nil
	}
	made.use()
	p.mu.Unlock()
	p.module.snapshots.add(ctx, p, made)
	if in.memory.adopt(made) && in.restore() {
		return in, nil
	}
	made.use() // before its last user could let it go
	in.close(ctx)
	in, err := p.clone(ctx, made)
	if in != nil || err != nil {
		return in, err
	}
	return p.fresh(ctx)
}

// forget gives back the image, and the instances that wait for a run. The next run sets an
// instance up anew.
func (p *Pool) forget(ctx context.Context) {
	p.mu.Lock()
	made := p.image
	p.image = nil
	p.mu.Unlock()
	if made != nil {
		made.letGo()
	}
	for {
		select {
		case in := <-p.idle:
			in.close(ctx)
		default:
			return
		}
	}
}

// fresh starts an instance and sets it up.
func (p *Pool) fresh(ctx context.Context) (*instance, error) {
	in, err := p.module.instantiate(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err = p.start(ctx, in); err != nil {
		in.close(ctx)
		return nil, err
	}
	return in, nil
}

// start does what an engine does with a module beside making an instance of it, which a
// clone must not repeat: it copies the data and calls the functions by which it starts.
func (p *Pool) start(ctx context.Context, in *instance) error {
	in.begin(runOf(ctx))
	for i, segment := range p.module.admitted.Data {
		if !in.mod.Memory().Write(segment.Address, segment.Octets) {
			return &Trap{Where: "start", Text: fmt.Sprintf("data segment %d: %d octets at %d: %v", i, len(segment.Octets), segment.Address, ErrBadAddress)}
		}
	}
	g := in.guest
	for _, name := range []string{admit.Start, "_initialize"} {
		if !g.Has(name) {
			continue
		}
		if _, err := g.Call(ctx, name); err != nil {
			if trap, ok := errors.AsType[*Trap](err); ok {
				trap.Where = "start"
			}
			return err
		}
	}
	if ctx.Err() != nil { // to make an instance can take time, and nobody looks then
		return newTrap(ctx, "start", context.Cause(ctx))
	}
	return p.setUp(ctx, g)
}

// clone makes an instance that is as the image says, without starting it. It takes over the
// use of the image. There is none where it could not be made what the image says.
func (p *Pool) clone(ctx context.Context, made *image) (*instance, error) {
	in, err := p.module.instantiate(ctx, made)
	if err != nil {
		return nil, err
	}
	if missing := len(made.memory) - int(in.mod.Memory().Size()); missing > 0 {
		in.mod.Memory().Grow(uint32(missing / pageSize)) // if it does not, the next line tells
	}
	if !in.restore() {
		in.close(ctx)
		return nil, nil //nolint:nilnil // said above
	}
	return in, nil
}

// giveBack keeps an instance for the next run, where it can be set back.
func (p *Pool) giveBack(ctx context.Context, in *instance, whole bool) {
	in.io.run, in.io.ctx = nil, nil
	if !whole || !in.restore() || !p.keep(in) {
		in.close(ctx)
	}
}

// keep keeps an instance that is of the image, where there is room for it.
func (p *Pool) keep(in *instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in.memory.image != p.image {
		return false
	}
	select {
	case p.idle <- in:
		return true
	default:
		return false
	}
}

// instance is one that runs, or waits for a run.
type instance struct {
	mod     api.Module
	guest   *Guest
	io      *streams
	memory  *linearMemory
	pages   *os.File
	globals []api.MutableGlobal
	left    api.MutableGlobal // fuel
}

// instantiate makes an instance, whose memory begins with an image where there is one. It
// takes over the use of the image.
func (m *Module) instantiate(ctx context.Context, made *image) (*instance, error) {
	in := &instance{io: &streams{ctx: ctx, run: runOf(ctx)}, pages: m.snapshots.pages, memory: &linearMemory{image: made, onHeap: m.onHeap}}
	mod, err := m.runtime.InstantiateModule(withMemory(ctx, in.memory), m.compiled, wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions().
		WithStdout(in.io).WithStderr(in.io).
		WithSysWalltime().WithSysNanotime().
		WithRandSource(in.io))
	if err != nil {
		in.memory.close()
		return nil, newTrap(ctx, "start", err)
	}
	in.mod, in.guest = mod, &Guest{mod: mod}
	in.left, _ = mod.ExportedGlobal(admit.FuelGlobal).(api.MutableGlobal)
	for i := range m.admitted.Globals {
		global, _ := mod.ExportedGlobal(admit.GlobalName(i)).(api.MutableGlobal)
		in.globals = append(in.globals, global)
	}
	return in, nil
}

func (in *instance) fuel() int64 { return int64(int32(in.left.Get())) }

// begin gives a run its first slice, which is a short one: nothing is known yet of how slow its
// instructions are.
func (in *instance) begin(r *run) {
	if r == nil {
		return // of a test, which has its own
	}
	in.setFuel(leastSlice)
	r.slice, r.used = leastSlice, leastSlice-admit.Slice // since a whole one is counted where it ends
	r.began = time.Now()
	r.turned = r.began
}

func (in *instance) setFuel(n uint32) { in.left.Set(uint64(n)) }

// freeze copies what the instance is.
func (in *instance) freeze(onHeap bool) *image {
	view, _ := in.mod.Memory().Read(0, in.mod.Memory().Size())
	globals := make([]uint64, len(in.globals))
	for i, g := range in.globals {
		globals[i] = g.Get()
	}
	return newImage(view, globals, onHeap)
}

// restore makes the instance what its image says. It cannot where it has none, where memory
// has grown to its most, or where the guest has ended itself.
func (in *instance) restore() bool {
	made := in.memory.image
	if made == nil || in.mod.IsClosed() {
		return false
	}
	memory := in.mod.Memory()
	if in.memory.reserved == nil && cap(in.memory.octets) > 2*len(made.memory)+maxSpare {
		return false // what one large mail took is not held for ever
	}
	used := int(memory.Size())
	if used > len(made.memory) {
		in.memory.shrinkTo(memory, len(made.memory))
	}
	if int(memory.Size()) != len(made.memory) || !in.memory.restore(used, in.pages) {
		return false
	}
	for i, g := range in.globals {
		g.Set(made.globals[i])
	}
	return true
}

// close ends an instance. Nobody may look at it any more.
func (in *instance) close(ctx context.Context) {
	_ = in.mod.Close(context.WithoutCancel(ctx)) // its error is that of a guest that exited
	in.memory.close()
}
