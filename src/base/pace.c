/* A leaky bucket of CPU time. */
#include "base/pace.h"

#include <time.h>

#include "base/clock.h"

#define BURST_DEBT_NS (PACE_BURST_NS * (100 / PACE_PERCENT))
/* Others of its callers, who have done nothing, wait for so long at most. */
#define REST_MAX_NS 100000000

int64_t pace_count(struct pace *pace, int64_t wall_ns, int64_t cpu_ns)
{
    pace->debt_ns += cpu_ns * (100 / PACE_PERCENT) - wall_ns;
    if (pace->debt_ns < 0)
        pace->debt_ns = 0;
    int64_t rest_ns = pace->debt_ns - BURST_DEBT_NS;
    return rest_ns <= 0 ? 0 : rest_ns < REST_MAX_NS ? rest_ns : REST_MAX_NS;
}

void pace_keep(struct pace *pace)
{
    struct timespec cpu;
    int64_t now_ns = clock_now_ns();

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    int64_t cpu_ns = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
    int64_t rest_ns =
        pace->wall_ns ? pace_count(pace, now_ns - pace->wall_ns, cpu_ns - pace->cpu_ns) : 0;
    pace->wall_ns = now_ns;
    pace->cpu_ns = cpu_ns;
    if (rest_ns > 0) {
        const struct timespec rest = {.tv_nsec = rest_ns};
        nanosleep(&rest, NULL);
    }
}
