/* What many functions share: no function's holds, names, pins or leases are the others'. The
 * broker's part by itself; a session is a socket. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define TRIES 200
#define ALL 1100 /* more than all functions together may have */

static int desk[2], ends[ALL];
static size_t end_count;

static int start(void **state)
{
    (void)state;
    end_count = 0;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk);
}

static int end(void **state)
{
    (void)state;
    fd_close_all(ends, end_count);
    fd_close_all(desk, 2);
    return 0;
}

/* As shares.c, leases.c and pins.c have them: a change there fails here. */
struct share_question {
    uint64_t owner;
    uint32_t operation, map_count, fd_count, reserved;
    char name[POLICY_SHARE_NAME_MAX + 1];
};
struct lease_question {
    uint64_t owner;
    uint32_t map, reserved;
};
struct pin_question {
    uint32_t operation, flags, frozen, host;
    uint64_t owner, bytes, bytes_max;
    char name[BROKER_NAME_MAX + 1];
    char place[BROKER_TARGET_MAX + 1];
    struct broker_map shown;
};
enum { PUT = 1, JOIN };
enum { PIN_PUT = 2 };

/* The answer; the socket stays open, which is the hold. */
static int ask(const void *question, size_t bytes, void (*serve)(int))
{
    int32_t answer[2] = {-EIO};

    int ours = desk_ask(desk[0], question, bytes, -1);
    assert_true(ours >= 0);
    ends[end_count++] = ours;
    serve(desk[1]);
    assert_true(read(ours, answer, sizeof answer) >= (ssize_t)sizeof answer[0]);
    return answer[0];
}

static int share_named(uint64_t owner, uint32_t operation, uint32_t number)
{
    struct share_question question = {.owner = owner, .operation = operation, .fd_count = 1};

    snprintf(question.name, sizeof question.name, "common-%u", number);
    return ask(&question, sizeof question, shares_serve);
}

static int share(uint64_t owner, uint32_t operation)
{
    return share_named(owner, operation, 0);
}

static int pin(uint64_t owner, uint32_t number)
{
    struct pin_question question = {.operation = PIN_PUT, .owner = owner};
    int32_t answer = -EIO;

    snprintf(question.name, sizeof question.name, "pin-%u", number);
    _cleanup_(closep) int ours = desk_ask(desk[0], &question, sizeof question, desk[0]);
    assert_true(ours >= 0);
    pins_serve(desk[1]);
    assert_true(read(ours, &answer, sizeof answer) == sizeof answer);
    return answer;
}

static int lease(uint64_t owner, uint32_t map)
{
    const struct lease_question question = {.owner = owner, .map = map};

    return ask(&question, sizeof question, leases_serve);
}

/* What holds say: the first one's descriptor. */
static void hear(void)
{
    static struct pollfd polls[SHARE_HOLDS_MAX];
    size_t count = shares_poll(polls);

    assert_true(poll(polls, count, 0) >= 0);
    shares_hear(polls, count);
}

/* A part of an object without maps: its size is that of the structure in shares.c. */
static void make_whole(int hold)
{
    struct {
        struct {
            struct broker_map shown;
            uint32_t flags, frozen;
        } maps[16];
    } part = {0};
    _cleanup_(closep) int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    assert_int_equal(fd_send(hold, &part, sizeof part, &fd, 1), 0);
    hear();
}

static void a_function_that_joins_without_end_leaves_room_for_the_others(void **state)
{
    int joined = 0, r;

    (void)state;
    assert_int_equal(share(1, PUT), 0);
    make_whole(ends[0]);
    while (joined < TRIES && (r = share(1, JOIN)) == 0)
        joined++;
    assert_int_equal(r, -EDQUOT);
    assert_true(joined >= 32 && joined < SHARE_HOLDS_MAX / 8);
    assert_int_equal(share(2, JOIN), 0);
    /* What it lets go is its own again. */
    close(ends[1]);
    ends[1] = -1;
    hear();
    assert_int_equal(share(1, JOIN), 0);
    assert_int_equal(share(1, JOIN), -EDQUOT);
}

static void a_map_has_one_reader_until_that_lets_go(void **state)
{
    (void)state;
    assert_int_equal(lease(1, 7), 0);
    assert_int_equal(lease(1, 7), -EBUSY);
    assert_int_equal(lease(2, 7), -EBUSY);
    assert_int_equal(lease(2, 8), 0);
    close(ends[0]);
    ends[0] = -1;
    assert_int_equal(lease(2, 7), 0);
    assert_int_equal(lease(1, 7), -EBUSY);
}

static void a_function_that_reads_all_it_can_leaves_room_for_the_others(void **state)
{
    uint32_t map = 100;
    int r;

    (void)state;
    while (map < 100 + TRIES && (r = lease(3, map)) == 0)
        map++;
    assert_int_equal(r, -EDQUOT);
    assert_int_equal(lease(4, map), 0);
    close(ends[0]);
    ends[0] = -1;
    assert_int_equal(lease(3, map + 1), 0);
}

static void thirty_that_take_all_they_can_leave_some_for_one_more(void **state)
{
    const struct rlimit files = {2 * ALL + 64, 2 * ALL + 64};
    uint32_t map = 1000;

    (void)state;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        skip();
    for (uint64_t owner = 10; owner < 40; owner++) {
        int r, had = 0;
        while ((r = lease(owner, map++)) == 0)
            had++;
        assert_int_equal(r, -EDQUOT);
        assert_true(had > 0);
    }
    assert_int_equal(lease(40, map), 0);
}

static void twenty_that_make_all_names_they_can_leave_some_for_one_more(void **state)
{
    uint32_t number = 100;

    (void)state;
    for (uint64_t owner = 10; owner < 30; owner++) {
        int r, had = 0;
        while ((r = share_named(owner, PUT, number++)) == 0)
            had++;
        assert_int_equal(r, -EDQUOT);
        assert_true(had > 0 && had <= POLICY_SHARES_MAX);
    }
    assert_int_equal(share_named(40, PUT, number), 0);
}

static void functions_that_pin_all_they_can_leave_room_for_one_more(void **state)
{
    const struct rlimit files = {2 * ALL + 64, 2 * ALL + 64};
    uint32_t number = 0;

    (void)state;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        skip();
    /* As many as would take every place by sixteens. */
    for (uint64_t owner = 50; owner < 50 + 64; owner++) {
        int r, had = 0;
        while ((r = pin(owner, number++)) == 0)
            had++;
        assert_int_equal(r, -EDQUOT);
        assert_true(had > 0 && had <= 16);
    }
    assert_int_equal(pin(200, number), 0);
    for (uint64_t owner = 50; owner <= 200; owner++)
        pins_forget(owner);
}

static void a_question_that_is_none_is_not_answered(void **state)
{
    static const char text[] = "no question";

    (void)state;
    int ours = desk_ask(desk[0], text, sizeof text, -1);
    ends[end_count++] = ours;
    leases_serve(desk[1]);
    assert_int_equal(read(ours, (char[8]){0}, 8), 0);
    ours = desk_ask(desk[0], text, sizeof text, -1);
    ends[end_count++] = ours;
    shares_serve(desk[1]);
    assert_int_equal(read(ours, (char[8]){0}, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_function_that_joins_without_end_leaves_room_for_the_others, start, end),
        cmocka_unit_test_setup_teardown(a_map_has_one_reader_until_that_lets_go, start, end),
        cmocka_unit_test_setup_teardown(a_function_that_reads_all_it_can_leaves_room_for_the_others,
                                        start, end),
        cmocka_unit_test_setup_teardown(thirty_that_take_all_they_can_leave_some_for_one_more,
                                        start, end),
        cmocka_unit_test_setup_teardown(twenty_that_make_all_names_they_can_leave_some_for_one_more,
                                        start, end),
        cmocka_unit_test_setup_teardown(functions_that_pin_all_they_can_leave_room_for_one_more,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_question_that_is_none_is_not_answered, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
