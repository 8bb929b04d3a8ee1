/*
 * Instances, entering them, and the ways out: return, exit, trap. A trap is either told by
 * translated code (wasm_rt_trap) or a fault of it, met by the signal handler.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/family.h"
#include "guest/linker.h"
#include "guest/linker_internal.h"
#include "guest/parts.h"
#include "guest/wasm_internal.h"

/* The kernel's signal frame with AVX-512 is under 4 KiB; looking a name up takes little. */
#define SIGNAL_STACK_BYTES (64u << 10)

static _Thread_local struct wasm_frame *innermost;

struct wasm_frame *wasm_frame_current(void)
{
    return innermost;
}

/* ---- traps ---- */

/* The specification's words. wasm2c tells fewer kinds apart than there are. */
static const char *trap_text(wasm_rt_trap_t trap)
{
    switch (trap) {
    case WASM_RT_TRAP_OOB: /* bulk operations and segments; loads and stores fault instead */
        return "out of bounds memory or table access";
    case WASM_RT_TRAP_INT_OVERFLOW:
        return "integer overflow";
    case WASM_RT_TRAP_DIV_BY_ZERO:
        return "integer divide by zero";
    case WASM_RT_TRAP_INVALID_CONVERSION:
        return "invalid conversion to integer";
    case WASM_RT_TRAP_UNREACHABLE:
        return "unreachable";
    case WASM_RT_TRAP_CALL_INDIRECT:
        return "undefined element or indirect call type mismatch";
    case WASM_RT_TRAP_UNCAUGHT_EXCEPTION:
        return "uncaught exception";
    case WASM_RT_TRAP_EXHAUSTION:
        return "call stack exhausted";
    case WASM_RT_TRAP_NONE:
        break;
    }
    return "unknown trap";
}

void wasm_trap_at(const char *trap, uintptr_t address)
{
    struct host *host = innermost->host;

    host->exit = HOST_TRAPPED;
    host->trap = trap;
    const struct library *library = parts_holder(host, address);
    if (!library ||
        library_function_at(library, address, host->trap_function, sizeof host->trap_function) < 0)
        host->trap_function[0] = '\0';
    wasm_stack_leave();
}

void wasm_rt_trap(wasm_rt_trap_t trap)
{
    wasm_trap_at(trap_text(trap), (uintptr_t)__builtin_return_address(0) - 1);
}

void wasm_stack_exhausted(uintptr_t return_address)
{
    wasm_trap_at(trap_text(WASM_RT_TRAP_EXHAUSTION), return_address - 1);
}

void wasm_refuse(int refused, uint64_t wanted)
{
    innermost->refused = refused;
    innermost->wanted = wanted;
    wasm_stack_leave();
}

void host_leave(struct host *host, enum host_exit exit)
{
    host->exit = exit;
    wasm_stack_leave();
}

bool wasm_rt_is_initialized(void)
{
    return true;
}

/*
 * The stack of a C program begins at address 0 of its memory and grows down: what runs off it, or
 * follows a null pointer backwards, has an address that wrapped.
 */
static const char *trap_of_memory(uintptr_t offset)
{
    const uintptr_t end = 1ull << 32;

    return offset < end && offset >= end - (1u << 20)
               ? "out of bounds memory access (below address 0: the C stack may have overflowed)"
               : "out of bounds memory access";
}

/* A fault of translated code in its own memory or on its own stack's guard; NULL: neither. */
static const char *trap_of_fault(const siginfo_t *info, uintptr_t instruction)
{
    uintptr_t address = (uintptr_t)info->si_addr;

    /* SEGV_MAPERR or SEGV_ACCERR: only then is there an address. Others were sent. */
    if (!innermost || (info->si_code != SEGV_MAPERR && info->si_code != SEGV_ACCERR) ||
        !parts_holder(innermost->host, instruction))
        return NULL;
    const wasm_rt_memory_t *memory = innermost->host->memory;
    if (memory && memory->data && address - (uintptr_t)memory->data < WASM_RESERVED_BYTES)
        return trap_of_memory(address - (uintptr_t)memory->data);
    if (wasm_stack_guards(address))
        return trap_text(WASM_RT_TRAP_EXHAUSTION);
    return NULL;
}

/*
 * Runs on the alternate stack and is left without returning, by a change of the stack pointer:
 * SA_NODEFER means that no signal mask must be put back for that, and the kernel tells by the
 * stack pointer alone whether the alternate stack is in use.
 */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    uintptr_t instruction = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

    const char *trap = trap_of_fault(info, instruction);
    if (trap)
        wasm_trap_at(trap, instruction);
    /* A crash: the instruction faults again, and the default action takes the process. */
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
    if (info->si_code <= 0)
        raise(signal); /* it was sent: it would not come again by itself */
}

int wasm_runtime_init(struct err *err)
{
    int r = wasm_base_init(false, err);
    if (r < 0)
        return r;
    static _Thread_local void *alternate;
    struct sigaction action = {
        .sa_sigaction = on_fault,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
    };

    if (!alternate) {
        /* Mapped as the call stack is: one mapping of both costs each instance less than two. */
        void *stack = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (stack == MAP_FAILED)
            return err_set(err, -errno, "cannot make the signal stack");
        alternate = stack;
    }
    stack_t where = {.ss_sp = alternate, .ss_size = SIGNAL_STACK_BYTES};
    sigemptyset(&action.sa_mask);
    if (sigaltstack(&where, NULL) < 0 || sigaction(SIGSEGV, &action, NULL) < 0)
        return err_set(err, -errno, "cannot handle faults");
    return 0;
}

/* ---- entering ---- */

/* The memory of an instance that is not open yet is set when it is made. */
static void use_memory(const struct host *host)
{
    if (host->memory && host->memory->data)
        wasm_base_set(host->memory->data);
}

static enum host_exit enter_frame(struct wasm_frame *frame, void (*function)(void *argument),
                                  void *argument)
{
    struct host *host = frame->host;

    host->exit = HOST_RUNNING;
    frame->outer = innermost;
    innermost = frame;
    use_memory(host);
    int left = wasm_stack_run(frame, function, argument);
    innermost = frame->outer;
    if (innermost)
        use_memory(innermost->host);
    if (!left)
        host->exit = HOST_RETURNED;
    /* What follows is the parent's: its call, its channel, its streams. */
    if (!innermost && host->family && host->family->child)
        family_child_ended(host);
    return host->exit;
}

enum host_exit wasm_enter(struct host *host, void (*function)(void *argument), void *argument)
{
    struct wasm_frame frame = {.host = host};

    return enter_frame(&frame, function, argument);
}

static void enter_instantiate(void *argument)
{
    struct host *host = argument;

    library_face(host->library)->instantiate(host->instance, host);
}

static void enter_initialize(void *argument)
{
    struct host *host = argument;

    library_face(host->library)->initialize(host->instance);
}

enum host_exit wasm_instance_initialize(struct host *host)
{
    if (!library_face(host->library)->initialize)
        return host->exit = HOST_RETURNED;
    return wasm_enter(host, enter_initialize, host);
}

/* ---- instances ---- */

/* "16 MiB" or "320 KiB" from pages of 64 KiB. */
static const char *pages_unit(uint64_t pages, uint64_t *ret_number)
{
    *ret_number = pages % 16 == 0 ? pages / 16 : pages * 64;
    return pages % 16 == 0 ? "MiB" : "KiB";
}

/* Why instantiate() did not return. */
static int tell_opening(const struct wasm_frame *frame, struct err *err)
{
    struct host *host = frame->host;
    uint64_t wanted, limit;

    if (frame->refused == -E2BIG) {
        uint32_t max =
            host->memory_pages_max < WASM_PAGES_MAX ? host->memory_pages_max : WASM_PAGES_MAX;
        const char *wanted_unit = pages_unit(frame->wanted, &wanted);
        const char *limit_unit = pages_unit(max, &limit);
        host->memory_refused = true;
        return err_say(
            err, -E2BIG, "cannot start function: it needs %llu %s of memory, the limit is %llu %s",
            (unsigned long long)wanted, wanted_unit, (unsigned long long)limit, limit_unit);
    }
    if (frame->refused == -EOVERFLOW)
        return err_say(err, -E2BIG,
                       "cannot start function: it needs a table of %llu elements, the limit is %u",
                       (unsigned long long)frame->wanted, WASM_TABLE_MAX);
    if (frame->refused)
        return err_set(err, frame->refused, "cannot start function: no memory for its instance");
    if (host->exit == HOST_TRAPPED)
        return err_say(err, -EFAULT, "cannot start function: %s", host->trap);
    return err_say(err, -EFAULT, "cannot start function: its start section ended the instance");
}

int wasm_instance_open(const struct library *library, struct host *host, struct err *err)
{
    const struct library_face *face = library_face(library);
    struct wasm_frame frame = {.host = host};

    host->library = library;
    host->instance = NULL;
    host->memory = NULL;
    host->memory_refused = false;
    host->exit = HOST_RUNNING;
    host->exit_status = 0;
    host->trap = NULL;
    host->trap_function[0] = '\0';
    int r = wasm_stack_prepare();
    if (r < 0)
        return err_set(err, r, "cannot make the call stack");
    r = library_init_module(library, err);
    /* Native code is where it runs: its data are this process's. */
    if (r < 0 || library->native)
        return r;
    /* Zeroed: what instantiate() did not come to, free_instance() finds empty. */
    host->instance = calloc(1, face->instance_bytes);
    if (!host->instance)
        return err_set(err, -ENOMEM, "cannot start function");
    host->memory = face->memory(host->instance);
    if (enter_frame(&frame, enter_instantiate, host) == HOST_RETURNED) {
        r = parts_open(host, err);
        if (r == 0)
            return 0;
    } else {
        r = tell_opening(&frame, err);
    }
    enum host_exit exit = host->exit;
    wasm_instance_close(host);
    host->exit = exit;
    return r;
}

void wasm_instance_close(struct host *host)
{
    if (!host->instance)
        return;
    parts_close(host);
    library_face(host->library)->free_instance(host->instance);
    free(host->instance);
    host->instance = NULL;
    host->memory = NULL;
}
