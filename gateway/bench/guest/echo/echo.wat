;; The plugin echo by hand: it sets the HTML body into the payload as it is. The layouts are
;; those of wit/README.md. Memory:
;;
;;   0x000  the result of $configure and $transform, 12 octets, which stays zero: ok
;;   0x010  where the host writes its answer to a call, 16 octets at the most
;;   0x020  "/echo"
;;   0x100  what the host is given by cabi_realloc, from here on
(module
  (import "postern:plugin/body@0.1.0" "html" (func $body.html (param i32)))
  (import "postern:plugin/payload@0.1.0" "set" (func $payload.set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0x020) "/echo")
  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0x000))
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32)
    (call $body.html (i32.const 0x010))
    (call $payload.set (i32.const 0x020) (i32.const 5) (i32.load (i32.const 0x014)) (i32.load (i32.const 0x018)) (i32.const 0x010))
    (if (i32.load8_u (i32.const 0x010)) (then (unreachable)))
    (i32.const 0x000))
  (global $next (mut i32) (i32.const 0x100))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.set $missing (i32.sub
      (i32.shr_u (i32.add (global.get $next) (i32.const 0xffff)) (i32.const 16))
      (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable)))))
    (local.get $at)))
