;; A module that starts with more memory than it may have.
(module (memory (export "memory") 1000))
