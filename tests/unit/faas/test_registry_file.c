/* The registry's file: what was acknowledged survives a kill, and what is not ours is refused. */
#include "registry_test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Runs in a child: says each name on the pipe once it is acknowledged. */
static void put_for_ever(int acknowledged, int round)
{
    struct registry *registry = NULL;

    if (registry_open(dir, FIRST, 60000, &registry, NULL) < 0)
        _exit(1);
    for (int i = 0;; i++) {
        char name[32];
        snprintf(name, sizeof name, "r%d-%d", round, i);
        if (put(registry, name, NULL) < 0)
            _exit(2);
        if (write(acknowledged, &i, sizeof i) != sizeof i)
            _exit(3);
    }
}

static void a_kill_in_the_middle_loses_nothing_acknowledged(void **state)
{
    int total = 0;

    (void)state;
    for (int round = 0; round < 20; round++) {
        int pipe_fd[2], number, count = 0;
        assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0)
            put_for_ever(pipe_fd[1], round);
        close(pipe_fd[1]);
        /* At another place of a transaction each time. */
        assert_int_equal(read(pipe_fd[0], &number, sizeof number), sizeof number);
        count++;
        usleep((useconds_t)(round * 977 % 7000));
        kill(pid, SIGKILL);
        while (read(pipe_fd[0], &number, sizeof number) == sizeof number)
            count = number + 1;
        close(pipe_fd[0]);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));

        _cleanup_(registry_closep) struct registry *registry = open_counted(60000);
        for (int i = 0; i < count; i++) {
            char name[32];
            struct registry_function found = {0};
            snprintf(name, sizeof name, "r%d-%d", round, i);
            assert_int_equal(registry_get(registry, name, &found, NULL), 0);
            registry_function_clear(&found);
        }
        total += count;
    }
    print_message("%d puts were acknowledged before 20 kills\n", total);
}

static void a_second_process_is_refused(void **state)
{
    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    pid_t pid = fork();
    if (pid == 0) {
        struct registry *other = NULL;
        struct err err = {0};
        int r = registry_open(dir, FIRST, 10, &other, &err);
        _exit(r == -EBUSY && strstr(err.message, "another process holds it") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(put(registry, "still-ours", NULL), 0);
}

static void a_damaged_file_is_named(void **state)
{
    char noise[4096];
    uint32_t seed = 12345;

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    /* Not a database at all. */
    file_write(0, noise, sizeof noise);
    expect_refused(-EBADMSG, "is damaged");
    teardown(NULL);
    mkdir(dir, 0700);

    /* A database, with noise in every page but the first. */
    {
        _cleanup_(registry_closep) struct registry *registry = open_counted(1000);
        for (int i = 0; i < 60; i++) {
            char name[32];
            snprintf(name, sizeof name, "f-%d", i);
            assert_int_equal(put(registry, name, NULL), 0);
        }
    }
    for (off_t at = 4096; at < 8 * 4096; at += 4096)
        file_write(at + 100, noise, 2000);
    expect_refused(-EBADMSG, "is damaged");
}

static void a_cut_file_is_refused(void **state)
{
    char path[128];

    (void)state;
    registry_close(open_counted(10));
    snprintf(path, sizeof path, "%s/registry.db", dir);
    assert_int_equal(truncate(path, 5000), 0);
    expect_refused(-EBADMSG, "is damaged");
}

static void rows_that_we_never_wrote_are_refused(void **state)
{
    static const char *const changes[] = {
        "UPDATE functions SET name = 'no/such'",
        "UPDATE functions SET version = printf('%.100c', 'x')",
        "UPDATE functions SET library_hash = printf('%.65c', 'x')",
        "UPDATE functions SET uid = 0",
        "UPDATE functions SET uid = 4294967295",
        "UPDATE functions SET id = -1",
        "UPDATE functions SET id = 4294967296",
        "UPDATE functions SET kind = 'a' || char(0) || 'b'",
        "UPDATE functions SET manifest = printf('%.70000c', 'x')",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        {
            _cleanup_(registry_closep) struct registry *registry = open_counted(10);
            assert_int_equal(put(registry, "hello", NULL), 0);
        }
        sql_run(changes[i]);
        {
            _cleanup_(registry_closep) struct registry *registry = open_counted(10);
            int seen = 0;
            struct err err = {0};
            assert_int_equal(registry_each(registry, stop_at_third, &seen, &err), -EBADMSG);
            assert_int_equal(seen, 0);
            assert_non_null(strstr(err.message, "is damaged"));
        }
        sql_run("DELETE FROM functions; DELETE FROM uids_waiting");
    }
}

static void another_schema_is_refused(void **state)
{
    (void)state;
    registry_close(open_counted(10));
    sql_run("PRAGMA user_version = 4");
    expect_refused(-EPROTO, "version 4, this vireo knows version 3");
    sql_run("PRAGMA user_version = 3; PRAGMA application_id = 7");
    expect_refused(-EBADMSG, "another program");
    sql_run("PRAGMA application_id = 1986622053; DROP TABLE uids_waiting");
    expect_refused(-EBADMSG, "is damaged");
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct registry *registry = NULL;
    struct err err = {0};
    char path[128];

    (void)state;
    assert_int_equal(registry_open("/nonexistent", FIRST, 10, &registry, &err), -ENOENT);
    assert_non_null(strstr(err.message, "/nonexistent/registry.db"));
    /* Not through a link that somebody put there. */
    snprintf(path, sizeof path, "%s/registry.db", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    expect_refused(-ELOOP, "cannot open registry");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(-EISDIR, "cannot open registry");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_kill_in_the_middle_loses_nothing_acknowledged),
        TEST(a_second_process_is_refused),
        TEST(a_damaged_file_is_named),
        TEST(a_cut_file_is_refused),
        TEST(rows_that_we_never_wrote_are_refused),
        TEST(another_schema_is_refused),
        TEST(what_cannot_be_opened_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
