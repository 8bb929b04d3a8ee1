/* The scheduling of a group: threads that come and go while it changes, and what adaptive decides.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cmocka_all.h"
#include "vkernel/scheduling.h"

struct group {
    pid_t pids[8];
    int count;
};

static int pids_of(void *user, pid_t *pids, size_t max)
{
    const struct group *group = user;

    (void)max;
    memcpy(pids, group->pids, (size_t)group->count * sizeof *pids);
    return group->count;
}

static void *short_life(void *argument)
{
    (void)argument;
    usleep(500);
    return NULL;
}

static void *starts_threads(void *argument)
{
    (void)argument;
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, short_life, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return NULL;
}

/* A process with one thread that waits and one that starts others all the time. */
static pid_t member_start(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, starts_threads, NULL);
        for (;;)
            pause();
    }
    return pid;
}

static int policy_of(pid_t pid)
{
    return sched_getscheduler(pid);
}

static void a_change_reaches_every_thread_of_the_group(void **state)
{
    struct group group = {.count = 2};
    struct err err = {0};

    (void)state;
    pid_t outside = member_start();
    for (int i = 0; i < group.count; i++)
        group.pids[i] = member_start();
    const enum vkernel_policy policies[] = {VKERNEL_POLICY_FIFO, VKERNEL_POLICY_NORMAL,
                                            VKERNEL_POLICY_BATCH, VKERNEL_POLICY_NORMAL};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        const struct vk_sched sched = vk_sched_of(policies[i], 0);
        int r = vk_sched_apply(pids_of, &group, &sched, &err);
        if (r < 0)
            fail_msg("%s", err.message);
        for (int k = 0; k < group.count; k++)
            assert_int_equal(policy_of(group.pids[k]), sched.policy);
        assert_int_equal(policy_of(outside), SCHED_OTHER);
    }
    for (int i = 0; i <= group.count; i++) {
        pid_t pid = i < group.count ? group.pids[i] : outside;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    /* They are gone: nothing to do, and no failure. */
    const struct vk_sched normal = vk_sched_of(VKERNEL_POLICY_NORMAL, 0);
    assert_int_equal(vk_sched_apply(pids_of, &group, &normal, &err), 0);
}

static void adaptive_holds_between_its_thresholds(void **state)
{
    struct vkernel vkernel = {0};
    static const struct {
        double use, switches;
        enum vkernel_policy from_normal, from_fifo;
    } cases[] = {
        {90, 5000, VKERNEL_POLICY_FIFO, VKERNEL_POLICY_FIFO},
        {90, 500, VKERNEL_POLICY_NORMAL, VKERNEL_POLICY_FIFO},
        {10, 5000, VKERNEL_POLICY_NORMAL, VKERNEL_POLICY_FIFO},
        {45, 1500, VKERNEL_POLICY_NORMAL, VKERNEL_POLICY_FIFO},
        {10, 500, VKERNEL_POLICY_NORMAL, VKERNEL_POLICY_NORMAL},
        {60, 2000, VKERNEL_POLICY_NORMAL, VKERNEL_POLICY_FIFO},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct vk_sched_load load = {cases[i].use, cases[i].switches};
        assert_int_equal(vk_sched_adapt(&vkernel, VKERNEL_POLICY_NORMAL, &load),
                         cases[i].from_normal);
        assert_int_equal(vk_sched_adapt(&vkernel, VKERNEL_POLICY_FIFO, &load), cases[i].from_fifo);
    }
    assert_int_equal(vkernel_set(&vkernel, "sched.use_high", "95", NULL), 0);
    const struct vk_sched_load load = {90, 5000};
    assert_int_equal(vk_sched_adapt(&vkernel, VKERNEL_POLICY_NORMAL, &load), VKERNEL_POLICY_NORMAL);
}

static void a_load_is_what_grew_between_two_looks(void **state)
{
    const struct vk_sched_count before = {0, 1000, 5000, 100};
    const struct vk_sched_count now = {2000000000, 4000, 6000, 300};
    const struct vk_sched_count fewer = {2000000000, 1000, 5000, 50};

    (void)state;
    struct vk_sched_load load = vk_sched_load(&before, &now);
    assert_true(load.use > 74.9 && load.use < 75.1);
    assert_true(load.switches > 99.9 && load.switches < 100.1);
    load = vk_sched_load(&before, &fewer);
    assert_true(load.use == 0 && load.switches == 0);
    struct vk_sched_count count = {0};
    struct group self = {{getpid()}, 1};
    assert_int_equal(vk_sched_count(pids_of, &self, &count), 0);
    assert_true(count.time_ns > 0 && count.idle_us > 0);
    usleep(1000); /* a switch, at least */
    struct vk_sched_count more = {0};
    assert_int_equal(vk_sched_count(pids_of, &self, &more), 0);
    assert_true(more.switches > count.switches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_reaches_every_thread_of_the_group),
        cmocka_unit_test(adaptive_holds_between_its_thresholds),
        cmocka_unit_test(a_load_is_what_grew_between_two_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
