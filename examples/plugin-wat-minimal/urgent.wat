;; A plugin for Postern by hand: it sets /urgent in the payload to true where the mail's
;; sender says X-Priority: 1 or 2, and to false elsewhere.
;;
;; The types of the functions and the places of the fields are in wit/README.md. Memory:
;;
;;   0x000  the result of $configure and $transform: result<_, string>, 12 octets
;;   0x010  where the host writes its answer to a call, 16 octets at the most
;;   0x020  strings that never change
;;   0x100  what the host is given by cabi_realloc, from here on
;;
;; All memory is as it was after configure when transform is called, for each mail. So
;; nothing is ever freed, and nothing is set back.
(module
  ;; An import is a permission that the plugin asks for: headers, and payload.
  (import "postern:plugin/headers@0.1.0" "get" (func $headers.get (param i32 i32 i32)))
  (import "postern:plugin/payload@0.1.0" "set" (func $payload.set (param i32 i32 i32 i32 i32)))

  (memory (export "memory") 1)
  (data (i32.const 0x020) "X-Priority")
  (data (i32.const 0x030) "/urgent")
  (data (i32.const 0x040) "true")
  (data (i32.const 0x050) "false")
  (data (i32.const 0x060) "/urgent is not granted: write = [\"/urgent\"]")
  (data (i32.const 0x0a0) "there are no options")

  ;; Called once, when the gateway starts, with the options of the block as JSON.
  (func (export "postern:plugin/transformer@0.1.0#configure") (param $options i32) (param $length i32) (result i32)
    ;; No options are {}. Whatever is longer has one.
    (if (i32.gt_u (local.get $length) (i32.const 2))
      (then (return (call $failed (i32.const 0x0a0) (i32.const 20)))))
    (i32.const 0x000)) ;; which is zero: ok

  ;; Called for each mail.
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32)
    (local $urgent i32)
    (local.set $urgent (call $is_urgent))
    (call $payload.set
      (i32.const 0x030) (i32.const 7)                                               ;; /urgent
      (select (i32.const 0x040) (i32.const 0x050) (local.get $urgent))              ;; "true" or "false", …
      (select (i32.const 4) (i32.const 5) (local.get $urgent))                      ;; … and its length
      (i32.const 0x010))
    ;; The answer is result<_, edit-error>; its first octet says which: 0 ok, 1 error.
    (if (i32.load8_u (i32.const 0x010))
      (then (return (call $failed (i32.const 0x060) (i32.const 43)))))
    (i32.const 0x000))

  ;; Whether the first X-Priority begins with 1 or 2: "1", "1 (Highest)", "2".
  (func $is_urgent (result i32)
    (local $first i32)
    (call $headers.get (i32.const 0x020) (i32.const 10) (i32.const 0x010))
    ;; The answer is list<string>: its address, and the number of its elements.
    (if (i32.eqz (i32.load (i32.const 0x014))) (then (return (i32.const 0))))
    ;; An element is a string: its address, and its length in octets.
    (local.set $first (i32.load (i32.const 0x010)))
    ;; The address of an empty string leads nowhere.
    (if (i32.eqz (i32.load offset=4 (local.get $first))) (then (return (i32.const 0))))
    ;; '1' is 0x31; what is below wraps around to a large number.
    (i32.lt_u (i32.sub (i32.load8_u (i32.load (local.get $first))) (i32.const 0x31)) (i32.const 2)))

  ;; Makes an error of a string, and gives its address.
  (func $failed (param $text i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 0x000) (i32.const 1))
    (i32.store (i32.const 0x004) (local.get $text))
    (i32.store (i32.const 0x008) (local.get $length))
    (i32.const 0x000))

  ;; The host calls it to write strings and lists into this memory. A header can be
  ;; larger than the page that there is at first, so memory grows.
  (global $next (mut i32) (i32.const 0x100))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    ;; Up to the next multiple of $align, which is a power of two.
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (loop $more
      (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
        (then
          ;; -1: it may not grow any more. The run ends, and the gateway says why.
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
          (br $more))))
    (local.get $at)))
