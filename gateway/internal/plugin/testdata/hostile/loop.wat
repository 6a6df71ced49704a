;; Guests that never end: their time is over, and the error says so wherever it was.

;;; attack: empty loop
;;; error: transform: its time was over
;;; deadline:
(func $transform (result i32) (loop (br 0)) unreachable)

;;; attack: loop that counts to 2^64
;;; error: its time was over
;;; deadline:
(func $transform (result i32)
  (local $n i64)
  (loop (br_if 0 (i64.ne (i64.const 0) (local.tee $n (i64.add (local.get $n) (i64.const 1))))))
  (i32.const 0x10))

;;; attack: tree of calls without a loop
;;; error: its time was over
;;; deadline:
(func $tree (param $depth i32)
  (if (local.get $depth) (then
    (call $tree (i32.sub (local.get $depth) (i32.const 1)))
    (call $tree (i32.sub (local.get $depth) (i32.const 1))))))
(func $transform (result i32) (call $tree (i32.const 27)) unreachable) ;; it ends, but much too late

;;; attack: filling of memory
;;; error: its time was over
;;; deadline:
;;; memory: 0x1000000
(memory $memory 256)
(func $transform (result i32)
  (loop (memory.fill (i32.const 0) (i32.const 0xaa) (i32.const 0x1000000)) (br 0))
  unreachable)

;;; attack: loop in a start function
;;; load: its time was over
;;; deadline:
(func $start (loop (br 0)))
(start $start)

;;; attack: loop in _initialize
;;; load: its time was over
;;; deadline:
(func (export "_initialize") (loop (br 0)))

;;; attack: loop in configure
;;; load: configure: its time was over
;;; deadline:
(func $configure (param i32 i32) (result i32) (loop (br 0)) unreachable)

;;; attack: loop in the clean-up of configure
;;; load: configure: its time was over
;;; deadline:
(func (export "cabi_post_postern:plugin/transformer@0.1.0#configure") (param i32) (loop (br 0)))

;;; attack: loop in cabi_realloc for the options
;;; load: cabi_realloc: its time was over
;;; deadline:
;;; options: {}
(func $realloc (param i32 i32 i32 i32) (result i32) (loop (br 0)) unreachable)

;;; attack: loop in cabi_realloc for an answer
;;; error: cabi_realloc: its time was over
;;; deadline:
(func $realloc (param i32 i32 i32 i32) (result i32) (loop (br 0)) unreachable)
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: loop in the clean-up of transform
;;; error: transform: its time was over
;;; deadline:
(func (export "cabi_post_postern:plugin/transformer@0.1.0#transform") (param i32)
  (if (i32.eqz (global.get $tame)) (then (loop (br 0)))))

;;; attack: flood of calls that read
;;; error: more than 100000 calls of the host in one run
(func $transform (result i32) (loop (drop (call $raw.size)) (br 0)) unreachable)

;;; attack: flood of calls that make the host work
;;; error: its time was over
;;; deadline:
;;; memory: 0x1000000
(func $transform (result i32)
  (loop (call $raw.read (i64.const 0) (i32.const 0x100000) (i32.const 0x40)) (global.set $top (i32.const 0x1000)) (br 0))
  unreachable)
(memory $memory 32)

;;; attack: flood of calls of WASI
;;; error: more than 1000000 calls of WASI in one run
(func $transform (result i32) (loop (drop (call $fd_close (i32.const 99))) (br 0)) unreachable)

;;; attack: sleep of a year
;;; ok:
(data (i32.const 0x410) "\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\f0\19\0e\0e\70\00") ;; a clock, relative
(func $transform (result i32)
  (drop (call $poll_oneoff (i32.const 0x400) (i32.const 0x500) (i32.const 1) (i32.const 0x600)))
  (i32.const 0x10))

;;; attack: wait for input that never comes
;;; ok:
(data (i32.const 0x408) "\01") ;; readable, of descriptor 0
(func $transform (result i32)
  (drop (call $poll_oneoff (i32.const 0x400) (i32.const 0x500) (i32.const 1) (i32.const 0x600)))
  (i32.const 0x10))

;;; attack: wait for so many things that their size overflows
;;; error: poll_oneoff: 268435456 in one call, at most 16384 are allowed
(func $transform (result i32)
  (call $poll_oneoff (i32.const 0x400) (i32.const 0x500) (i32.const 0x10000000) (i32.const 0x600)))

;;; attack: the host called from within cabi_realloc
;;; error: cabi_realloc
(func $realloc (param i32 i32 i32 i32) (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x1000))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: the log called from within cabi_realloc
;;; error: cabi_realloc
(func $realloc (param i32 i32 i32 i32) (result i32)
  (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
  (i32.const 0x1000))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: the host called from within the clean-up
;;; error: cabi_post_
(func (export "cabi_post_postern:plugin/transformer@0.1.0#transform") (param i32)
  (if (i32.eqz (global.get $tame)) (then (call $expect (call $set (i32.const 0x108) (i32.const 0x110)) (i32.const 0)))))
