/*
 * The reader's and the verifier's time. A load costs a processor up to some seconds, the reader's
 * in nobody's control group, and nothing keeps a module from loading again and again: so a
 * function's sessions have half a processor for it together, and a second at once. What is beyond
 * that waits before the next object or program: the one who loads, nobody else.
 *
 * The broker has a number for each function, in memory that its sessions share with it: when what
 * was used will be paid for (a generic cell rate algorithm, as of ATM's traffic management).
 */
#include "bpf/budget.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"

#define FUNCTIONS_MAX 4096
#define PERIODS 2 /* wall time for each piece of processor time: a half */
#define BURST_NS INT64_C(1000000000)

struct budget {
    uint64_t owner; /* the broker's alone */
    bool used;      /* likewise */
    /* Any session's of the function, each with compare and exchange; nothing else goes by it. */
    _Atomic int64_t paid_ns;
};

static struct budget *budgets;

int budget_open(void)
{
    void *memory = mmap(NULL, FUNCTIONS_MAX * sizeof *budgets, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return -errno;
    budgets = memory;
    return 0;
}

/* NULL: it has none. */
static struct budget *find(uint64_t owner)
{
    for (size_t i = 0; i < FUNCTIONS_MAX; i++)
        if (budgets[i].used && budgets[i].owner == owner)
            return &budgets[i];
    return NULL;
}

struct budget *budget_of(uint64_t owner)
{
    struct budget *room = find(owner);

    if (room)
        return room;
    for (size_t i = 0; i < FUNCTIONS_MAX && !room; i++)
        room = budgets[i].used ? NULL : &budgets[i];
    if (!room)
        return NULL;
    room->used = true;
    room->owner = owner;
    atomic_store(&room->paid_ns, 0);
    return room;
}

void budget_forget(uint64_t owner)
{
    struct budget *budget = find(owner);

    if (budget)
        budget->used = false;
}

int64_t processor_ns(void)
{
    struct timespec time = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t budget_owed(const struct budget *budget, int64_t now_ns)
{
    int64_t owed = atomic_load(&budget->paid_ns) - now_ns - PERIODS * BURST_NS;

    return owed > 0 ? owed : 0;
}

void budget_count(struct budget *budget, int64_t now_ns, int64_t cpu_ns)
{
    int64_t was = atomic_load(&budget->paid_ns), next;

    do
        next = (was > now_ns ? was : now_ns) + PERIODS * cpu_ns;
    while (!atomic_compare_exchange_weak(&budget->paid_ns, &was, next));
}

void budget_count_of(uint64_t owner, int64_t now_ns, int64_t cpu_ns)
{
    struct budget *budget = find(owner);

    if (budget)
        budget_count(budget, now_ns, cpu_ns);
}

int budget_wait(const struct budget *budget, int socket)
{
    int64_t owed;

    while ((owed = budget_owed(budget, clock_now_ns())) > 0) {
        struct pollfd poll_fd = {.fd = socket};
        int wait_ms = owed > 1000000000 ? 1000 : (int)(owed / 1000000) + 1;
        if (poll(&poll_fd, 1, wait_ms) > 0)
            return -EPIPE;
    }
    return 0;
}
