/* Descriptors and errors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cmocka_all.h"

static void the_first_error_is_the_reason(void **state)
{
    (void)state;
    struct err err = {0};

    assert_int_equal(err_set(&err, -ENOENT, "cannot open '%s'", "x"), -ENOENT);
    assert_int_equal(err_say(&err, -EIO, "cannot unwind"), -EIO);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.message, "cannot open 'x': No such file or directory");
    assert_int_equal(err_set(NULL, -EPERM, "nobody listens"), -EPERM);
}

static void a_long_message_is_cut_not_overrun(void **state)
{
    (void)state;
    struct err err = {0};
    char text[2000];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_say(&err, -EIO, "cannot %s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    err = (struct err){0};
    err_set(&err, -EIO, "cannot %s", text);
    assert_true(strlen(err.message) < sizeof err.message);
    /* The cause is whole. */
    assert_non_null(strstr(err.message, "aaa...: Input/output error"));
}

static void the_place_stands_behind_the_message_whatever_its_length(void **state)
{
    (void)state;
    struct err err = {0};
    char text[2000];

    assert_int_equal(err_at(&err, 3, "mounts[%d]", 1), 3);
    assert_string_equal(err.message, "");
    assert_int_equal(err_at(&err, err_say(&err, -EIO, "cannot go"), "mounts[%d]", 1), -EIO);
    assert_string_equal(err.message, "cannot go (mounts[1])");
    assert_int_equal(err_at(NULL, -EIO, "nobody listens"), -EIO);
    /* A path that is too long is cut itself, one byte before it would fill everything too. */
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t length = sizeof err.message - 20; length < sizeof err.message + 2; length++) {
        err = (struct err){0};
        err_say(&err, -EIO, "%.*s", (int)length, text);
        err_at(&err, -EIO, "process.args[0]");
        assert_true(strlen(err.message) < sizeof err.message);
        assert_string_equal(strrchr(err.message, ' '), " (process.args[0])");
        err_at(&err, -EIO, "%s", text);
        assert_true(strlen(err.message) < sizeof err.message);
        assert_string_equal(strrchr(err.message, 'a'), "a)");
    }
}

static void a_sealed_copy_can_not_be_changed(void **state)
{
    (void)state;
    _cleanup_(closep) int fd = -1;
    char byte = 'x';

    assert_int_equal(fd_sealed_copy("test", "abc", 3, &fd, NULL), 0);
    assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
    assert_int_equal(ftruncate(fd, 1), -1);
    assert_int_equal(ftruncate(fd, 9), -1);
    assert_ptr_equal(mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, 0), -1);
    assert_int_equal(pread(fd, &byte, 1, 2), 1);
    assert_int_equal(byte, 'c');
}

static void a_file_is_replaced_whole_and_never_through_a_link(void **state)
{
    (void)state;
    char directory[] = "/tmp/vireo-fd.XXXXXX";
    _cleanup_(freep) char *data = NULL;
    struct stat status;
    size_t size;

    assert_non_null(mkdtemp(directory));
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("/dev/full", fd, "file"), 0);
    assert_int_equal(fd_write_file_atomic(fd, "file", "new", 3, 0600, NULL), 0);
    assert_int_equal(fd_read_file(fd, "file", 100, &data, &size, NULL), 0);
    assert_int_equal(size, 3);
    assert_string_equal(data, "new");
    assert_int_equal(fstatat(fd, "file", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(unlinkat(fd, "file", 0), 0);
    assert_int_equal(rmdir(directory), 0); /* no temporary was left */
}

static void a_directory_is_not_replaced_and_is_named_as_one(void **state)
{
    (void)state;
    char directory[] = "/tmp/vireo-fd.XXXXXX";
    static const char *const paths[] = {".", "..", "below", "below/", "below/."};

    assert_non_null(mkdtemp(directory));
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(fd, "below", 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(fd_write_file_atomic(fd, paths[i], "new", 3, 0600, NULL), -EISDIR);
    assert_int_equal(unlinkat(fd, "below", AT_REMOVEDIR), 0);
    assert_int_equal(rmdir(directory), 0); /* no temporary was left */
}

static void a_file_past_its_limit_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    char *data = NULL;
    size_t size;

    assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/maps", 16, &data, &size, &err), -EFBIG);
    assert_null(data);
    assert_non_null(strstr(err.message, "longer than 16 bytes"));
    assert_int_equal(fd_read_file(AT_FDCWD, "/nowhere/at/all", 16, &data, &size, NULL), -ENOENT);
}

static void what_could_have_the_reader_wait_is_no_regular_file(void **state)
{
    (void)state;
    char directory[] = "/tmp/vireo-fd.XXXXXX";
    static const char *const other[] = {"pipe", "link", "/dev/zero"};
    char message[64];
    _cleanup_(freep) char *data = NULL;
    size_t size;

    assert_non_null(mkdtemp(directory));
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
    assert_int_equal(symlinkat("pipe", fd, "link"), 0);
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        struct err err = {0};
        assert_int_equal(fd_read_regular(fd, other[i], 100, &data, &size, &err), -EINVAL);
        snprintf(message, sizeof message, "cannot read '%s': it is no regular file", other[i]);
        assert_string_equal(err.message, message);
    }
    assert_int_equal(fd_read_regular(fd, ".", 100, &data, &size, NULL), -EISDIR);
    assert_null(data);
    assert_int_equal(fd_write_file_atomic(fd, "pipe", "new", 3, 0600, NULL), 0);
    assert_int_equal(fd_read_regular(fd, "link", 100, &data, &size, NULL), 0);
    assert_string_equal(data, "new");
    unlinkat(fd, "pipe", 0);
    unlinkat(fd, "link", 0);
    assert_int_equal(rmdir(directory), 0);
}

static int count_open(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_cut_message_leaves_no_descriptor_behind(void **state)
{
    (void)state;
    int sockets[2], fds[FD_MESSAGE_MAX];
    size_t count = 7;
    char small[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    int before = count_open();
    const int sent[] = {0, 1};
    assert_int_equal(fd_send(sockets[0], "too long", 8, sent, 2), 0);
    assert_int_equal(fd_receive(sockets[1], small, sizeof small, fds, &count, 0), -EMSGSIZE);
    assert_int_equal(count, 0);
    assert_int_equal(count_open(), before);

    assert_int_equal(fd_send(sockets[0], "ok", 2, sent, 2), 0);
    assert_int_equal(fd_receive(sockets[1], small, sizeof small, fds, &count, 0), 2);
    assert_int_equal(count, 2);
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    fd_close_all(fds, count);
    assert_int_equal(count_open(), before);

    assert_int_equal(fd_receive(sockets[1], small, sizeof small, fds, &count, MSG_DONTWAIT),
                     -EAGAIN);
    close(sockets[0]);
    assert_int_equal(fd_receive(sockets[1], small, sizeof small, fds, &count, 0), 0);
    close(sockets[1]);
}

static void a_full_table_costs_the_descriptors_not_the_message(void **state)
{
    (void)state;
    int sockets[2], fds[FD_MESSAGE_MAX];
    size_t count = 7;
    char word[8];
    struct rlimit before, none;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    const int sent[] = {0, 1};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    for (int room = 0; room < 2; room++) {
        assert_int_equal(fd_send(sockets[0], "ok", 2, sent, 2), 0);
        none.rlim_cur = (rlim_t)sockets[1] + 1 + (rlim_t)room;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        ssize_t n = fd_receive(sockets[1], word, sizeof word, fds, &count, 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(n, 2);
        assert_int_equal(count, 0);
    }
    /* With one that did not fit, the other was given back too. */
    assert_int_equal(fcntl(sockets[1] + 1, F_GETFD), -1);
    fd_close_all(sockets, 2);
}

static void too_many_descriptors_are_not_sent(void **state)
{
    (void)state;
    int sockets[2], fds[FD_MESSAGE_MAX + 1] = {0};

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(fd_send(sockets[0], "x", 1, fds, ARRAY_LEN(fds)), -E2BIG);
    close(sockets[0]);
    close(sockets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_is_the_reason),
        cmocka_unit_test(a_long_message_is_cut_not_overrun),
        cmocka_unit_test(the_place_stands_behind_the_message_whatever_its_length),
        cmocka_unit_test(a_sealed_copy_can_not_be_changed),
        cmocka_unit_test(a_file_is_replaced_whole_and_never_through_a_link),
        cmocka_unit_test(a_directory_is_not_replaced_and_is_named_as_one),
        cmocka_unit_test(a_file_past_its_limit_is_refused),
        cmocka_unit_test(what_could_have_the_reader_wait_is_no_regular_file),
        cmocka_unit_test(a_cut_message_leaves_no_descriptor_behind),
        cmocka_unit_test(a_full_table_costs_the_descriptors_not_the_message),
        cmocka_unit_test(too_many_descriptors_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
