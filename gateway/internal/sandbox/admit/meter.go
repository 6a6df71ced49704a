package admit

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// What a metered module has of the host's. Refuel is the function that it imports, of
// type (i32) → i32: it is given what is left of a slice, which is below 0 by what was
// overdrawn, and gives the next slice. FuelGlobal is the export of the global, an i32,
// that holds what is left. Both names begin as no name of a guest may.
const (
	HostModule = "postern:sandbox"
	Refuel     = "refuel"
	FuelGlobal = HostModule + "/fuel"
)

// Slice is how much fuel a guest is given at a time.
const Slice = 10_000

// What things cost, in units of fuel. A function, and a round of a loop, is one unit and
// one more for each so many of its instructions, of which a slow one counts as several:
// each instruction is run at most once for each of these. So there are at most some 1.3
// million instructions in a slice, which take a few milliseconds, and ordinary code, whose
// functions are short, pays for its branches.
const (
	instructionsPerUnit = 128
	// maxInline is how many loops of a function pay without a call. What pays in the
	// middle of a function adds to its blocks, and the compiler's time is more than linear
	// in them.
	maxInline    = 64
	maxLoops     = 5_000 // of one function
	hostCallCost = 100
	growthCost   = 1_000
	// bulkShift makes units of lengths: one for each 64 octets, or elements.
	bulkShift = 6
	// piece is how much memory is copied or filled at a time, in octets: an instruction
	// that does it for all there is takes tens of milliseconds.
	piece = 64 << 10
)

// GlobalName is the export of the i-th of the globals that can change.
func GlobalName(i int) string { return HostModule + "/global/" + strconv.Itoa(i) }

// added are the entries that a section is given.
func (m *module) added(id byte) section {
	name := func(b []byte, s string) []byte { return append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	types := uint32(len(m.parameters))
	switch id {
	case typeSection: // of Refuel, of the function that pays, and of those that copy and fill
		return section{3, []byte{0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 0, 0x60, 3, 0x7f, 0x7f, 0x7f, 0}}
	case functionSection:
		text := binary.AppendUvarint(nil, uint64(types+1))
		for _, g := range m.generated {
			text = binary.AppendUvarint(text, uint64(g.typ))
		}
		return section{1 + uint32(len(m.generated)), text}
	case codeSection:
		w := rewriter{module: m}
		w.body(func(w *rewriter) { w.chargeStack(func(w *rewriter) { w.out = append(w.out, 0x20, 0) }) })
		for _, g := range m.generated {
			w.body(g.code)
		}
		return section{1 + uint32(len(m.generated)), w.out}
	case importSection:
		return section{1, binary.AppendUvarint(append(name(name(nil, HostModule), Refuel), 0), uint64(types))}
	case globalSection:
		return section{1, append(signed([]byte{0x7f, 1, 0x41}, Slice), 0x0b)}
	case exportSection:
		export := func(b []byte, as string, global uint32) []byte {
			return binary.AppendUvarint(append(name(b, as), 3), uint64(global))
		}
		start := m.startExport(name)
		text := export(start.text, FuelGlobal, m.globals)
		for i, global := range m.mutable {
			text = export(text, GlobalName(i), global)
		}
		return section{start.entries + 1 + uint32(len(m.mutable)), text}
	}
	return section{}
}

// signed appends a number that is not negative in signed LEB128.
func signed(b []byte, n uint32) []byte {
	for ; n > 0x3f; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// function meters the i-th function of a code section.
func (w *rewriter) function(i uint32) error {
	body, err := w.octets()
	if err != nil {
		return err
	}
	if len(body) > maxBody {
		return fmt.Errorf("it has %d octets of code, at most %d are allowed", len(body), maxBody)
	}
	f := rewriter{reader: reader{b: body}, module: w.module, out: make([]byte, 0, len(body)+len(body)/4+64)}
	groups, locals, err := f.locals()
	if err != nil {
		return err
	}
	costs, hasBulk, err := w.measure(f.b)
	if err != nil {
		return err
	}
	// The length of a bulk instruction is kept in a local of ours, which is the last.
	if len(costs)-1 > maxLoops {
		return fmt.Errorf("it has %d loops, at most %d are allowed", len(costs)-1, maxLoops)
	}
	length := w.parameters[w.types[i]] + locals
	declared := body[:len(body)-len(f.b)]
	if hasBulk {
		_, size := binary.Uvarint(declared)
		f.append(groups + 1)
		f.out = append(append(f.out, declared[size:]...), 1, 0x7f)
	} else {
		f.out = append(f.out, declared...)
	}
	f.charge(costs[0])
	if err := f.code(costs[1:], length); err != nil {
		return err
	}
	if len(f.out) > maxMetered {
		return fmt.Errorf("it has %d octets of code when it is metered, at most %d are allowed", len(f.out), maxMetered)
	}
	w.append(uint32(len(f.out)))
	w.out = append(w.out, f.out...)
	return nil
}

// locals reads over the locals of a function.
func (w *rewriter) locals() (groups, locals uint32, err error) {
	groups, err = w.number()
	if err != nil {
		return 0, 0, err
	}
	count := uint64(0)
	for range groups {
		n, err := w.number()
		if err != nil {
			return 0, 0, err
		}
		if err := w.valueType(); err != nil {
			return 0, 0, err
		}
		count += uint64(n)
		w.allLocals += uint64(n)
		if count > maxLocals {
			return 0, 0, fmt.Errorf("it has %d locals or more, at most %d are allowed", count, maxLocals)
		}
		if w.allLocals > maxAllLocals {
			return 0, 0, fmt.Errorf("there are %d locals or more in all functions, at most %d are allowed", w.allLocals, maxAllLocals)
		}
	}
	return groups, uint32(count), nil
}

// measure gives what the function costs, and then what each of its loops costs in the
// order in which they begin.
func (m *module) measure(code []byte) (costs []uint32, hasBulk bool, err error) {
	type block struct {
		cost  int // where its cost is; -1 for a block that is no loop
		begin uint32
	}
	costs = []uint32{0}
	open := []block{{}}
	count := uint32(0)
	r := &reader{b: code}
	for len(r.b) > 0 {
		op, _, err := r.instruction()
		if err != nil {
			return nil, false, err
		}
		m.fixed, m.segments = m.fixed || r.lasting, m.segments || r.segments
		if len(open) == 0 {
			return nil, false, fmt.Errorf("there is code behind its end")
		}
		count += r.weight
		switch op {
		case bulk:
			hasBulk = true
		case opens:
			open = append(open, block{-1, count})
		case loops:
			open = append(open, block{len(costs), count})
			costs = append(costs, 0)
		case ends:
			b := open[len(open)-1]
			open = open[:len(open)-1]
			if b.cost >= 0 {
				costs[b.cost] = 1 + (count-b.begin)/instructionsPerUnit
			}
		case plain, calls, global, increases, copying, filling:
		}
	}
	if len(open) > 0 {
		return nil, false, errCut
	}
	if r.highest > uint64(len(m.parameters)) {
		return nil, false, fmt.Errorf("it refers to type %d, and there are %d", r.highest-1, len(m.parameters))
	}
	if r.branches > maxBranches {
		return nil, false, fmt.Errorf("it has %d blocks and branches, at most %d are allowed", r.branches, maxBranches)
	}
	if m.squares += uint64(r.branches) * uint64(r.branches); m.squares > maxSquares {
		return nil, false, fmt.Errorf("with its %d blocks and branches, the squares of those of all functions add up to %d, at most %d are allowed", r.branches, m.squares, maxSquares)
	}
	return costs, hasBulk, nil
}

// code copies instructions with what they cost. costs are those of the loops.
func (w *rewriter) code(costs []uint32, length uint32) error {
	inline := len(costs) <= maxInline
	for len(w.b) > 0 {
		before := w.b
		op, index, err := w.instruction()
		if err != nil {
			return err
		}
		text := before[:len(before)-len(w.b)]
		switch op {
		case calls:
			if index >= w.functions() {
				return fmt.Errorf("it refers to function %d, and there are %d", index, w.functions())
			}
			if index < uint32(len(w.imports)) {
				w.pay(hostCallCost)
			}
			w.call(w.shifted(index))
			continue
		case copying, filling:
			w.call(w.helper(helper{does: op}))
			continue
		case global:
			if index >= w.globals {
				return fmt.Errorf("it refers to global %d, and there are %d", index, w.globals)
			}
		case bulk:
			w.chargeLength(length)
		case increases:
			w.pay(growthCost)
		case plain, opens, loops, ends:
		}
		w.out = append(w.out, text...)
		if op == loops {
			if inline {
				w.charge(costs[0])
			} else {
				w.pay(costs[0])
			}
			costs = costs[1:]
		}
	}
	return nil
}

// charge takes fuel, and has the host give more where there is none left:
//
//	fuel -= cost; if fuel < 0 { fuel = refuel(fuel) }
func (w *rewriter) charge(cost uint32) {
	w.chargeStack(func(w *rewriter) { w.out = signed(append(w.out, 0x41), cost) })
}

// chargeStack is charge for what is on the stack after what push appends.
func (w *rewriter) chargeStack(push func(*rewriter)) {
	w.fuel(0x23) // global.get
	push(w)
	w.out = append(w.out, 0x6b) // i32.sub
	w.fuel(0x24)                // global.set
	w.refuel()
}

// pay takes fuel by a call of our own function.
func (w *rewriter) pay(cost uint32) {
	w.out = signed(append(w.out, 0x41), cost)
	w.callPay()
}

// chargeLength takes fuel for a length on the stack, and leaves it there.
func (w *rewriter) chargeLength(local uint32) {
	w.out = append(w.out, 0x22) // local.tee
	w.append(local)
	w.out = append(w.out, 0x20) // local.get
	w.append(local)
	w.out = append(w.out, 0x41, bulkShift, 0x76) // i32.shr_u
	w.callPay()
}

// callPay calls the function that takes fuel, which stands behind those of the module.
func (w *rewriter) callPay() { w.call(w.shifted(w.functions())) }

func (w *rewriter) call(index uint32) {
	w.out = append(w.out, 0x10)
	w.append(index)
}

func (w *rewriter) refuel() {
	w.fuel(0x23)
	w.out = append(w.out, 0x41, 0, 0x48, 0x04, 0x40) // i32.const 0, i32.lt_s, if
	w.fuel(0x23)
	w.call(uint32(len(w.imports)))
	w.fuel(0x24)
	w.out = append(w.out, 0x0b) // end
}

// fuel appends an instruction on the global that holds it.
func (w *rewriter) fuel(opcode byte) {
	w.out = append(w.out, opcode)
	w.append(w.globals)
}
