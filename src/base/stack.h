/* The stack of who waits for long: what deep calls before have dirtied is nobody's any more. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Gives back `depth` bytes of the main thread's stack below the caller's page and one for the call
 * itself; what was never touched costs nothing. */
__attribute__((noinline)) static void stack_give_back(size_t depth)
{
    const size_t page = 4096;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);

    madvise((void *)(here - page - depth), depth, MADV_DONTNEED);
}
