(module (memory (export "memory") 1) (tag $t) (func (export "_start") (throw $t)))
