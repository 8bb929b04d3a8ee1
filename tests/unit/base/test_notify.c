/* What the service manager is told. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/notify.h"
#include "cmocka_all.h"

#define SECOND_NS INT64_C(1000000000)

/* A manager's socket: in a directory, or abstract. Sets NOTIFY_SOCKET. */
static int manager(bool abstract, char path[64])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(path, 64, "%s/tmp/vireo-notify.%d", abstract ? "@" : "", getpid());
    strcpy(address.sun_path, path);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (abstract)
        address.sun_path[0] = '\0';
    else
        size++;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

/* What came, or "". */
static const char *heard(int fd)
{
    static char text[256];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void is_heard_at(bool abstract)
{
    char path[64];
    _cleanup_(closep) int fd = manager(abstract, path);
    struct notify notify;

    assert_int_equal(notify_open(&notify, NULL), 0);
    assert_null(getenv("NOTIFY_SOCKET"));
    notify_send(&notify, "READY=1\nSTATUS=serves");
    assert_string_equal(heard(fd), "READY=1\nSTATUS=serves");
    assert_int_equal(notify_alive(&notify, 5 * SECOND_NS), -1);
    assert_string_equal(heard(fd), "");
    notify_close(&notify);
    notify_send(&notify, "STOPPING=1");
    assert_string_equal(heard(fd), "");
    if (!abstract)
        unlink(path);
}

static void the_manager_hears_at_a_path_and_at_an_abstract_name(void **state)
{
    (void)state;
    is_heard_at(false);
    is_heard_at(true);
}

static void without_a_manager_nothing_is_said_and_nobody_is_woken(void **state)
{
    (void)state;
    struct notify notify;

    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "2000000", 1);
    assert_int_equal(notify_open(&notify, NULL), 0);
    assert_int_equal(notify.fd, -1);
    assert_int_equal(notify_alive(&notify, 0), -1);
    notify_send(&notify, "READY=1");
    assert_null(getenv("WATCHDOG_USEC"));
}

static void a_manager_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"/nonexistent/notify", "relative", "@", "/"};
    char name[160];
    struct notify notify;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err = {0};
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_true(notify_open(&notify, &err) < 0);
        assert_non_null(strstr(err.message, names[i]));
        assert_int_equal(notify.fd, -1);
    }
    memset(name, 'a', sizeof name - 1);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_open(&notify, NULL), -ENAMETOOLONG);
}

static void signs_of_life_come_twice_as_often_as_asked(void **state)
{
    (void)state;
    char path[64], pid[16];
    _cleanup_(closep) int fd = manager(true, path);
    struct notify notify;

    snprintf(pid, sizeof pid, "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "10000000", 1);
    assert_int_equal(notify_open(&notify, NULL), 0);
    assert_int_equal(notify_alive(&notify, SECOND_NS), 5001);
    assert_string_equal(heard(fd), "WATCHDOG=1");
    assert_int_equal(notify_alive(&notify, 4 * SECOND_NS), 2001);
    assert_string_equal(heard(fd), "");
    assert_int_equal(notify_alive(&notify, 6 * SECOND_NS), 5001);
    assert_string_equal(heard(fd), "WATCHDOG=1");
    notify_close(&notify);
}

static void a_watchdog_of_nonsense_or_of_another_process_is_none(void **state)
{
    (void)state;
    static const char *const values[] = {
        "0", "-1", "", "soon", "1x", "99999999999999999999", "9223372036854775807"};
    char path[64];
    _cleanup_(closep) int fd = manager(true, path);
    struct notify notify;

    assert_true(fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", values[i], 1);
        assert_int_equal(notify_open(&notify, NULL), 0);
        assert_int_equal(notify_alive(&notify, SECOND_NS), -1);
        notify_close(&notify);
    }
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "10000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_open(&notify, NULL), 0);
    assert_int_equal(notify_alive(&notify, SECOND_NS), -1);
    notify_close(&notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_hears_at_a_path_and_at_an_abstract_name),
        cmocka_unit_test(without_a_manager_nothing_is_said_and_nobody_is_woken),
        cmocka_unit_test(a_manager_that_is_not_there_is_an_error),
        cmocka_unit_test(signs_of_life_come_twice_as_often_as_asked),
        cmocka_unit_test(a_watchdog_of_nonsense_or_of_another_process_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
