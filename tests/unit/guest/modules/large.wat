;; Asks for 32 MiB at once.
(module (memory (export "memory") 512) (func (export "_start")))
