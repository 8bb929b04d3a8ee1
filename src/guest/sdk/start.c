/*
 * Where a program with main() begins that can be updated while it runs: in place of wasi-libc's
 * crt1.o. A version that takes a running pVM's memory over begins here, too, and finds that memory
 * as the one before left it: constructors, which would set the C library's and the author's
 * variables anew, run only the first time.
 */
#include <stdint.h>
#include <stdlib.h>

__attribute__((import_module("vireo"), import_name("updates"))) uint32_t host_updates(void);

void __wasm_call_ctors(void);
/* wasi-libc's, or what clang makes of a main() without arguments. */
int __original_main(void);

__attribute__((export_name("_start"), used)) void _start(void)
{
    if (host_updates() == 0)
        __wasm_call_ctors();
    exit(__original_main());
}
