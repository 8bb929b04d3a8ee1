/*
 * Module "vireo": semaphore; and native code's. A semaphore is two words of the code's memory, how
 * many may pass and how many wait, mostly in a segment that a family shares; who waits, waits in
 * the kernel. Whatever else the code writes there, only it is the worse for it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/semaphore.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"

uint32_t Z_vireoZ_semaphore(struct host *host, uint32_t address, uint32_t what, uint64_t until_ns);

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

/* System call: futex, when somebody waits. */
static int post(struct guest_semaphore *semaphore)
{
    uint32_t value = atomic_load(&semaphore->value);

    do {
        if (value >= INT_MAX)
            return EOVERFLOW;
    } while (!atomic_compare_exchange_weak(&semaphore->value, &value, value + 1));
    if (atomic_load(&semaphore->waiters))
        syscall(SYS_futex, &semaphore->value, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 0;
}

static bool take(struct guest_semaphore *semaphore)
{
    uint32_t value = atomic_load(&semaphore->value);

    while (value > 0)
        if (atomic_compare_exchange_weak(&semaphore->value, &value, value - 1))
            return true;
    return false;
}

/* System calls: futex, clock_gettime. */
static int wait(struct host *host, struct guest_semaphore *semaphore, uint64_t until_ns)
{
    struct timespec left;
    long r = 0;

    while (!take(semaphore)) {
        if (r == -EINTR && signals_wait(host))
            return EINTR;
        if (until_ns != UINT64_MAX) {
            clock_gettime(CLOCK_REALTIME, &left);
            uint64_t now_ns = (uint64_t)left.tv_sec * 1000000000 + (uint64_t)left.tv_nsec;
            uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
            if (left_ns == 0)
                return ETIMEDOUT;
            left = (struct timespec){(time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000)};
        }
        atomic_fetch_add(&semaphore->waiters, 1);
        r = signals_call(host, SYS_futex, (long)&semaphore->value, FUTEX_WAIT, 0,
                         until_ns == UINT64_MAX ? 0 : (long)&left, 0);
        atomic_fetch_sub(&semaphore->waiters, 1);
    }
    return 0;
}

int semaphore_do(struct host *host, struct guest_semaphore *semaphore, enum semaphore_what what,
                 uint64_t until_ns)
{
    return what == SEMAPHORE_POST  ? post(semaphore)
           : what == SEMAPHORE_TRY ? take(semaphore) ? 0 : EAGAIN
                                   : wait(host, semaphore, until_ns);
}

uint32_t Z_vireoZ_semaphore(struct host *host, uint32_t address, uint32_t what, uint64_t until_ns)
{
    int error;

    if (what > SEMAPHORE_WAIT || address % 4)
        return refuse(EINVAL);
    do {
        /* Of each round: a handler may have made the memory another. */
        struct guest_semaphore *semaphore = host_memory(host, address, sizeof *semaphore);
        if (!semaphore)
            return refuse(EFAULT);
        error = semaphore_do(host, semaphore, (enum semaphore_what)what, until_ns);
    } while (signals_after(host, error == EINTR));
    return error ? refuse(error) : 0;
}
