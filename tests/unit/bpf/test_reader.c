/* The reader's turns: an object that takes long keeps none of another function from being read.
 * What reads an object is the test's own here: it says that it began, and turns for its first
 * byte's tenths of a second. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "bpf/object.h"
#include "bpf/reader.h"
#include "guest/bpf.h"

int object_read(const void *bytes, size_t size, const struct object_settings *settings,
                int output_fd, bool *ret_kernel_types)
{
    const int64_t end = clock_now_ns() + *(const uint8_t *)bytes * INT64_C(100000000);

    (void)size;
    (void)settings;
    (void)ret_kernel_types;
    fd_write_full(output_fd, fcntl(output_fd + 1, F_GETFD) < 0 ? "b" : "x", 1);
    while (clock_now_ns() < end)
        ;
    return fd_write_full(output_fd, "e", 1);
}

int object_prepare(void)
{
    return 0;
}

int symbol_find(const void *bytes, size_t size, const char *name, struct reader_places *places)
{
    (void)bytes;
    (void)size;
    (void)name;
    (void)places;
    return -1;
}

int usdt_find(const void *bytes, size_t size, const char *name, struct reader_places *places)
{
    return symbol_find(bytes, size, name, places);
}

static int reader_fd;
static pid_t reader_pid;

static int setup(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    reader_fd = ends[0];
    reader_pid = fork();
    if (reader_pid == 0) {
        close(ends[0]);
        if (ends[1] != READER_FD)
            dup2(ends[1], READER_FD);
        _exit(reader_main(false));
    }
    close(ends[1]);
    return 0;
}

static int teardown(void **state)
{
    int status;

    (void)state;
    close(reader_fd);
    assert_int_equal(waitpid(reader_pid, &status, 0), reader_pid);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The pipe that its answer comes from. */
static int ask(uint64_t owner, uint8_t tenths)
{
    const struct reader_request request = {.version = BROKER_VERSION, .bytes = 1, .owner = owner};
    int ends[2];
    _cleanup_(closep) int object = memfd_create("object", MFD_CLOEXEC);

    assert_int_equal(write(object, &tenths, 1), 1);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fd_send(reader_fd, &request, sizeof request, (int[]){object, ends[1]}, 2), 0);
    close(ends[1]);
    return ends[0];
}

static bool has_begun(int pipe)
{
    char c;
    fd_set set;
    struct timeval none = {0};

    FD_ZERO(&set);
    FD_SET(pipe, &set);
    return select(pipe + 1, &set, NULL, NULL, &none) == 1 && read(pipe, &c, 1) == 1;
}

static void a_function_has_two_turns_and_others_theirs(void **state)
{
    int slow[12], begun = 0;
    char answer[3];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        slow[i] = ask(1, 4);
    int other = ask(2, 0);
    assert_int_equal(fd_read_full(other, answer, sizeof answer), 2);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        begun += has_begun(slow[i]);
    /* Those two may have ended before the other one was read, on a busy machine: two more then. */
    assert_in_range(begun, 1, 6);
    fd_close_all(slow + 6, 6); /* nobody waits for these: they are never read */
    for (size_t i = 0; i < 6; i++) {
        size_t left = (size_t)fd_read_full(slow[i], answer, sizeof answer);
        assert_int_equal(answer[left - 1], 'e');
    }
    fd_close_all(slow, 6);
    close(other);
}

static void more_than_may_wait_are_refused(void **state)
{
    int asked[32], refused = 0;
    char answer[3];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        asked[i] = ask(1, i < 2 ? 5 : 0);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        refused += fd_read_full(asked[i], answer, sizeof answer) == 0;
        close(asked[i]);
    }
    assert_in_range(refused, 1, (int)ARRAY_LEN(asked) - 18);
}

/* A turn of half a second is told as its own function's, whatever of it others had; nobody else's
 * is. */
static void what_a_turn_took_is_told_with_whose_it_was(void **state)
{
    struct reader_cost cost = {0};
    char answer[3];
    int asked = ask(7, 5), fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    (void)state;
    assert_int_equal(fd_read_full(asked, answer, sizeof answer), 2);
    close(asked);
    assert_int_equal(fd_receive(reader_fd, &cost, sizeof cost, fds, &fd_count, 0), sizeof cost);
    assert_int_equal(fd_count, 0);
    assert_int_equal(cost.owner, 7);
    assert_in_range(cost.processor_ns, 1000000, 5000000000);
    assert_true(fd_receive(reader_fd, &cost, sizeof cost, fds, &fd_count, MSG_DONTWAIT) < 0);
}

/* What reads an object may be taken over by it: it has its object, its pipe and nothing else. */
static void a_child_has_no_descriptor_of_anothers(void **state)
{
    int first = ask(1, 3), second = ask(1, 3), waits = ask(1, 0);
    char answer[3];

    (void)state;
    assert_int_equal(fd_read_full(first, answer, sizeof answer), 2);
    assert_int_equal(fd_read_full(second, answer, sizeof answer), 2);
    assert_int_equal(fd_read_full(waits, answer, sizeof answer), 2);
    assert_memory_equal(answer, "be", 2); /* 'b' is 'x' of one that has more */
    fd_close_all((int[]){first, second, waits}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_function_has_two_turns_and_others_theirs, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(more_than_may_wait_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_turn_took_is_told_with_whose_it_was, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_child_has_no_descriptor_of_anothers, setup, teardown),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
