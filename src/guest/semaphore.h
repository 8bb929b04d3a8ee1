/* Counting semaphores in memory that a family shares. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct host;

/* As include/vireo/posix/semaphore.h has it, and what a sem_t of native code begins with. */
struct guest_semaphore {
    _Atomic uint32_t value, waiters;
};

enum semaphore_what { SEMAPHORE_POST, SEMAPHORE_TRY, SEMAPHORE_WAIT };

/*
 * POST: one more may pass, EOVERFLOW; TRY: EAGAIN; WAIT: until a time of the real clock in
 * nanoseconds (UINT64_MAX: for ever): ETIMEDOUT, or EINTR when a signal was noted. 0 or an errno.
 * System calls: futex, clock_gettime.
 */
int semaphore_do(struct host *host, struct guest_semaphore *semaphore, enum semaphore_what what,
                 uint64_t until_ns);
