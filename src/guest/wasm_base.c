/*
 * The base of segment GS: the memory of the instance that runs in this thread. Translated code
 * addresses all of its loads and stores from there (sdk/module.c); nothing else uses GS.
 *
 * Where the processor and the kernel let a program write the base itself (FSGSBASE: processors
 * since about 2012, Linux 5.9) that is one instruction. Elsewhere it is a system call, which no
 * table of an instance has: there one reservation is made before the forks, the base is set to it,
 * and it is kept and used again from instance to instance, so that the base never changes.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "guest/place.h"
#include "guest/wasm_internal.h"

/* <asm/hwcap2.h> */
#define HWCAP2_FSGSBASE_BIT 2ul

static _Thread_local struct {
    const void *base; /* what GS has: forks inherit both, new threads have 0 */
    void *kept;       /* without the instruction: the reservation that is used again */
    bool kept_is_used;
    bool by_call;
} segment;

static void *reserve(void)
{
    void *data = mmap(place_of_memory(), WASM_RESERVED_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return data == MAP_FAILED ? NULL : data;
}

int wasm_base_init(bool by_call, struct err *err)
{
    if (by_call || !(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT))
        segment.by_call = true;
    if (!segment.by_call || segment.kept)
        return 0;
    segment.kept = reserve();
    if (!segment.kept)
        return err_set(err, -errno, "cannot reserve memory for functions");
    wasm_base_set(segment.kept);
    return 0;
}

void wasm_base_set(const void *memory)
{
    if (memory == segment.base)
        return;
    if (segment.by_call)
        syscall(SYS_arch_prctl, ARCH_SET_GS, memory);
    else
        __asm__ volatile("wrgsbase %0" : : "r"(memory) : "memory");
    segment.base = memory;
}

void *wasm_base_reserve(void)
{
    if (!segment.kept || segment.kept_is_used)
        return reserve();
    segment.kept_is_used = true;
    return segment.kept;
}

void wasm_base_release(void *memory)
{
    if (memory != segment.kept) {
        munmap(memory, WASM_RESERVED_BYTES);
        return;
    }
    /* Its pages go, its place stays. If they can't, it is not used again. */
    void *again = mmap(memory, WASM_RESERVED_BYTES, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    segment.kept_is_used = again == MAP_FAILED;
}
