/*
 * Network namespaces made ahead: each start has its own, as many are ready as a burst took, and
 * none is made while starts go on. The clock is the test's.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "contain/networks.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
/* A clock that has run for long. */
#define BEGIN (100000 * SECOND)

static struct networks networks;

static ino_t inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

/* The namespace that we are in. */
static ino_t here(void)
{
    struct stat status;

    assert_int_equal(stat("/proc/self/ns/net", &status), 0);
    return status.st_ino;
}

static bool lo_is_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
    return request.ifr_flags & IFF_UP;
}

static int setup(void **state)
{
    struct err err = {0};

    (void)state;
    int r = networks_open(&networks, &err);
    if (r < 0)
        print_error("%s\n", err.message);
    return r;
}

static int teardown(void **state)
{
    (void)state;
    networks_forget(&networks);
    return 0;
}

/* As many starts at this time: into each namespace, and back. */
static void start(int count, int64_t now_ns)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(networks_enter(&networks, now_ns), 0);
        assert_int_equal(networks_leave(&networks), 0);
    }
}

/* As the launcher's loop does, at this time. */
static int tend_all(int64_t now_ns)
{
    int times = 0;

    while (networks_due_ms(&networks, now_ns) == 0) {
        networks_tend(&networks, now_ns);
        assert_true(++times <= NETWORKS_AHEAD_MAX + 1);
    }
    return times;
}

static void the_launcher_is_alone_in_its_own(void **state)
{
    (void)state;
    assert_int_equal(here(), inode_of(networks.home));
    assert_true(fcntl(networks.home, F_GETFD) & FD_CLOEXEC);
    assert_true(lo_is_up());
}

static void what_was_made_ahead_is_entered_once(void **state)
{
    (void)state;
    assert_int_equal(tend_all(BEGIN), 1);
    assert_int_equal(networks.count, 1);
    assert_int_equal(here(), inode_of(networks.home));
    assert_true(fcntl(networks.fds[0], F_GETFD) & FD_CLOEXEC);
    int fd = networks.fds[0];
    ino_t ahead = inode_of(fd);
    assert_int_not_equal(ahead, inode_of(networks.home));

    assert_int_equal(networks_enter(&networks, BEGIN), 0);
    assert_int_equal(here(), ahead);
    assert_true(lo_is_up());
    assert_int_equal(networks.count, 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* nobody else enters it */
    assert_int_equal(errno, EBADF);
    assert_int_equal(networks_leave(&networks), 0);
    assert_int_equal(here(), inode_of(networks.home));
}

static void without_one_a_start_makes_its_own(void **state)
{
    ino_t seen[3];
    int held[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(networks_enter(&networks, BEGIN), 0);
        seen[i] = here();
        assert_true(lo_is_up());
        assert_int_not_equal(seen[i], inode_of(networks.home));
        for (int j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
        /* Held by nobody, its number could be the next one's. */
        held[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        assert_int_equal(networks_leave(&networks), 0);
    }
    for (int i = 0; i < 3; i++)
        close(held[i]);
}

static void none_is_made_while_starts_go_on(void **state)
{
    (void)state;
    tend_all(BEGIN);
    start(1, BEGIN + SECOND);
    int due = networks_due_ms(&networks, BEGIN + SECOND);
    assert_in_range(due, 1, 10);
    networks_tend(&networks, BEGIN + SECOND);
    assert_int_equal(networks.count, 0);
    assert_int_equal(tend_all(BEGIN + SECOND + due * MS), 1);
    assert_int_equal(networks.count, 1);
    assert_int_equal(networks_due_ms(&networks, BEGIN + SECOND + due * MS), -1);
}

static void a_burst_finds_as_many_as_the_one_before_it_took(void **state)
{
    (void)state;
    start(5, BEGIN);
    assert_int_equal(tend_all(BEGIN + 100 * MS), 5);
    assert_int_equal(networks.count, 5);
    start(5, BEGIN + 2 * SECOND);
    assert_int_equal(networks.count, 0);
    assert_int_equal(tend_all(BEGIN + 2 * SECOND + 100 * MS), 5);
    /* Fewer in a later second: still as many, for ten seconds. */
    start(1, BEGIN + 4 * SECOND);
    assert_int_equal(networks.taken, 1);
    assert_int_equal(tend_all(BEGIN + 4 * SECOND + 100 * MS), 1);
    assert_int_equal(networks.count, 5);
}

static void starts_of_different_seconds_are_no_burst(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        start(1, BEGIN + i * 3 * SECOND);
    assert_int_equal(networks.wanted, 1);
}

static void however_many_are_taken_sixteen_are_ready(void **state)
{
    (void)state;
    start(3 * NETWORKS_AHEAD_MAX, BEGIN);
    assert_int_equal(networks.wanted, NETWORKS_AHEAD_MAX);
    assert_int_equal(tend_all(BEGIN + 100 * MS), NETWORKS_AHEAD_MAX);
    assert_int_equal(networks.count, NETWORKS_AHEAD_MAX);
    for (int i = 0; i < NETWORKS_AHEAD_MAX; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(inode_of(networks.fds[i]), inode_of(networks.fds[j]));
}

static void after_ten_quiet_seconds_there_is_one_again(void **state)
{
    int fds[NETWORKS_AHEAD_MAX];

    (void)state;
    start(4, BEGIN);
    tend_all(BEGIN + 100 * MS);
    for (int i = 0; i < 4; i++)
        fds[i] = networks.fds[i];
    assert_in_range(networks_due_ms(&networks, BEGIN + 9 * SECOND), 900, 1001);
    networks_tend(&networks, BEGIN + 9 * SECOND);
    assert_int_equal(networks.count, 4);
    assert_int_equal(tend_all(BEGIN + 10 * SECOND), 1);
    assert_int_equal(networks.count, 1);
    for (int i = 1; i < 4; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD), -1);
    assert_int_equal(networks_due_ms(&networks, BEGIN + 10 * SECOND), -1);
}

/* What can't be made is not tried again and again, and the launcher stays where it is. */
static void what_cannot_be_made_is_let_be_until_the_next_start(void **state)
{
    struct rlimit limit, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int times = tend_all(BEGIN);
    int due = networks_due_ms(&networks, BEGIN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(times, 1);
    assert_int_equal(due, -1);
    assert_int_equal(networks.count, 0);
    assert_int_equal(here(), inode_of(networks.home));

    start(1, BEGIN + SECOND);
    assert_int_equal(tend_all(BEGIN + 2 * SECOND), 1);
    assert_int_equal(networks.count, 1);
}

static void a_keeper_forgets_all(void **state)
{
    int home = networks.home;

    (void)state;
    tend_all(BEGIN);
    int fd = networks.fds[0];
    networks_forget(&networks);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(fcntl(home, F_GETFD), -1);
    networks.home = -1; /* for the teardown */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_launcher_is_alone_in_its_own),
        TEST(what_was_made_ahead_is_entered_once),
        TEST(without_one_a_start_makes_its_own),
        TEST(none_is_made_while_starts_go_on),
        TEST(a_burst_finds_as_many_as_the_one_before_it_took),
        TEST(starts_of_different_seconds_are_no_burst),
        TEST(however_many_are_taken_sixteen_are_ready),
        TEST(after_ten_quiet_seconds_there_is_one_again),
        TEST(what_cannot_be_made_is_let_be_until_the_next_start),
        TEST(a_keeper_forgets_all),
    };

    if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0) {
        print_message("skipped: neither root nor user namespaces\n");
        return 77;
    }
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
