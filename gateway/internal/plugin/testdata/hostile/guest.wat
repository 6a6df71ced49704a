;; What the guests of this folder are made of. The suite (hostile_test.go) takes the
;; fields that an attack calls by name and does not define itself, so that a guest
;; imports what it uses and no more. Fields are separated by empty lines.
;;
;; Memory: 0x10 a result that is good, 0x20 one that is an error, 0x40 what the host
;; answers, 0x100 the strings of this file, 0x400 the attack's own, 0x1000 what
;; $realloc gives.

(export "memory" (memory $memory))

(export "cabi_realloc" (func $realloc))

(export "postern:plugin/transformer@0.1.0#configure" (func $configure))

(export "postern:plugin/transformer@0.1.0#transform" (func $enter))

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

(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))

(import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))

(import "wasi_snapshot_preview1" "path_open" (func $path_open
  (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))

(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

(memory $memory 1)

(table $table 2 funcref)

;; Where the last piece that $realloc gave ends.
(global $top (mut i32) (i32.const 0x1000))

;; What $spoil and $good know a run before by, beside memory and table.
(global $secret (mut i32) (i32.const 0))

;; True in a run for a mail with /tame.
(global $tame (mut i32) (i32.const 0))

(data (i32.const 0x100) "/tame") (data (i32.const 0x108) "/crm")
(data (i32.const 0x110) "\"spoiled\"") (data (i32.const 0x120) "\"leaked\"") (data (i32.const 0x130) "\"tame\"")

(func $realloc (param i32 i32 i32 i32) (result i32)
  (local $p i32)
  (local.set $p (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.set $top (i32.add (local.get $p) (local.get 3)))
  (block $fits
    (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
    (br_if $fits (i32.ne (i32.const -1)
      (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1)))))
    unreachable)
  (local.get $p))

(func $configure (param i32 i32) (result i32) (i32.const 0x10))

(func $transform (result i32) (i32.const 0x10))

;; A run for a mail with /tame behaves well, whatever the attack is, and says what it
;; sees of the runs before. Every other run first leaves edit, verdict, line of the
;; log and secret behind, and then attacks.
(func $enter (result i32)
  (call $payload.remove (i32.const 0x100) (i32.const 5) (i32.const 0x40))
  (global.set $tame (i32.eqz (call $answer)))
  (if (global.get $tame) (then (return (call $good))))
  (call $spoil)
  (call $transform))

(func $good (result i32)
  (call $expect (call $set (i32.const 0x108) (select (i32.const 0x120) (i32.const 0x130) (call $leaked))) (i32.const 0))
  (i32.const 0x10))

(func $leaked (result i32)
  (i32.or (i32.or (global.get $secret) (i32.load (i32.const 0xff0)))
    (i32.eqz (ref.is_null (table.get $table (i32.const 0))))))

(func $spoil
  (call $hide)
  (call $expect (call $set (i32.const 0x108) (i32.const 0x110)) (i32.const 0))
  (call $disposition.drop (i32.const 0x110) (i32.const 9))
  (call $log.write (i32.const 3) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0)))

(func $hide
  (global.set $secret (i32.const 1))
  (i32.store (i32.const 0xff0) (i32.const 1))
  (table.set $table (i32.const 0) (table.get $table (i32.const 1))))
(elem (table $table) (i32.const 1) func $hide)

;; The length of a string that ends with NUL.
(func $length (param $s i32) (result i32)
  (local $n i32)
  (block $end
    (loop $next
      (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get $s) (local.get $n)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $next)))
  (local.get $n))

;; Sets what is at a pointer to a value, both of them ending with NUL.
(func $set (param $pointer i32) (param $value i32) (result i32)
  (call $payload.set (local.get $pointer) (call $length (local.get $pointer))
    (local.get $value) (call $length (local.get $value)) (i32.const 0x40))
  (call $answer))

(func $remove (param $pointer i32) (result i32)
  (call $payload.remove (local.get $pointer) (call $length (local.get $pointer)) (i32.const 0x40))
  (call $answer))

(func $get (param $pointer i32) (result i32)
  (call $payload.get (local.get $pointer) (call $length (local.get $pointer)) (i32.const 0x40))
  (call $answer))

;; What payload has answered: 0 good, 1 forbidden, 2 bad pointer, 3 bad value.
(func $answer (result i32)
  (if (result i32) (i32.load8_u (i32.const 0x40))
    (then (i32.add (i32.load8_u (i32.const 0x44)) (i32.const 1)))
    (else (i32.const 0))))

;; Exits with 100 more than what it got where that is not what it was to get.
(func $expect (param $got i32) (param $want i32)
  (if (i32.ne (local.get $got) (local.get $want))
    (then (call $proc_exit (i32.add (i32.const 100) (local.get $got))))))

;; An error with the host's own words on a bad value.
(func $told (param $answer i32) (result i32)
  (call $expect (local.get $answer) (i32.const 3))
  (i32.store8 (i32.const 0x20) (i32.const 1))
  (i64.store align=4 (i32.const 0x24) (i64.load align=4 (i32.const 0x48)))
  (i32.const 0x20))

;; An error in words of the guest's own.
(func $fail (param $text i32) (result i32)
  (i32.store8 (i32.const 0x20) (i32.const 1))
  (i32.store (i32.const 0x24) (local.get $text))
  (i32.store (i32.const 0x28) (call $length (local.get $text)))
  (i32.const 0x20))
