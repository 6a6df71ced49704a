;; A module without a memory.
(module (func (export "x")))
