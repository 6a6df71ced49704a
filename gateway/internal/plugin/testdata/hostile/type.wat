;; Guests whose exports and imports are not those of the contract. They do not load:
;; what is wrong is found before there is a mail.

;;; attack: transform of another type
;;; load: transformer@0.1.0#transform
;;; for TYPE: (param i32) (result i32) (i32.const 0x10) | (nop) | (result i64) (i64.const 0x10)
;;;   | (result f32) (f32.const 0x10) | (result i32 i32) (i32.const 0x10) (i32.const 0x10)
;;;   | (result externref) (ref.null extern)
(func $enter TYPE)

;;; attack: configure of another type
;;; load: transformer@0.1.0#configure
;;; for TYPE: (result i32) (i32.const 0x10) | (param i32) (result i32) (i32.const 0x10)
;;;   | (param i64 i64) (result i32) (i32.const 0x10) | (param i32 i32)
;;;   | (param i32 i32) (result i64) (i64.const 0x10) | (param f32 f32) (result i32) (i32.const 0x10)
(func $configure TYPE)

;;; attack: cabi_realloc of another type
;;; load: cabi_realloc
;;; for TYPE: (param i32 i32 i32) (result i32) (i32.const 0x1000)
;;;   | (param i64 i64 i64 i64) (result i32) (i32.const 0x1000) | (param i32 i32 i32 i32)
;;;   | (param i32 i32 i32 i32) (result i64) (i64.const 0x1000) | (param i32 i32 i32 i32) (result f64) (f64.const 1)
(func $realloc TYPE)

;;; attack: clean-up of another type
;;; load: cabi_post_postern:plugin/transformer@0.1.0#EXPORT
;;; for EXPORT: transform | configure
;;; for TYPE: (nop) | (param i64) | (param i32 i32) | (param i32) (result i32) (i32.const 0)
(func (export "cabi_post_postern:plugin/transformer@0.1.0#EXPORT") TYPE)

;;; attack: _initialize of another type
;;; load: _initialize
;;; for TYPE: (param i32) | (result i32) (i32.const 0)
(func (export "_initialize") TYPE)

;;; attack: an export that is an import
;;; load: which is a function that it imports
;;; for FIELDS: (import "wasi_snapshot_preview1" "sched_yield" (func $enter (result i32)))
;;;   | (import "wasi_snapshot_preview1" "args_get" (func $configure (param i32 i32) (result i32)))
;;;   | (import "wasi_snapshot_preview1" "fd_write" (func $realloc (param i32 i32 i32 i32) (result i32)))
;;;   | (export "_start" (func $proc_exit))
;;;   | (export "cabi_post_postern:plugin/transformer@0.1.0#transform" (func $proc_exit))
;;;   | (export "cabi_post_postern:plugin/transformer@0.1.0#configure" (func $envelope.get))
FIELDS

;;; attack: a global for a function
;;; load: cabi_realloc
(module
  (memory (export "memory") 1)
  (global (export "cabi_realloc") i32 (i32.const 0))
  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32) (i32.const 0)))

;;; attack: without cabi_realloc
;;; load: does not export cabi_realloc
(module
  (memory (export "memory") 1)
  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32) (i32.const 0)))

;;; attack: without configure
;;; load: does not export postern:plugin/transformer@0.1.0#configure
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32) (i32.const 0)))

;;; attack: without transform
;;; load: does not export postern:plugin/transformer@0.1.0#transform
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0)))

;;; attack: a memory of another name
;;; load: exports no memory named "memory"
(module (memory (export "mem") 1))

;;; attack: a memory that is not exported
;;; load: exports no memory named "memory"
(module (memory 1))

;;; attack: no memory
;;; load: exports no memory named "memory"
(module)

;;; attack: a function for the memory
;;; load: exports no memory named "memory"
(module (memory 1) (func (export "memory")))

;;; attack: an imported memory
;;; load: imports a memory
(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)))

;;; attack: two memories
;;; load: module cannot be compiled
(module (memory (export "memory") 1) (memory (export "more") 1))

;;; attack: a memory of 64 bits
;;; load: module cannot be compiled
(module (memory (export "memory") i64 1))

;;; attack: a shared memory
;;; load: module cannot be compiled
(module (memory (export "memory") 1 2 shared))

;;; attack: an import of another type
;;; load: postern:plugin/headers@0.1.0
;;; for IMPORT: (func $odd (param i32)) | (func $odd (param i32 i32 i32) (result i32))
;;;   | (func $odd (param i64 i64 i64)) | (global $odd i32) | (table $odd 1 funcref) | (global $odd (mut i64))
(import "postern:plugin/headers@0.1.0" "get" IMPORT)

;;; attack: an import of WASI of another type
;;; load: wasi_snapshot_preview1
(import "wasi_snapshot_preview1" "proc_exit" (func $odd (param i64)))

;;; attack: an import that there is not, postern:plugin/mailbox@0.1.0 get
;;; load: imports postern:plugin/mailbox@0.1.0 get, which the host has not
(import "postern:plugin/mailbox@0.1.0" "get" (func $odd))

;;; attack: an import that there is not, postern:plugin/headers@0.1.0 set
;;; load: imports postern:plugin/headers@0.1.0 set, which the host has not
(import "postern:plugin/headers@0.1.0" "set" (func $odd))

;;; attack: an import that there is not, postern:plugin/transformer@0.1.0 transform
;;; load: imports postern:plugin/transformer@0.1.0 transform, which the host has not
(import "postern:plugin/transformer@0.1.0" "transform" (func $odd))

;;; attack: an import that there is not, wasi_snapshot_preview1 launch_missiles
;;; load: imports wasi_snapshot_preview1 launch_missiles, which the host has not
(import "wasi_snapshot_preview1" "launch_missiles" (func $odd))

;;; attack: an import that there is not, wasi_unstable proc_exit
;;; load: imports wasi_unstable proc_exit, which the host has not
(import "wasi_unstable" "proc_exit" (func $odd))

;;; attack: an import that there is not, wasi:io/streams@0.2.0 read
;;; load: imports wasi:io/streams@0.2.0 read, which the host has not
(import "wasi:io/streams@0.2.0" "read" (func $odd))

;;; attack: an import that there is not, env abort
;;; load: imports env abort, which the host has not
(import "env" "abort" (func $odd))

;;; attack: a global that there is not
;;; load: env
(import "env" "stack_pointer" (global $odd (mut i32)))

;;; attack: another version of the contract
;;; load: another version of the contract
;;; for VERSION: 0.2.0 | 0.1.1 | 1.0.0
(module
  (import "postern:plugin/headers@VERSION" "all" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@VERSION#configure") (param i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@VERSION#transform") (result i32) (i32.const 0)))

;;; attack: another version whose name is no line
;;; load: another version of the contract
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "postern:plugin/transformer@\1b[2J\0aplugin \22good\22: fine#configure") (param i32 i32) (result i32) (i32.const 0)))

;;; attack: an import whose name is no line
;;; load: which the host has not
;;; for NAME: \1b[2J\0aall is well | \c2\9b2J | \00
(import "env" "NAME" (func $odd))

;;; attack: a module whose name is no line
;;; load: which the host has not
(import "\1b[2J\0aall is well" "x" (func $odd))

;;; attack: an import whose name is long
;;; load: which the host has not
(import "env" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" (func $odd))

;;; attack: exports with odd names
;;; ok:
(func (export "") (export "\1b[2J\0a") (export "\00") (export "__postern_fuel") unreachable)
(func (export "memory.grow") (param i64 f64) (result v128 f32) unreachable)
(global (export "__postern_interrupt") (mut i32) (i32.const 1))
(table (export "table") 1 funcref)

;;; attack: a start function
;;; ok:
(func $start (global.set $top (i32.const 0x2000)))
(start $start)

;;; attack: an _initialize that is a global
;;; ok:
(global (export "_initialize") i32 (i32.const 0))
