;; The guest of FuzzGuest. Its options are a program: which imports it calls, with
;; what, and how its own exports behave. They stand at 0x100, and begin with
;;
;;   u8 what cabi_realloc does   u8 what else   u8 how many calls   u8 -
;;   u32 what cabi_realloc gives   u32 what transform gives   u32 what configure gives
;;
;; What else is 1 for making the calls in configure too, 2 for a trap in cabi_post and
;; 4 for a call in there. The calls follow, 40 octets each:
;;
;;   u8 which   u24 -   u32 a   u32 b   u32 c   u32 d   u32 e   u64 f   u64 -
;;
;; The rest is data. It may overwrite itself.
(module
  (import "postern:plugin/envelope@0.1.0" "get" (func $envelope.get (param i32)))
  (import "postern:plugin/headers@0.1.0" "all" (func $headers.all (param i32)))
  (import "postern:plugin/headers@0.1.0" "get" (func $headers.get (param i32 i32 i32)))
  (import "postern:plugin/body@0.1.0" "text" (func $body.text (param i32)))
  (import "postern:plugin/body@0.1.0" "html" (func $body.html (param i32)))
  (import "postern:plugin/attachments@0.1.0" "all" (func $attachments.all (param i32)))
  (import "postern:plugin/attachments@0.1.0" "read" (func $attachments.read (param i32 i64 i32 i32)))
  (import "postern:plugin/raw@0.1.0" "size" (func $raw.size (result i64)))
  (import "postern:plugin/raw@0.1.0" "read" (func $raw.read (param i64 i32 i32)))
  (import "postern:plugin/scans@0.1.0" "all" (func $scans.all (param i32)))
  (import "postern:plugin/payload@0.1.0" "get" (func $payload.get (param i32 i32 i32)))
  (import "postern:plugin/payload@0.1.0" "set" (func $payload.set (param i32 i32 i32 i32 i32)))
  (import "postern:plugin/payload@0.1.0" "remove" (func $payload.remove (param i32 i32 i32)))
  (import "postern:plugin/disposition@0.1.0" "drop" (func $disposition.drop (param i32 i32)))
  (import "postern:plugin/disposition@0.1.0" "quarantine" (func $disposition.quarantine (param i32 i32)))
  (import "postern:plugin/log@0.1.0" "write" (func $log.write (param i32 i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 0x100))
  (global $started (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    ;; The first piece is the program.
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (if (i32.eqz (global.get $started))
      (then
        (global.set $started (i32.const 1))
        (global.set $next (i32.add (local.get $at) (local.get $size)))
        (return (local.get $at))))
    (block $grows (block $calls (block $odd (block $exits (block $traps (block $says (block $allocates
      (br_table $allocates $says $traps $exits $odd $calls $grows $allocates
        (i32.and (i32.load8_u (i32.const 0x100)) (i32.const 7))))
      ;; $allocates
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (return (local.get $at)))
      ;; $says
      (return (i32.load (i32.const 0x104))))
      ;; $traps
      unreachable)
      ;; $exits
      (call $proc_exit (i32.load (i32.const 0x104)))
      unreachable)
      ;; $odd
      (return (i32.add (local.get $at) (i32.const 1))))
      ;; $calls
      (call $calls)
      (return (local.get $at)))
    ;; $grows
    (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))

  (func $calls
    (local $call i32) (local $left i32)
    (local.set $left (i32.and (i32.load8_u (i32.const 0x102)) (i32.const 15)))
    (local.set $call (i32.const 0x110))
    (block $end
      (loop $more
        (br_if $end (i32.eqz (local.get $left)))
        (call $one (local.get $call))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (local.set $call (i32.add (local.get $call) (i32.const 40)))
        (br $more))))

  (func $one (param $call i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $e i32) (local $f i64)
    (local.set $a (i32.load offset=4 (local.get $call)))
    (local.set $b (i32.load offset=8 (local.get $call)))
    (local.set $c (i32.load offset=12 (local.get $call)))
    (local.set $d (i32.load offset=16 (local.get $call)))
    (local.set $e (i32.load offset=20 (local.get $call)))
    (local.set $f (i64.load offset=24 (local.get $call)))
    (block $16 (block $15 (block $14 (block $13 (block $12 (block $11 (block $10 (block $9
    (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16
        (i32.rem_u (i32.load8_u (local.get $call)) (i32.const 17))))
      (call $envelope.get (local.get $a)) (return))
      (call $headers.all (local.get $a)) (return))
      (call $headers.get (local.get $a) (local.get $b) (local.get $c)) (return))
      (call $body.text (local.get $a)) (return))
      (call $body.html (local.get $a)) (return))
      (call $attachments.all (local.get $a)) (return))
      (call $attachments.read (local.get $a) (local.get $f) (local.get $b) (local.get $c)) (return))
      (drop (call $raw.size)) (return))
      (call $raw.read (local.get $f) (local.get $a) (local.get $b)) (return))
      (call $scans.all (local.get $a)) (return))
      (call $payload.get (local.get $a) (local.get $b) (local.get $c)) (return))
      (call $payload.set (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e)) (return))
      (call $payload.remove (local.get $a) (local.get $b) (local.get $c)) (return))
      (call $disposition.drop (local.get $a) (local.get $b)) (return))
      (call $disposition.quarantine (local.get $a) (local.get $b)) (return))
      (call $log.write (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e)) (return))
    (drop (call $fd_write (i32.const 1) (local.get $a) (local.get $b) (local.get $c))))

  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32)
    (if (i32.and (i32.load8_u (i32.const 0x101)) (i32.const 1)) (then (call $calls)))
    (i32.load (i32.const 0x10c)))

  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32)
    (call $calls)
    (i32.load (i32.const 0x108)))

  (func (export "cabi_post_postern:plugin/transformer@0.1.0#transform") (param i32)
    (if (i32.and (i32.load8_u (i32.const 0x101)) (i32.const 2)) (then unreachable))
    (if (i32.and (i32.load8_u (i32.const 0x101)) (i32.const 4)) (then (call $calls)))))
