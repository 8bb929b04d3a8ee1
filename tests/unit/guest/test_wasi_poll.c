/* poll_oneoff: what is ready is said at once, what is not is waited for, and not longer. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wasi_world.h"

#define MS UINT64_C(1000000)

static struct wasi_event events[64];
static uint32_t event_count;

static struct wasi_subscription clock_after(uint64_t userdata, uint32_t id, uint64_t ns,
                                            uint16_t flags)
{
    struct wasi_subscription subscription = {.userdata = userdata, .tag = WASI_EVENT_CLOCK};

    subscription.u.clock.id = id;
    subscription.u.clock.timeout = ns;
    subscription.u.clock.flags = flags;
    return subscription;
}

static struct wasi_subscription on_fd(uint64_t userdata, enum wasi_event_type type, uint32_t fd)
{
    return (struct wasi_subscription){.userdata = userdata, .tag = (uint8_t)type, .u.fd = fd};
}

static uint32_t poll_for(struct world *world, const struct wasi_subscription *subscriptions,
                         uint32_t count)
{
    uint32_t in = put(world, subscriptions, count * sizeof *subscriptions);
    uint32_t out = room(world, count * sizeof *events), ret = room(world, 4);
    uint32_t error = WASI(poll_oneoff)(&world->host, in, out, count, ret);

    event_count = error ? 0 : load32(world, ret);
    assert_true(event_count <= count && event_count <= 64);
    memcpy(events, at(world, out), event_count * sizeof *events);
    return error;
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

static void a_clock_is_waited_for(void **state)
{
    struct world *world = *state;
    const struct {
        uint32_t id;
        bool absolute;
        clockid_t clock;
    } cases[] = {{WASI_CLOCK_REALTIME, false, CLOCK_MONOTONIC},
                 {WASI_CLOCK_MONOTONIC, false, CLOCK_MONOTONIC},
                 {WASI_CLOCK_REALTIME, true, CLOCK_REALTIME},
                 {WASI_CLOCK_MONOTONIC, true, CLOCK_MONOTONIC}};

    for (size_t i = 0; i < 4; i++) {
        uint64_t before = now_ns(cases[i].clock);
        struct wasi_subscription one = clock_after(
            7, cases[i].id, 5 * MS + (cases[i].absolute ? before : 0), cases[i].absolute);
        assert_int_equal(poll_for(world, &one, 1), WASI_SUCCESS);
        assert_true(now_ns(cases[i].clock) - before >= 5 * MS);
        assert_int_equal(event_count, 1);
        assert_int_equal(events[0].userdata, 7);
        assert_int_equal(events[0].type, WASI_EVENT_CLOCK);
        assert_int_equal(events[0].error, 0);
    }
}

static void the_earliest_clock_wins(void **state)
{
    struct world *world = *state;
    struct wasi_subscription three[] = {
        clock_after(1, WASI_CLOCK_MONOTONIC, UINT64_MAX, 0),
        clock_after(2, WASI_CLOCK_REALTIME, 3 * MS, 0),
        clock_after(3, WASI_CLOCK_REALTIME, now_ns(CLOCK_REALTIME) + 3600000 * MS, 1),
    };

    assert_int_equal(poll_for(world, three, 3), WASI_SUCCESS);
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].userdata, 2);
    /* What is past is there at once. */
    three[0] = clock_after(4, WASI_CLOCK_MONOTONIC, 1, 1);
    three[1] = clock_after(5, WASI_CLOCK_REALTIME, 1, 1);
    assert_int_equal(poll_for(world, three, 3), WASI_SUCCESS);
    assert_int_equal(event_count, 2);
}

static void files_and_channels_are_always_ready(void **state)
{
    struct world *world = *state;

    host_file(world, "granted/file", "12345");
    uint32_t fd = open_ok(world, "file", 0, WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE);
    world->call.body = (const uint8_t *)"body";
    world->call.body_bytes = 4;
    struct wasi_subscription many[] = {
        on_fd(1, WASI_EVENT_FD_READ, fd), on_fd(2, WASI_EVENT_FD_WRITE, fd),
        on_fd(3, WASI_EVENT_FD_READ, 0),  on_fd(4, WASI_EVENT_FD_WRITE, 1),
        on_fd(5, WASI_EVENT_FD_WRITE, 2), clock_after(6, WASI_CLOCK_MONOTONIC, 3600000 * MS, 0),
    };
    assert_int_equal(poll_for(world, many, 6), WASI_SUCCESS);
    assert_int_equal(event_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(events[i].userdata, i + 1);
        assert_int_equal(events[i].error, 0);
        assert_int_equal(events[i].type, many[i].tag);
    }
    assert_int_equal(events[0].bytes, 5);
    assert_int_equal(events[2].bytes, 4);
}

static void wrong_subscriptions_are_refused(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t in = room(world, 48), out = room(world, 32), ret = room(world, 4);
    struct wasi_subscription one;

    assert_int_equal(WASI(poll_oneoff)(host, in, out, 0, ret), WASI_EINVAL);
    one = on_fd(1, WASI_EVENT_FD_READ, 99);
    assert_int_equal(poll_for(world, &one, 1), WASI_EBADF);
    one = on_fd(1, WASI_EVENT_FD_WRITE, UINT32_MAX);
    assert_int_equal(poll_for(world, &one, 1), WASI_EBADF);
    one = on_fd(1, WASI_EVENT_FD_READ, GRANTED);
    assert_int_equal(poll_for(world, &one, 1), WASI_EBADF);
    one.tag = 3;
    assert_int_equal(poll_for(world, &one, 1), WASI_EINVAL);
    one.tag = 255;
    assert_int_equal(poll_for(world, &one, 1), WASI_EINVAL);
    static const struct {
        uint32_t id;
        uint16_t flags;
        uint32_t error;
    } clocks[] = {{WASI_CLOCK_PROCESS_CPUTIME, 0, WASI_ENOTSUP},
                  {WASI_CLOCK_THREAD_CPUTIME, 1, WASI_ENOTSUP},
                  {4, 0, WASI_EINVAL},
                  {UINT32_MAX, 0, WASI_EINVAL},
                  {WASI_CLOCK_MONOTONIC, 2, WASI_EINVAL}};
    for (size_t i = 0; i < 5; i++) {
        one = clock_after(8, clocks[i].id, 3600000 * MS, clocks[i].flags);
        assert_int_equal(poll_for(world, &one, 1), WASI_SUCCESS);
        assert_int_equal(event_count, 1);
        assert_int_equal(events[0].error, clocks[i].error);
    }
    static const uint32_t counts[] = {1u << 20, UINT32_MAX, UINT32_MAX / 48 + 2, MEMORY_BYTES / 48};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(WASI(poll_oneoff)(host, in, out, counts[i], ret), WASI_EFAULT);
}

static void a_right_that_is_gone_is_the_events_error(void **state)
{
    struct world *world = *state;

    host_file(world, "granted/file", "");
    uint32_t fd = open_ok(world, "file", 0, WASI_RIGHT_FD_READ);
    WASI(fd_fdstat_set_rights)(&world->host, fd, WASI_RIGHT_FD_READ, 0);
    struct wasi_subscription one = on_fd(1, WASI_EVENT_FD_READ, fd);
    assert_int_equal(poll_for(world, &one, 1), WASI_SUCCESS);
    assert_int_equal(events[0].error, WASI_ENOTCAPABLE);
}

static void many_subscriptions_make_many_events(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    const uint32_t count = 5000;
    uint32_t in = room(world, count * 48), out = room(world, count * 32), ret = room(world, 4);

    for (uint32_t i = 0; i < count; i++)
        memcpy(at(world, in + 48 * i),
               &(struct wasi_subscription){i, WASI_EVENT_FD_WRITE, {0}, {.fd = 1 + i % 2}}, 48);
    assert_int_equal(WASI(poll_oneoff)(host, in, out, count, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), count);
    assert_int_equal(load64(world, out + 32 * (count - 1)), count - 1);
    /* Events over their own subscriptions: nonsense for the guest, harmless for us. */
    assert_int_equal(WASI(poll_oneoff)(host, in, in, count, ret), WASI_SUCCESS);
    assert_true(load32(world, ret) <= count);
    assert_int_equal(WASI(poll_oneoff)(host, in + 4, in + 20, 100, ret) == WASI_EINVAL ||
                         load32(world, ret) <= count,
                     true);
}

static void a_pipe_is_waited_for(void **state)
{
    struct world *world = *state;
    int saved_in = dup(0), saved_out = dup(1), in[2], out[2];
    struct wasi_subscription both[] = {on_fd(1, WASI_EVENT_FD_READ, 0),
                                       clock_after(2, WASI_CLOCK_MONOTONIC, 5 * MS, 0),
                                       on_fd(3, WASI_EVENT_FD_READ, 0)};

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    dup2(in[0], 0);
    uint64_t before = now_ns(CLOCK_MONOTONIC);
    assert_int_equal(poll_for(world, both, 3), WASI_SUCCESS); /* empty: the clock */
    assert_true(now_ns(CLOCK_MONOTONIC) - before >= 5 * MS);
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].userdata, 2);

    both[1].u.clock.timeout = 3600000 * MS;
    assert_int_equal(write(in[1], "x", 1), 1);
    assert_int_equal(poll_for(world, both, 3), WASI_SUCCESS); /* both subscriptions to it */
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].userdata, 1);
    assert_int_equal(events[1].userdata, 3);
    assert_int_equal(events[0].bytes, 1);
    assert_int_equal(events[0].flags, 0);

    assert_string_equal(read_text(world, 0), "x");
    close(in[1]);
    assert_int_equal(poll_for(world, both, 3), WASI_SUCCESS);
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].flags, WASI_EVENT_HANGUP);
    assert_int_equal(events[0].bytes, 0);

    dup2(out[1], 1);
    both[0] = on_fd(4, WASI_EVENT_FD_WRITE, 1);
    uint32_t error = poll_for(world, both, 1);
    uint32_t writable = event_count;
    close(out[0]);
    uint32_t error_alone = poll_for(world, both, 1);
    dup2(saved_in, 0), dup2(saved_out, 1);
    close(saved_in), close(saved_out), close(in[0]), close(out[1]);
    assert_int_equal(error, WASI_SUCCESS);
    assert_int_equal(writable, 1);
    assert_int_equal(error_alone, WASI_SUCCESS);
    assert_int_equal(events[0].flags, WASI_EVENT_HANGUP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define TEST_REAL(name) cmocka_unit_test_setup_teardown(name, world_setup_real, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clock_is_waited_for),
        TEST(the_earliest_clock_wins),
        TEST(files_and_channels_are_always_ready),
        TEST(wrong_subscriptions_are_refused),
        TEST(a_right_that_is_gone_is_the_events_error),
        TEST(many_subscriptions_make_many_events),
        TEST_REAL(a_pipe_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
