(module (import "wasm_bpf" "wasm_load_bpf_object" (func (param i32 i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))
