;; A module whose start function never ends.
(module
  (memory (export "memory") 1)
  (func $spin (loop (br 0)))
  (start $spin))
