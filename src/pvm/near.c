/*
 * Where a start runs. One that comes alone is a chain: the host asks, the template forks, the
 * instance answers, and each waits for the one before it. Spread over processors that sleep, every
 * link costs an interrupt to one of them, its waking and its cold caches (85 µs there and back
 * against 23 on one processor, in a virtual machine). So before such a start the template is put
 * on the processor that its host runs on; the instance, which inherits that, takes all of the
 * template's processors again before it runs tenant code. Starts that come close upon each other
 * are work for all processors, and the template has them all.
 */
#include <sched.h>

#include "base/clock.h"
#include "pvm/template_internal.h"

/* A start takes about 0.3 ms, thirty at once 10: one that comes later than this after the last is
 * alone. */
#define ALONE_NS 10000000

static bool put(struct pvm_template *template, const cpu_set_t *cpus)
{
    return sched_setaffinity(template->process.pid, sizeof *cpus, cpus) == 0;
}

bool template_near(struct pvm_template *template)
{
    struct near *near = &template->near;
    int64_t now_ns = clock_now_ns();
    bool alone = now_ns - near->last_ns > ALONE_NS;

    near->last_ns = now_ns;
    /* A blank's forks may be its keepers', which are not ours to move. */
    if (template->blank)
        return false;
    if (near->impossible)
        return near->known && near->cpu >= 0;
    if (!near->known) {
        near->known = true;
        near->cpu = -1;
        near->impossible =
            sched_getaffinity(template->process.pid, sizeof near->all, &near->all) < 0 ||
            CPU_COUNT(&near->all) < 2;
        if (near->impossible)
            return false;
    }
    int cpu = alone ? sched_getcpu() : -1;
    if (cpu >= 0 && (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &near->all)))
        cpu = -1;
    if (cpu != near->cpu) {
        cpu_set_t one;
        CPU_ZERO(&one);
        if (cpu >= 0)
            CPU_SET(cpu, &one);
        near->impossible = !put(template, cpu >= 0 ? &one : &near->all);
        if (!near->impossible)
            near->cpu = cpu;
    }
    return near->cpu >= 0;
}
