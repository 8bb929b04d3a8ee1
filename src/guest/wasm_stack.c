/*
 * The call stack of translated code: its own mapping with a guard below it, so that running off it
 * is a fault that we can tell from every other one, and so that leaving it (exit, trap) is one
 * load of the stack pointer. No setjmp: the buffer would hold an address that a guest's bug could
 * reach, and glibc's checked longjmp refuses to go to another stack.
 *
 * From the lowest address: guard (no access), WASM_STACK_HOST_BYTES that host functions can
 * always use, the size asked for.
 */
#include <errno.h>
#include <sys/mman.h>

#include "guest/linker_internal.h"
#include "guest/wasm_internal.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif

static uint64_t size_wanted = 1u << 20;

static _Thread_local struct {
    uint8_t *base; /* of the guard */
    uint64_t bytes;
} stack;

/* Read by the thunks: no host function starts below the limit (0: not on the call stack). */
_Thread_local uintptr_t wasm_stack_limit;
/* Where they go when there is no room: the stack pointer of the innermost frame's host side. */
_Thread_local void *wasm_stack_return;

int wasm_stack_switch(void (*function)(void *), void *argument, void *top,
                      void **ret_stack_pointer);
void wasm_stack_restore(void *stack_pointer) __attribute__((noreturn));

/*
 * System V ABI: rbx, rbp, r12..r15 are kept across calls; rsp is 16-aligned before a call. The
 * floating-point control words are not changed by translated code.
 */
__asm__(".text\n"
        ".type wasm_stack_switch, @function\n"
        ".hidden wasm_stack_switch\n"
        ".globl wasm_stack_switch\n"
        "wasm_stack_switch:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rcx)\n"
        "    mov %rsp, %rbx\n"
        "    test %rdx, %rdx\n"
        "    jz 1f\n"
        "    mov %rdx, %rsp\n"
        "1:  and $-16, %rsp\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    call *%rax\n"
        "    mov %rbx, %rsp\n"
        "    xor %eax, %eax\n"
        "2:  pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size wasm_stack_switch, . - wasm_stack_switch\n"
        ".type wasm_stack_restore, @function\n"
        ".hidden wasm_stack_restore\n"
        ".globl wasm_stack_restore\n"
        "wasm_stack_restore:\n"
        "    mov %rdi, %rsp\n"
        "    mov $1, %eax\n"
        "    jmp 2b\n"
        ".size wasm_stack_restore, . - wasm_stack_restore\n");

void wasm_stack_size(uint64_t bytes)
{
    size_wanted = (bytes + 4095) & ~4095ull;
}

/*
 * Left free above the stack: what is mapped next (the heap, a library, the stack of signals) goes
 * there, and so lies beside the one page of the stack that most calls touch: one page table for
 * all of them.
 */
#define ROOM_ABOVE_BYTES (384ul << 10)

int wasm_stack_prepare(void)
{
    if (stack.base)
        return 0;
    uint64_t bytes = WASM_STACK_GUARD_BYTES + WASM_STACK_HOST_BYTES + size_wanted;
    uint8_t *base = mmap(NULL, bytes + ROOM_ABOVE_BYTES, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    munmap(base + bytes, ROOM_ABOVE_BYTES);
    if (mprotect(base + WASM_STACK_GUARD_BYTES, bytes - WASM_STACK_GUARD_BYTES,
                 PROT_READ | PROT_WRITE) < 0) {
        int r = -errno;
        munmap(base, bytes);
        return r;
    }
    stack.base = base;
    stack.bytes = bytes;
    return 0;
}

/* From here on touching takes longer than a start may. */
#define TOUCH_BYTES_MAX (256u << 10)

void wasm_stack_touch(uint64_t bytes)
{
    uint64_t whole = (bytes + 4095) & ~4095ull;

    /* Linux 5.14; without it the pages come when they are used. */
    if (stack.base && bytes > 0 && whole <= TOUCH_BYTES_MAX)
        madvise(stack.base + stack.bytes - whole, whole, 23 /* MADV_POPULATE_WRITE */);
}

bool wasm_stack_guards(uintptr_t address)
{
    return stack.base && address >= (uintptr_t)stack.base &&
           address < (uintptr_t)stack.base + WASM_STACK_GUARD_BYTES;
}

/* It reads whole frames, what marks of a sanitizer they have or not. */
__attribute__((no_sanitize("address"))) bool wasm_stack_calls(const void *frame,
                                                              const struct library *library)
{
    const uintptr_t top = (uintptr_t)stack.base + stack.bytes;

    for (uintptr_t at = (uintptr_t)frame; at >= (uintptr_t)stack.base && at < top; at += sizeof at)
        if (library_holds(library, *(const uintptr_t *)at))
            return true;
    return false;
}

int wasm_stack_run(struct wasm_frame *frame, void (*function)(void *argument), void *argument)
{
    bool nested = wasm_stack_limit != 0;

    /* The thunks jump to the innermost frame: its stack pointer is written by the switch. */
    frame->outer_return = wasm_stack_return;
    wasm_stack_limit = (uintptr_t)stack.base + WASM_STACK_GUARD_BYTES + WASM_STACK_HOST_BYTES;
    int left = wasm_stack_switch(function, argument, nested ? NULL : stack.base + stack.bytes,
                                 &wasm_stack_return);
    wasm_stack_return = frame->outer_return;
    if (!nested)
        wasm_stack_limit = 0;
    return left;
}

void wasm_stack_leave(void)
{
#ifdef HAVE_ASAN
    /* What the dropped frames marked would be mistaken for the next ones'. */
    __asan_unpoison_memory_region(stack.base + WASM_STACK_GUARD_BYTES,
                                  stack.bytes - WASM_STACK_GUARD_BYTES);
#endif
    wasm_stack_restore(wasm_stack_return);
}
