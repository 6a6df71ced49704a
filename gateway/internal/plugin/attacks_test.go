package plugin_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// attackFuel is what an attack may use: a run that only works ends after some milliseconds.
const attackFuel = 1_000_000

// spent is what becomes of one that goes on.
const spent = "its fuel is used up, after 1"

// attackList is what kills a naive host, a row each: the modules that testdata/hostile has
// in many variants, and those that no text format can say.
func attackList() []attack {
	loads := func(name, wat, text string) attack { return attack{name: name, wat: wat, outcome: "load", text: text} }
	traps := func(name, wat, text string) attack { return attack{name: name, wat: wat, outcome: "error", text: text} }
	ends := func(name, wat, text string) attack { return attack{name: name, wat: wat, outcome: "ok", text: text} }
	octets := func(name, text string, module []byte) attack {
		return attack{name: name, module: module, outcome: "load", text: text}
	}
	withFuel := func(a attack) attack {
		a.config.Fuel = 1_000_000_000
		return a
	}
	body := func(text string) string { return "\n(func $transform (result i32) " + text + " (i32.const 0x10))" }
	return []attack{
		traps("loop", body("(loop (br 0))"), spent),
		traps("memory.fill loop", body("(loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536)) (br 0))"), spent),
		traps("memory.copy loop", body("(loop (memory.copy (i32.const 8) (i32.const 0) (i32.const 65528)) (br 0))"), spent),
		traps("table.fill loop", "(table $more 65536 funcref)"+body("(loop (table.fill $more (i32.const 0) (ref.null func) (i32.const 65536)) (br 0))"), spent),
		loads("start loop", "(func $start (loop (br 0))) (start $start)", spent),
		loads("_initialize loop", `(func (export "_initialize") (loop (br 0)))`, spent),
		traps("host-call flood", body("(loop (drop (call $raw.size)) (br 0))"), spent),
		traps("host-call flood through a table", `(type $size (func (result i64))) (table $host 1 funcref) (elem (table $host) (i32.const 0) func $raw.size)`+
			body("(loop (drop (call_indirect $host (type $size) (i32.const 0))) (br 0))"), spent),
		loads("flood of references", "(elem declare func $transform)"+body("(loop (drop (ref.func $transform)) (br 0))"), "it makes a reference to a function in its code"),
		traps("flood of WASI through a table", `(type $close (func (param i32) (result i32))) (table $host 2 funcref) (elem (table $host) (i32.const 1) func $fd_close)`+
			body("(table.set $host (i32.const 0) (table.get $host (i32.const 1))) (loop (drop (call_indirect $host (type $close) (i32.const 9) (i32.const 0))) (br 0))"), spent),
		withFuel(traps("host-call flood that has the fuel", body("(loop (drop (call $raw.size)) (br 0))"), "more than 100000 calls of the host in one run")),
		withFuel(traps("flood of WASI that has the fuel", body("(loop (drop (call $fd_close (i32.const 9))) (br 0))"), "more than 1000000 calls of WASI in one run")),
		withFuel(traps("recursion", "(func $down (param i64) (result i64) (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))"+
			body("(drop (call $down (i64.const 0)))"), "stack overflow")),
		traps("recursion between allocator and host", `(func $realloc (param i32 i32 i32 i32) (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x1000))`+
			body("(call $headers.all (i32.const 0x40))"), "called from within cabi_realloc"),
		ends("memory growth", body("(block $full (loop (br_if $full (i32.eq (i32.const -1) (memory.grow (i32.const 1)))) (br 0)))"+
			"(call $expect (memory.size) (i32.const 16))"), ""),
		traps("memory growth for ever", body("(loop (drop (memory.grow (i32.const 1))) (br 0))"), spent),
		loads("memory of 4 GiB to begin with", "(memory $memory 65536)", "memory section: it needs at least 4096 MiB, at most 1 MiB are allowed"),
		ends("table growth", "(table $more 0 funcref)"+body("(call $expect (i32.add (i32.const 1) (table.grow $more (ref.null func) (i32.const 65537))) (i32.const 0))"), ""),
		loads("table of ten million", "(table $more 10000000 funcref)", "table section: table of 10000000 elements, at most 65536 are allowed"),
		loads("five tables", strings.Repeat("(table 1 funcref)", 5), "entries, at most 4 are allowed"),
		octets("100 million locals in 41 octets", "function 0: it has 100000000 locals or more, at most 2000 are allowed", moduleOf(1, func() []byte { return locals(100_000_000) })),
		octets("50k locals in each of 10k functions", "function 0: it has 50000 locals or more, at most 2000 are allowed", moduleOf(10_000, func() []byte { return locals(50_000) })),
		octets("2k locals in each of 10k functions", "there are 5002000 locals or more in all functions, at most 5000000 are allowed", moduleOf(10_000, func() []byte { return locals(2_000) })),
		octets("300k functions", "function section: 300000 entries, at most 100000 are allowed", moduleOf(300_000, func() []byte { return locals(0) })),
		octets("a function of a megabyte", "octets of code, at most 524288 are allowed", moduleOf(1, func() []byte { return slices.Concat([]byte{0}, make([]byte, 1<<20), []byte{0x0b}) })),
		octets("50k branches in a function", "it has 50000 blocks and branches, at most 10000 are allowed", moduleOf(1, func() []byte { return branches(50_000) })),
		octets("9k branches in each of 40 functions", "add up to 1053000000, at most 1000000000 are allowed", moduleOf(40, func() []byte { return branches(9_000) })),
		octets("a module of 33 MiB", "it has 34603016 octets, at most 33554432 are allowed", append([]byte("\x00asm\x01\x00\x00\x00"), make([]byte, 33<<20)...)),
		octets("a loop behind a type that hides it", "function 0: value of type 0x63", moduleOf(1, func() []byte {
			// block (ref null 65), loop, br 0: to who takes the type for one octet, i32.const and more
			return []byte("\x00\x02\x63\x41\x03\x40\x0c\x00\x0b\x00\x0b\x1a\x0b")
		})),
		octets("a data segment of 4 GiB that is not there", "data section: it ends too early", []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x0b\x0a\x01\x00\x41\x00\x0b\xff\xff\xff\xff\x0f")),
		octets("a data count of 4 G", "module cannot be compiled", []byte("\x00asm\x01\x00\x00\x00\x0c\x05\xff\xff\xff\xff\x0f")),
		octets("nothing", "it is empty", []byte{}),
		octets("half a module", "it ends too early", []byte("\x00asm\x01\x00\x00\x00\x01\x07\x01\x60\x02\x7f")),
		octets("a component without a module", "component: there is no core module in it", []byte("\x00asm\x0d\x00\x01\x00")),
		octets("a component of a component", "component: there is no core module in it", []byte("\x00asm\x0d\x00\x01\x00\x04\x08\x00asm\x0d\x00\x01\x00")),
		octets("a component that asks for the file system", "module imports wasi:filesystem/types@0.2.0 open-at, which the host has not",
			component("\x1bwasi:filesystem/types@0.2.0\x07open-at")),
		loads("unknown import", `(import "env" "abort" (func))`, "module imports env abort, which the host has not"),
		traps("pointer beyond memory", body("(call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x7fffffff) (i32.const 9) (i32.const 0x40))"),
			"read 9 octets at 2147483647: address is outside the guest's memory"),
		traps("length beyond memory", body("(call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x110) (i32.const 0xfffff) (i32.const 0x40))"),
			"read 1048575 octets at 272: address is outside the guest's memory"),
		traps("pointer and length that overflow", body("(call $log.write (i32.const 0) (i32.const 0xffffffff) (i32.const 0xffffffff) (i32.const 4) (i32.const 0))"),
			"address is outside the guest's memory"),
		traps("result beyond memory", body("(call $headers.all (i32.const 0xfffffffc))"), "address is outside the guest's memory"),
		traps("log flood", "(global $lines (mut i32) (i32.const 0))"+body("(loop (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0)) (br 0))"), spent),
		traps("flood of standard output", "(data (i32.const 0x400) \"\\00\\00\\00\\00\\00\\40\\00\\00\")"+
			body("(loop (drop (call $fd_write (i32.const 1) (i32.const 0x400) (i32.const 1) (i32.const 0x500))) (br 0))"), spent),
		ends("edit outside its scope", "(data (i32.const 0x400) \"/message/subject\")"+
			body("(call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 1)) (call $expect (call $remove (i32.const 0x400)) (i32.const 1))"), ""),
		ends("edit of what is the host's", "(data (i32.const 0x400) \"/tenant\")"+body("(call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 1))"), ""),
	}
}

// TestAttackList makes each attack of the list, has a good plugin run after each, and holds
// that the process is as large as before when all are over.
func TestAttackList(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	fields, m := readFields(t), parsed(t)
	neighbor := load(t, hostileConfig(wat2wasm(t, whole("", fields))))
	checkTame(t, neighbor, m)
	before := resident(t)
	for _, a := range attackList() {
		t.Run(a.name, func(t *testing.T) { //nolint:paralleltest // as above
			fuel := cmp.Or(a.config.Fuel, attackFuel)
			a.config = hostileConfig(nil)
			a.config.Fuel = fuel
			a.run(t, fields, m)
			checkTame(t, neighbor, m)
		})
	}
	checkResident(t, before)
}

// resident is what the process takes, in octets, when what it can give back is given back.
func resident(t *testing.T) uint64 {
	t.Helper()
	debug.FreeOSMemory()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	status, err := os.ReadFile("/proc/self/status")
	if errors.Is(err, os.ErrNotExist) || detectsRaces() {
		return heap.HeapAlloc
	}
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kilobytes uint64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return max(heap.HeapAlloc, kilobytes<<10)
}

// detectsRaces reports whether the process was built with the race detector, which has
// several octets beside each that was ever used, and keeps them.
func detectsRaces() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// checkResident holds that the process has come back to what it took before, or will soon.
func checkResident(t *testing.T, before uint64) {
	t.Helper()
	const most, tries = 64 << 20, 20
	var after uint64
	for range tries {
		if after = resident(t); after <= before+most {
			t.Logf("%d MiB before, %d MiB after", before>>20, after>>20)
			return
		}
		time.Sleep(50 * time.Millisecond) // what ends is closed in the background
	}
	t.Errorf("the process takes %d MiB, and took %d MiB before", after>>20, before>>20)
}

// counter counts its runs in a global and in memory, and says how many there
// were; what it does then is the mode of the payload.
const counter = `
(global $count (mut i32) (i32.const 0))
(data (i32.const 0x140) "/mode") (data (i32.const 0x150) "0")
(func $transform (result i32)
	(local $mode i32)
	(global.set $count (i32.add (global.get $count) (i32.const 1)))
	(i32.store (i32.const 0xff4) (i32.add (i32.load (i32.const 0xff4)) (i32.const 1)))
	(call $expect (i32.load (i32.const 0xff4)) (global.get $count))
	(i32.store8 (i32.const 0x150) (i32.add (i32.const 0x30) (global.get $count)))
	(call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x150) (i32.const 1) (i32.const 0x40))
	(call $expect (call $answer) (i32.const 0))
	(call $payload.get (i32.const 0x140) (i32.const 5) (i32.const 0x40))
	(call $expect (call $answer) (i32.const 0))
	(local.set $mode (i32.load8_u (i32.load (i32.const 0x48))))
	(block $host (block $exit (block $memory (block $loop (block $fuel (block $trap (block $good
		(br_table $good $trap $fuel $loop $memory $exit $host (i32.sub (local.get $mode) (i32.const 0x30))))
		(return (i32.const 0x10)))
		unreachable)
		(loop (drop (memory.grow (i32.const 100))) (br 0)))
		(loop (br 0)))
		(loop (br_if 0 (i32.ne (i32.const -1) (memory.grow (i32.const 1))))) unreachable)
		(call $proc_exit (i32.const 3)))
	(call $log.write (i32.const 99) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
	(i32.const 0x10))
(func $enter (result i32) (call $transform))`

// TestRunsCountOne runs a plugin thousands of times that counts its runs, and again after
// traps of all kinds: each run is the first.
func TestRunsCountOne(t *testing.T) {
	t.Parallel()
	cfg := hostileConfig(wat2wasm(t, whole(counter, readFields(t))))
	cfg.Read, cfg.Fuel = []document.Pointer{{"mode"}}, 100_000_000
	p, m := load(t, cfg), parsed(t)
	run := func(ctx context.Context, mode int) (plugin.Result, error) {
		return p.Run(ctx, m, payloadDocument(t, fmt.Sprintf(`,"mode":%d`, mode)))
	}
	check := func(after string) {
		t.Helper()
		res, err := run(t.Context(), 0)
		if err != nil || !strings.HasSuffix(stored(t, res.Document), `,"mode":0,"crm":1}}`) {
			t.Fatalf("after %s: %s, %v", after, stored(t, res.Document), err)
		}
	}
	for range 3000 {
		check("a good run")
	}
	kinds := []struct {
		name, text string
	}{
		{"a trap", "unreachable"},
		{"all fuel", "its fuel is used up, after 100"},
		{"a deadline", "its time was over"},
		{"all memory", "unreachable"},
		{"an exit", "it exited with code 3"},
		{"an error of the host", "99 is no level"},
	}
	for i := range 204 {
		kind := kinds[i%len(kinds)]
		ctx, cancel := context.WithCancel(t.Context())
		if kind.name == "a deadline" {
			ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		}
		res, err := run(ctx, 1+i%len(kinds))
		cancel()
		var trap *sandbox.Trap
		if !errors.As(err, &trap) || !strings.Contains(err.Error(), kind.text) || trap.Deadline != (kind.name == "a deadline") {
			t.Fatalf("%s: error = %v, want a trap with %q", kind.name, err, kind.text)
		}
		if kind.name == "all memory" && res.Memory != cfg.Memory {
			t.Errorf("it had %d octets of memory", res.Memory)
		}
		check(kind.name)
	}
}

// moduleOf is a module of so many functions of one body each.
func moduleOf(functions int, code func() []byte) []byte {
	section := func(b []byte, id byte, content []byte) []byte {
		return append(binary.AppendUvarint(append(b, id), uint64(len(content))), content...)
	}
	count := binary.AppendUvarint(nil, uint64(functions))
	b := section([]byte("\x00asm\x01\x00\x00\x00"), 1, []byte("\x01\x60\x00\x00"))
	b = section(b, 3, append(slices.Clone(count), make([]byte, functions)...))
	body := code()
	body = append(binary.AppendUvarint(nil, uint64(len(body))), body...)
	return section(b, 10, append(slices.Clone(count), []byte(strings.Repeat(string(body), functions))...))
}

// locals is the body of a function that has so many and does nothing.
func locals(n uint64) []byte {
	return append(binary.AppendUvarint([]byte{1}, n), 0x7f, 0x0b)
}

// branches is the body of a function of so many branches to its end.
func branches(n int) []byte {
	return slices.Concat([]byte{0}, []byte(strings.Repeat("\x41\x00\x0d\x00", n)), []byte{0x0b})
}

// component is one whose module imports a function of type () → ().
func component(symbol string) []byte {
	imports := "\x01" + symbol + "\x00\x00"
	module := "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02" + string(rune(len(imports))) + imports + "\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00"
	return []byte("\x00asm\x0d\x00\x01\x00\x01" + string(rune(len(module))) + module)
}
