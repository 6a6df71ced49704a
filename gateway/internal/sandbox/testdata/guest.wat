;; A guest that does what its exports say, good and bad.
(module
  (import "test" "note" (func $note (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 1024))
  (global $start (mut i32) (i32.const 0))
  (data (i32.const 16) "hello")
  (data (i32.const 32) "\10\00\00\00\05\00\00\00") ;; an iovec of hello

  (func (export "_initialize") (global.set $start (i32.const 7)))
  (func (export "initialized") (result i32) (global.get $start))

  ;; State that must not outlive a run: a global and an octet of memory.
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (i32.const 1)))
    (i32.add (global.get $count) (i32.mul (i32.load8_u (i32.const 64)) (i32.const 100))))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $p i32)
    (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $p) (local.get 3)))
    (local.get $p))
  (func (export "note") (param i32 i32) (call $note (local.get 0) (local.get 1)))

  (func (export "trap") unreachable)
  (func (export "spin") (loop (br 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "exit") (call $exit (i32.const 3)))
  ;; Grows until it cannot, and says how many pages it got.
  (func (export "grow") (result i32)
    (block (loop (br_if 1 (i32.eq (memory.grow (i32.const 1)) (i32.const -1))) (br 0)))
    (memory.size))
  (func (export "print") (result i32) (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 48)))
  (func (export "open") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 48)))
  (func (export "environ") (result i32) (drop (call $environ (i32.const 48) (i32.const 52))) (i32.load (i32.const 48))))
