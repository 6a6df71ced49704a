;; A guest that asks WASI for more than it may, directly and through a table.
(module
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (memory (export "memory") 16)
  (table funcref (elem $stat $clock))
  (type $s (func (param i32 i32 i32 i32 i32) (result i32)))
  (type $c (func (param i32 i64 i32) (result i32)))
  (func (export "path") (result i32) (call $stat (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4097) (i32.const 0)))
  (func (export "indirect") (result i32)
    (call_indirect (type $s) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4097) (i32.const 0) (i32.const 0)))
  (func (export "poll") (result i32) (call $poll (i32.const 0) (i32.const 0) (i32.const 16385) (i32.const 8)))
  (func (export "read") (result i32) (call $read (i32.const 0) (i32.const 0) (i32.const 16385) (i32.const 8)))
  (func (export "clock") (loop
    (drop (call_indirect (type $c) (i32.const 0) (i64.const 0) (i32.const 64) (i32.const 1))) (br 0))))
