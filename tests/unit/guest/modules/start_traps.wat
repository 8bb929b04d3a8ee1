;; Its start section traps: tenant code at instantiation.
(module
  (memory (export "memory") 1)
  (func $at_start unreachable)
  (start $at_start)
  (func (export "_start")))
