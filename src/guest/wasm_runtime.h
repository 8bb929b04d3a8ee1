/*
 * The run time under translated WebAssembly: memories with guard pages, tables, types and traps.
 * No state but the type register belongs to the process; a trap finds its instance by the
 * innermost wasm_enter() of this thread.
 */
#pragma once

#include "guest/host.h"

struct err;

/*
 * System calls, once wasm_runtime_init() and the first wasm_enter() are done: a memory grows by
 * mprotect (never with PROT_EXEC); an instance is opened and closed with mmap, mprotect and munmap,
 * and what malloc uses (brk, mmap, munmap, mremap, madvise); a table grows by malloc. A call, a
 * trap and host_leave() make none. A fault that is no trap: rt_sigaction, rt_sigreturn.
 * Where programs can't write the GS base themselves (wasm_base.c), several open instances that take
 * turns: arch_prctl. One at a time, as vireo-guest has: none.
 */

/*
 * Installs the SIGSEGV handler, on an alternate stack, for this thread. Before the forks, which
 * inherit it; harmless again. Other signals (SIGBUS, SIGFPE) keep their default: crashes.
 */
int wasm_runtime_init(struct err *err);

/*
 * Makes an instance of a library: memory reserved (8 GiB and a guard), data in place, no code of
 * the module run but its start section (library_face.start_section); `initialize` is NOT called:
 * see wasm_instance_initialize(). Only instances open, never a template. `host` must have
 * memory_pages_max and wasi set; the rest is set here. On a trap or exit in the start section:
 * -EFAULT with host->exit and host->trap. When it can't have what it asks for: -E2BIG or -ENOMEM
 * with the reason in `err`, host->exit is HOST_RUNNING, memory_refused says if it was memory.
 */
int wasm_instance_open(const struct library *library, struct host *host, struct err *err);
/* Releases memory, tables and globals; host->wasi stays. One that is not open is fine. */
void wasm_instance_close(struct host *host);

/* Runs the module's `initialize` (constructors: tenant code) by wasm_enter(), if it has one.
 * HOST_RETURNED when all is well. */
enum host_exit wasm_instance_initialize(struct host *host);

/*
 * Runs `function(argument)` on the call stack reserved at the host's side (stack_bytes and a guard
 * page: running off it is the trap "call stack exhausted"). Returns how it ended: host->exit.
 * A fault of the library's own code inside the instance's memory reservation or the stack guard is
 * a trap; a fault anywhere else is a crash of the process, with the default action. After a trap
 * the instance may only be closed: what its last instructions did is not defined. Calls nest.
 */
enum host_exit wasm_enter(struct host *host, void (*function)(void *argument), void *argument);

/* Size of the stack that wasm_enter() runs on; default 1 MiB. Before the first wasm_enter(). */
void wasm_stack_size(uint64_t bytes);
