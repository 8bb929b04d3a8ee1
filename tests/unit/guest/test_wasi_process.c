/* Arguments, environment, clocks, random bytes, exit, sockets, and streams over the channel. */
#include <string.h>
#include <time.h>

#include "wasi_world.h"

static void arguments_and_environment_arrive_whole(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t count = room(world, 4), bytes = room(world, 4);
    uint32_t pointers = room(world, 12), text = room(world, 64);

    assert_int_equal(WASI(args_sizes_get)(host, count, bytes), WASI_SUCCESS);
    assert_int_equal(load32(world, count), 3);
    assert_int_equal(load32(world, bytes), 8 + 1 + 12);
    assert_int_equal(WASI(args_get)(host, pointers, text), WASI_SUCCESS);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(at(world, load32(world, pointers + 4 * i)), world->args[i]);

    assert_int_equal(WASI(environ_sizes_get)(host, count, bytes), WASI_SUCCESS);
    assert_int_equal(load32(world, count), 2);
    assert_int_equal(load32(world, bytes), 14 + 7);
    assert_int_equal(WASI(environ_get)(host, pointers, text), WASI_SUCCESS);
    assert_string_equal(at(world, load32(world, pointers)), "HOME=/granted");
    assert_string_equal(at(world, load32(world, pointers + 4)), "EMPTY=");
}

static void the_environment_is_replaced_for_the_next_call(void **state)
{
    struct world *world = *state;
    const char *next[] = {"REQUEST_METHOD=GET"};
    uint32_t count = room(world, 4), bytes = room(world, 4);
    uint32_t pointers = room(world, 4), text = room(world, 64);

    wasi_set_env(world->host.wasi, next, 1);
    assert_int_equal(WASI(environ_sizes_get)(&world->host, count, bytes), WASI_SUCCESS);
    assert_int_equal(load32(world, count), 1);
    assert_int_equal(WASI(environ_get)(&world->host, pointers, text), WASI_SUCCESS);
    assert_string_equal(at(world, text), next[0]);
    wasi_set_env(world->host.wasi, NULL, 0);
    assert_int_equal(WASI(environ_sizes_get)(&world->host, count, bytes), WASI_SUCCESS);
    assert_int_equal(load32(world, count), 0);
    assert_int_equal(load32(world, bytes), 0);
}

static void clocks_tell_the_time_and_others_are_refused(void **state)
{
    struct world *world = *state;
    uint32_t ret = room(world, 8);

    for (uint32_t clock = 0; clock < 4; clock++) {
        assert_int_equal(WASI(clock_res_get)(&world->host, clock, ret), WASI_SUCCESS);
        assert_in_range(load64(world, ret), 1, 1000000000);
        assert_int_equal(WASI(clock_time_get)(&world->host, clock, 0, ret), WASI_SUCCESS);
        assert_true(load64(world, ret) > 0);
    }
    WASI(clock_time_get)(&world->host, WASI_CLOCK_REALTIME, 0, ret);
    uint64_t now = (uint64_t)time(NULL);
    assert_in_range(load64(world, ret) / 1000000000, now - 2, now + 2);
    WASI(clock_time_get)(&world->host, WASI_CLOCK_MONOTONIC, 0, ret);
    uint64_t before = load64(world, ret);
    WASI(clock_time_get)(&world->host, WASI_CLOCK_MONOTONIC, 0, ret);
    assert_true(load64(world, ret) >= before);

    static const uint32_t refused[] = {4, 5, 100, UINT32_MAX, INT32_MAX};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(WASI(clock_res_get)(&world->host, refused[i], ret), WASI_EINVAL);
        assert_int_equal(WASI(clock_time_get)(&world->host, refused[i], 0, ret), WASI_EINVAL);
    }
}

static void random_bytes_fill_the_buffer_and_no_more(void **state)
{
    struct world *world = *state;
    uint32_t one = room(world, 64), two = room(world, 64);

    memset(at(world, one), 0, 64);
    assert_int_equal(WASI(random_get)(&world->host, one, 32), WASI_SUCCESS);
    assert_int_equal(WASI(random_get)(&world->host, two, 32), WASI_SUCCESS);
    assert_memory_not_equal(at(world, one), at(world, two), 32);
    for (uint32_t i = 32; i < 64; i++)
        assert_int_equal(*(uint8_t *)at(world, one + i), 0);
    assert_int_equal(WASI(random_get)(&world->host, 0, 0), WASI_SUCCESS);
    assert_int_equal(WASI(random_get)(&world->host, 0, MEMORY_BYTES), WASI_SUCCESS);
    assert_int_equal(WASI(random_get)(&world->host, 1, MEMORY_BYTES), WASI_EFAULT);
    assert_int_equal(WASI(random_get)(&world->host, UINT32_MAX, UINT32_MAX), WASI_EFAULT);
}

static void exit_leaves_with_its_status(void **state)
{
    struct world *world = *state;

    if (setjmp(world->leave) == 0) {
        WASI(proc_exit)(&world->host, 42);
        fail();
    }
    assert_int_equal(world->host.exit, HOST_EXITED);
    assert_int_equal(world->host.exit_status, 42);
    assert_int_equal(WASI(proc_raise)(&world->host, 9), WASI_ENOSYS);
    assert_int_equal(WASI(proc_raise)(&world->host, 31), WASI_EINVAL);
    assert_int_equal(WASI(sched_yield)(&world->host), WASI_SUCCESS);
}

static void nothing_is_a_socket(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    static const struct {
        uint32_t fd, error;
    } cases[] = {{0, WASI_ENOTSOCK}, {1, WASI_ENOTSOCK}, {GRANTED, WASI_ENOTSOCK},
                 {99, WASI_EBADF},   {1024, WASI_EBADF}, {UINT32_MAX, WASI_EBADF}};

    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(WASI(sock_accept)(host, cases[i].fd, 0, 64), cases[i].error);
        assert_int_equal(WASI(sock_recv)(host, cases[i].fd, 64, 0, 0, 64, 64), cases[i].error);
        assert_int_equal(WASI(sock_send)(host, cases[i].fd, 64, 0, 0, 64), cases[i].error);
        assert_int_equal(WASI(sock_shutdown)(host, cases[i].fd, 1), cases[i].error);
    }
}

static void streams_are_body_answer_and_log(void **state)
{
    struct world *world = *state;

    world->call.body = (const uint8_t *)"a body";
    world->call.body_bytes = 6;
    assert_string_equal(read_text(world, 0), "a body");
    assert_string_equal(read_text(world, 0), "");
    assert_int_equal(write_text(world, 1, "an answer"), WASI_SUCCESS);
    assert_int_equal(write_text(world, 2, "a log"), WASI_SUCCESS);
    assert_memory_equal(world->answer, "an answer", 9);
    assert_int_equal(world->call.answer_bytes, 9);
    assert_memory_equal(world->log, "a log", 5);

    assert_int_equal(write_text(world, 0, "x"), WASI_EBADF);
    uint32_t list = room(world, 8), ret = room(world, 8);
    assert_int_equal(WASI(fd_read)(&world->host, 1, list, 1, ret), WASI_EBADF);
    assert_int_equal(WASI(fd_read)(&world->host, 2, list, 1, ret), WASI_EBADF);
}

static void the_body_is_read_in_pieces_across_buffers(void **state)
{
    struct world *world = *state;
    uint32_t buffer = room(world, 16), ret = room(world, 4);
    struct wasi_iovec iovecs[] = {{buffer, 2}, {buffer + 8, 0}, {buffer + 4, 3}};
    uint32_t list = put(world, iovecs, sizeof iovecs);

    world->call.body = (const uint8_t *)"123456789";
    world->call.body_bytes = 9;
    assert_int_equal(WASI(fd_read)(&world->host, 0, list, 3, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 5);
    assert_memory_equal(at(world, buffer), "12\0\000345", 7);
    assert_int_equal(WASI(fd_read)(&world->host, 0, list, 3, ret), WASI_SUCCESS);
    assert_int_equal(load32(world, ret), 4);
    assert_memory_equal(at(world, buffer), "67\0\00089", 6);
}

static void an_answer_past_its_limit_ends_the_run(void **state)
{
    struct world *world = *state;

    world->call.answer_max = 4;
    assert_int_equal(write_text(world, 1, "1234"), WASI_SUCCESS);
    if (setjmp(world->leave) == 0) {
        write_text(world, 1, "5");
        fail();
    }
    assert_int_equal(world->host.exit, HOST_TOO_LARGE);
    assert_int_equal(world->call.answer_bytes, 4);
}

static void outside_a_call_streams_are_empty_and_silent(void **state)
{
    struct world *world = *state;

    world->host.call = NULL;
    assert_string_equal(read_text(world, 0), "");
    assert_int_equal(write_text(world, 1, "nowhere"), WASI_SUCCESS);
    assert_int_equal(write_text(world, 2, "nowhere"), WASI_SUCCESS);
}

static void a_handler_prints_to_the_log(void **state)
{
    struct world *world = *state;

    world->call.answer = NULL;
    assert_int_equal(write_text(world, 1, "printed"), WASI_SUCCESS);
    assert_int_equal(world->call.answer_bytes, 0);
    assert_memory_equal(world->log, "printed", 7);
}

static void a_channel_is_no_file(void **state)
{
    struct world *world = *state;
    struct host *host = &world->host;
    uint32_t ret = room(world, 64), list = room(world, 8);

    for (uint32_t fd = 0; fd < 3; fd++) {
        assert_int_equal(fdstat_of(world, fd).filetype, WASI_FILETYPE_UNKNOWN);
        assert_int_equal(WASI(fd_seek)(host, fd, 0, WASI_WHENCE_CUR, ret), WASI_ESPIPE);
        assert_int_equal(WASI(fd_tell)(host, fd, ret), WASI_ESPIPE);
        assert_int_equal(WASI(fd_advise)(host, fd, 0, 0, 0), WASI_ESPIPE);
        assert_int_equal(WASI(fd_sync)(host, fd), WASI_EINVAL);
        assert_int_equal(WASI(fd_datasync)(host, fd), WASI_EINVAL);
        assert_int_equal(WASI(fd_filestat_set_size)(host, fd, 0), WASI_ENOTCAPABLE);
        assert_int_equal(WASI(fd_filestat_set_times)(host, fd, 0, 0, 0), WASI_ENOTCAPABLE);
        assert_int_equal(WASI(fd_allocate)(host, fd, 0, 1), WASI_ENOTCAPABLE);
        assert_int_equal(WASI(fd_filestat_get)(host, fd, ret), WASI_SUCCESS);
        assert_int_equal(WASI(fd_prestat_get)(host, fd, ret), WASI_EBADF);
        assert_int_equal(WASI(fd_readdir)(host, fd, ret, 64, 0, ret), WASI_ENOTDIR);
    }
    assert_int_equal(WASI(fd_pread)(host, 0, list, 1, 0, ret), WASI_ESPIPE);
    assert_int_equal(WASI(fd_pwrite)(host, 1, list, 1, 0, ret), WASI_ESPIPE);
}

static void too_many_directories_are_refused(void **state)
{
    (void)state;
    static struct wasi_directory directories[65];
    struct wasi_options options = {.directories = directories, .directory_count = 65};
    struct wasi *wasi = NULL;

    assert_int_equal(wasi_new(&options, &wasi, NULL), -22);
    assert_null(wasi);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_and_environment_arrive_whole),
        TEST(the_environment_is_replaced_for_the_next_call),
        TEST(clocks_tell_the_time_and_others_are_refused),
        TEST(random_bytes_fill_the_buffer_and_no_more),
        TEST(exit_leaves_with_its_status),
        TEST(nothing_is_a_socket),
        TEST(streams_are_body_answer_and_log),
        TEST(the_body_is_read_in_pieces_across_buffers),
        TEST(an_answer_past_its_limit_ends_the_run),
        TEST(outside_a_call_streams_are_empty_and_silent),
        TEST(a_handler_prints_to_the_log),
        TEST(a_channel_is_no_file),
        TEST(too_many_directories_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
