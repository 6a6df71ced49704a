;; A module that asks for what the host has not.
(module
  (import "wasi_snapshot_preview1" "launch_missiles" (func))
  (memory (export "memory") 1))
