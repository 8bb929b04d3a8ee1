(module (type (func (param v128))) (memory (export "memory") 1) (func (export "_start")))
