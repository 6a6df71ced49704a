;; A guest whose memory is an image when it is set up, and grows by a mebibyte in a run.
(module
  (memory (export "memory") 4 64)
  ;; It grows, says how much of what it got is not zero, in words, and fills all of it.
  (func (export "grow") (result i32) (local $at i32) (local $found i32)
    (local.set $at (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
    (loop $next
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
      (i64.store (local.get $at) (i64.const -1))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.shl (memory.size) (i32.const 16)))))
    (local.get $found)))
