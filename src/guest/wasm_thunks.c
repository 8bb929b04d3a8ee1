/*
 * What a library's undefined symbols are bound to: each function of library_symbols.h behind a
 * check that the call stack has room for it (WASM_STACK_HOST_BYTES). Without it a guest could bring
 * a host function to the end of the stack and make it stop half-way, its state torn, by a trap.
 * With it a fault on the guard is always translated code's own. One compare and one jump a call.
 */
#include "guest/wasm_internal.h"

/*
 * Flags are the only thing changed on the way through: arguments, and %al of variadic calls, stay.
 * The return address, on top of the stack, tells the trap which function called.
 */
#define LIBRARY_SYMBOL_AS(name, function)                \
    __asm__(".text\n"                                    \
            ".p2align 4\n"                               \
            ".hidden wasm_thunk_" #name "\n"             \
            ".globl wasm_thunk_" #name "\n"              \
            ".type wasm_thunk_" #name ", @function\n"    \
            "wasm_thunk_" #name ":\n"                    \
            "    cmp %fs:wasm_stack_limit@tpoff, %rsp\n" \
            "    jb wasm_thunk_no_room\n"                \
            "    jmp " #function "@PLT\n"                \
            ".size wasm_thunk_" #name ", . - wasm_thunk_" #name "\n");
#define LIBRARY_SYMBOL(name) LIBRARY_SYMBOL_AS(name, name)

__asm__(".text\n"
        ".type wasm_thunk_no_room, @function\n"
        "wasm_thunk_no_room:\n"
        "    mov (%rsp), %rdi\n"
        "    mov %fs:wasm_stack_return@tpoff, %rsp\n"
        "    and $-16, %rsp\n"
        "    call wasm_stack_exhausted\n"
        "    ud2\n"
        ".size wasm_thunk_no_room, . - wasm_thunk_no_room\n");

#include "guest/library_symbols.h"

/* Those of native code; its variables have nothing in front. */
#define NATIVE_VARIABLE(name, variable)
#define NATIVE_SYMBOL(name, function, proved)            \
    __asm__(".text\n"                                    \
            ".p2align 4\n"                               \
            ".hidden native_thunk_" #name "\n"           \
            ".globl native_thunk_" #name "\n"            \
            ".type native_thunk_" #name ", @function\n"  \
            "native_thunk_" #name ":\n"                  \
            "    cmp %fs:wasm_stack_limit@tpoff, %rsp\n" \
            "    jb wasm_thunk_no_room\n"                \
            "    jmp " #function "@PLT\n"                \
            ".size native_thunk_" #name ", . - native_thunk_" #name "\n");

#include "guest/native_symbols.h"
