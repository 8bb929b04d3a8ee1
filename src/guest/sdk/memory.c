/*
 * memcpy, memmove and memset as WebAssembly's bulk instructions, which the translation makes into
 * the machine's own. Compiled with -mbulk-memory and linked into each module built from C; the
 * sources themselves are compiled without it, because with it (and without atomics) LLVM 14 refuses
 * _Thread_local, which is how wasi-libc declares errno. Weak: a source may bring its own.
 */
#include <stddef.h>

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return __builtin_memcpy(to, from, size);
}

__attribute__((weak)) void *memmove(void *to, const void *from, size_t size)
{
    return __builtin_memmove(to, from, size);
}

__attribute__((weak)) void *memset(void *to, int byte, size_t size)
{
    return __builtin_memset(to, byte, size);
}
