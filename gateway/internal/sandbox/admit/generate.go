package admit

// wraps is what a helper does that pays for a call of the host and makes it.
const wraps operation = -1

// helper is a function that a module is given where it needs it.
type helper struct {
	does  operation // wraps, copying or filling
	index uint32    // of the import that it wraps
}

// generated is a function that was added.
type generated struct {
	typ  uint32
	code func(*rewriter)
}

// helper is the index of a helper, which is added where it is not there yet.
func (m *module) helper(h helper) uint32 {
	w := rewriter{module: m}
	first := w.shifted(m.functions()) + 1 // behind the one that pays
	if at, ok := m.helpers[h]; ok {
		return first + at
	}
	if m.helpers == nil {
		m.helpers = make(map[helper]uint32)
	}
	at := uint32(len(m.generated))
	m.helpers[h] = at
	g := generated{typ: uint32(len(m.parameters)) + 2}
	switch h.does {
	case copying:
		g.code = (*rewriter).copyMemory
	case filling:
		g.code = (*rewriter).fillMemory
	default:
		g.typ = m.imports[h.index]
		g.code = func(w *rewriter) { w.wrap(h.index) }
	}
	m.generated = append(m.generated, g)
	return first + at
}

// body appends a function without locals.
func (w *rewriter) body(code func(*rewriter)) {
	f := rewriter{module: w.module}
	f.out = append(f.out, 0) // no locals
	code(&f)
	f.out = append(f.out, 0x0b)
	w.append(uint32(len(f.out)))
	w.out = append(w.out, f.out...)
}

// wrap pays for a call of the host, and makes it.
func (w *rewriter) wrap(index uint32) {
	w.pay(hostCallCost)
	for i := range w.parameters[w.imports[index]] {
		w.out = append(w.out, 0x20) // local.get
		w.append(i)
	}
	w.call(index)
}

// The parameters of the functions that copy and fill: where to, where from or what with,
// and how much.
const (
	to, from, length = 0, 1, 2
)

// get appends the value of a local.
func (w *rewriter) get(local byte) { w.out = append(w.out, 0x20, local) }

// onePiece appends the length of a piece.
func (w *rewriter) onePiece() { w.out = signed(append(w.out, 0x41), piece) }

// advance adds a piece to a local, or takes it away.
func (w *rewriter) advance(local, operator byte) {
	w.get(local)
	w.onePiece()
	w.out = append(w.out, operator, 0x21, local)
}

// isLong compares the length with that of a piece.
func (w *rewriter) isLong() {
	w.get(length)
	w.onePiece()
	w.out = append(w.out, 0x4b) // i32.gt_u
}

const (
	add, sub                 = 0x6a, 0x6b // of i32
	begin, end               = 0x04, 0x0b // if, end
	empty                    = 0x40       // type of a block
	memoryCopy, memoryFill   = 10, 11
	loop, branchIf, elseThen = 0x03, 0x0d, 0x05
)

// within compares the end of a piece with that of memory: an instruction that goes beyond
// writes nothing, so that it may not be made of several.
func (w *rewriter) within(address byte) {
	w.get(address)
	w.out = append(w.out, 0xad) // i64.extend_i32_u
	w.get(length)
	w.out = append(w.out, 0xad, 0x7c)                          // i64.extend_i32_u, i64.add
	w.out = append(w.out, 0x3f, 0, 0xad, 0x42, 16, 0x86, 0x58) // memory.size, i64.extend_i32_u, i64.const 16, i64.shl, i64.le_u
}

// chargeRest charges for the length.
func (w *rewriter) chargeRest() {
	w.chargeStack(func(w *rewriter) {
		w.get(length)
		w.out = append(w.out, 0x41, bulkShift, 0x76) // i32.shr_u
	})
}

// copyMemory does what memory.copy does, in pieces: from the front where it goes down, and
// from the back where it goes up, since the two places may overlap.
func (w *rewriter) copyMemory() {
	w.isLong()
	w.within(to)
	w.within(from)
	w.out = append(w.out, 0x71, 0x71, begin, empty) // i32.and
	w.get(to)
	w.get(from)
	w.out = append(w.out, 0x4d, begin, empty, loop, empty) // i32.le_u
	w.charge(piece >> bulkShift)
	w.get(to)
	w.get(from)
	w.onePiece()
	w.out = append(w.out, 0xfc, memoryCopy, 0, 0)
	w.advance(to, add)
	w.advance(from, add)
	w.advance(length, sub)
	w.isLong()
	w.out = append(w.out, branchIf, 0, end, elseThen, loop, empty)
	w.charge(piece >> bulkShift)
	w.advance(length, sub)
	for _, address := range []byte{to, from} {
		w.get(address)
		w.get(length)
		w.out = append(w.out, add)
	}
	w.onePiece()
	w.out = append(w.out, 0xfc, memoryCopy, 0, 0)
	w.isLong()
	w.out = append(w.out, branchIf, 0, end, end, end)
	w.chargeRest()
	w.get(to)
	w.get(from)
	w.get(length)
	w.out = append(w.out, 0xfc, memoryCopy, 0, 0)
}

// fillMemory does what memory.fill does, in pieces.
func (w *rewriter) fillMemory() {
	w.isLong()
	w.within(to)
	w.out = append(w.out, 0x71, begin, empty, loop, empty) // i32.and
	w.charge(piece >> bulkShift)
	w.get(to)
	w.get(from)
	w.onePiece()
	w.out = append(w.out, 0xfc, memoryFill, 0)
	w.advance(to, add)
	w.advance(length, sub)
	w.isLong()
	w.out = append(w.out, branchIf, 0, end, end)
	w.chargeRest()
	w.get(to)
	w.get(from)
	w.get(length)
	w.out = append(w.out, 0xfc, memoryFill, 0)
}
