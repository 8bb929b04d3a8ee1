/* Uids for sandboxes: from one range, each with one holder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "pvm/pvm.h"
#include "pvm/uid_internal.h"

static char dir[64];
static char paths[4][128];
static struct uid_files files;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    static const char *const names[] = {"subuid", "subgid", "passwd", "group"};

    (void)state;
    strcpy(dir, "/tmp/vireo-uid-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    for (int i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", dir, names[i]);
    files = (struct uid_files){paths[0], paths[1], paths[2], paths[3]};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_file(const char *path, const char *expected)
{
    char text[4096];
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void lines_are_parsed_strictly(void **state)
{
    static const char *const refused[] = {
        "",
        "vireo",
        "vireo:",
        ":1000000:65536",
        "vireo:1000000",
        "vireo:1000000:",
        "vireo::65536",
        "vireo:0:65536",             /* root */
        "vireo:1000000:0",           /* empty */
        "vireo:4294967295:1",        /* (uid_t)-1 */
        "vireo:4294901760:65536",    /* ends at (uid_t)-1 */
        "vireo:4294901761:65536",    /* wraps */
        "vireo:4294967296:65536",    /* more than 32 bits */
        "vireo:1000000:99999999999", /* more than 32 bits */
        "vireo:-5:65536",
        "vireo:+5:65536",
        "vireo: 1000000:65536",
        "vireo:1000000:65536 ",
        "vireo:1000000:65536:7",
        "vireo:1000000:65536x",
        "vireo:0x10000:65536",
        "vi\nreo:1000000:65536",
        "vireo:1000\n000:65536",
    };
    size_t length;
    uid_t first = 7;
    uint32_t count = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (uid_line_parse(refused[i], &length, &first, &count))
            fail_msg("'%s' was taken", refused[i]);
    assert_int_equal(first, 7);
    assert_true(uid_line_parse("vireo:1048576:65536\nnext", &length, &first, &count));
    assert_int_equal(length, 5);
    assert_int_equal(first, 1048576);
    assert_int_equal(count, 65536);
    assert_true(uid_line_parse("a:4294901759:65536", &length, &first, &count));
}

static void a_range_that_is_there_is_used(void **state)
{
    uint32_t count;
    uid_t first;
    bool added = true;

    (void)state;
    write_file(paths[0], "alice:100000:65536\nvireo:2000000:8192\n");
    write_file(paths[1], "vireo:2000000:8192");
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_int_equal(first, 2000000);
    assert_int_equal(count, 8192);
    assert_false(added);
    expect_file(paths[1], "vireo:2000000:8192");
}

static void a_missing_range_is_added_above_all_others(void **state)
{
    uint32_t count;
    uid_t first;
    bool added = false;

    (void)state;
    /* No files, no newline at the end, junk: what is there stays as it is. */
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_int_equal(first, 1048576);
    assert_int_equal(count, 65536);
    assert_true(added);
    expect_file(paths[0], "vireo:1048576:65536\n");
    expect_file(paths[1], "vireo:1048576:65536\n");
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_false(added);

    write_file(paths[0], "alice:100000:65536\n# junk\nbob:1500000:65536");
    write_file(paths[1], "bob:3000000:10\n");
    chmod(paths[0], 0640);
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_int_equal(first, 46 * 65536); /* the first multiple above 3,000,010 */
    expect_file(paths[0], "alice:100000:65536\n# junk\nbob:1500000:65536\nvireo:3014656:65536\n");
    expect_file(paths[1], "bob:3000000:10\nvireo:3014656:65536\n");
    struct stat status;
    assert_int_equal(stat(paths[0], &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    /* Neither a lock nor a temporary file stays. */
    char lock[160];
    snprintf(lock, sizeof lock, "%s.lock", paths[0]);
    assert_int_equal(access(lock, F_OK), -1);
    snprintf(lock, sizeof lock, "%s.%d", paths[0], getpid());
    assert_int_equal(access(lock, F_OK), -1);
}

static void accounts_are_stepped_over(void **state)
{
    uint32_t count;
    uid_t first;
    bool added;

    (void)state;
    write_file(paths[2], "root:x:0:0:root:/root:/bin/sh\nweird:x:1050000:5:::\nbad\n");
    write_file(paths[3], "root:x:0:\nhuge:x:1114112:\n");
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_int_equal(first, 18 * 65536);
}

static void half_a_reservation_is_completed(void **state)
{
    uint32_t count;
    uid_t first;
    bool added = false;

    (void)state;
    write_file(paths[0], "vireo:2000000:8192\n");
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_true(added);
    assert_int_equal(first, 2000000);
    expect_file(paths[1], "vireo:2000000:8192\n");
    expect_file(paths[0], "vireo:2000000:8192\n");
}

static void bad_reservations_are_refused(void **state)
{
    static const struct {
        const char *subuid, *subgid, *words;
    } refused[] = {
        {"vireo:junk:1\n", "", "line 1"},
        {"a:1:1\nvireo:0:65536\n", "vireo:1000000:65536\n", "line 2"},
        {"vireo:999:65536\n", "vireo:999:65536\n", "ids from 1000 on"},
        {"vireo:1000000:4095\n", "vireo:1000000:4095\n", "less than 4096"},
        {"vireo:4294901761:65536\n", "", "line 1"},
        {"vireo:1000000:65536\n", "vireo:2000000:65536\n", "are not those of"},
        {"vireo:1000000:65536\n", "vireo:1000000:8192\n", "are not those of"},
        {"vireo:1000000:65536\nalice:1065535:1\n", "vireo:1000000:65536\n", "of 'alice'"},
        {"vireo:1000000:65536\n", "bob:900000:100001\nvireo:1000000:65536\n", "of 'bob'"},
        {"vireo:1000000:65536\n", "bob:900000:100001\n", "of 'bob'"},
        {"big:2147400000:65536\n", "", "none are left"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        uid_t first = 7;
        uint32_t count = 7;
        bool added = false;
        struct err err = {0};
        write_file(paths[0], refused[i].subuid);
        write_file(paths[1], refused[i].subgid);
        if (uid_range_find(&files, &first, &count, &added, &err) >= 0)
            fail_msg("case %zu was taken", i);
        if (!strstr(err.message, refused[i].words))
            fail_msg("'%s' does not say '%s'", err.message, refused[i].words);
        assert_int_equal(first, 7);
        assert_false(added);
        expect_file(paths[0], refused[i].subuid);
    }
}

static void a_dead_holder_of_the_lock_does_not_stop_us(void **state)
{
    char lock[160], pid_text[32];
    uint32_t count;
    uid_t first;
    bool added;

    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    snprintf(lock, sizeof lock, "%s.lock", paths[0]);
    snprintf(pid_text, sizeof pid_text, "%d", pid);
    write_file(lock, pid_text);
    assert_int_equal(uid_range_find(&files, &first, &count, &added, NULL), 0);
    assert_int_equal(access(lock, F_OK), -1);
}

static void ten_at_once_reserve_one_range(void **state)
{
    pid_t pids[10];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            uint32_t count;
            uid_t first;
            bool added;
            _exit(uid_range_find(&files, &first, &count, &added, NULL) == 0 && first == 1048576
                      ? 0
                      : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    expect_file(paths[0], "vireo:1048576:65536\n");
    expect_file(paths[1], "vireo:1048576:65536\n");
}

/* ---- one-shot uids ---- */

static void needs_root(void)
{
    if (geteuid() != 0) {
        print_message("skipped: needs root\n");
        skip();
    }
}

static void each_uid_has_one_holder(void **state)
{
    char locks[128];
    int fds[3];
    uid_t uids[3];

    (void)state;
    needs_root();
    snprintf(locks, sizeof locks, "%s/run/uid", dir);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(uid_lock_take(locks, 1900000000, 3, &uids[i], &fds[i], NULL), 0);
        assert_in_range(uids[i], 1900000000, 1900000002);
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(uids[i], uids[j]);
    }
    struct err err = {0};
    uid_t untouched = 7;
    int fd = -7;
    assert_int_equal(uid_lock_take(locks, 1900000000, 3, &untouched, &fd, &err), -EAGAIN);
    assert_int_equal(untouched, 7);
    assert_int_equal(fd, -7);
    assert_non_null(strstr(err.message, "all 3"));
    close(fds[1]);
    assert_int_equal(uid_lock_take(locks, 1900000000, 3, &untouched, &fds[1], NULL), 0);
    assert_int_equal(untouched, uids[1]);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

/* A state directory of a name below `dir`; its block, or -errno. */
static int block_of(const char *locks, const char *name, int number, struct pvm_uid_block *block)
{
    char state[160];

    snprintf(state, sizeof state, "%s/%s", dir, name);
    mkdir(state, 0700);
    int r = uid_block_take(locks, state, number, 1900000000, 64512, block, NULL);
    return r < 0 ? r : block->number;
}

static void each_daemon_has_uids_of_its_own(void **state)
{
    struct pvm_uid_block a, b, c, many[16];
    char locks[128], gone[160];

    (void)state;
    needs_root();
    snprintf(locks, sizeof locks, "%s/blocks", dir);
    assert_int_equal(block_of(locks, "a", -1, &a), 0);
    assert_int_equal(a.first, 1900000000);
    assert_int_equal(a.count, 4032);
    assert_int_equal(block_of(locks, "b", -1, &b), 1);
    assert_int_equal(b.first, 1900004032);
    assert_int_equal(block_of(locks, "c", 0, &c), -EBUSY); /* a lives */
    /* One that is stopped keeps its block, and has it again. */
    close(a.lock_fd);
    assert_int_equal(block_of(locks, "c", -1, &c), 2);
    assert_int_equal(block_of(locks, "a", 0, &a), 0);
    /* The block of one that is no more is given away. */
    close(b.lock_fd);
    snprintf(gone, sizeof gone, "%s/b", dir);
    assert_int_equal(rmdir(gone), 0);
    assert_int_equal(block_of(locks, "d", -1, &b), 1);
    int taken = 0;
    while (taken < 16 && block_of(locks, "e", -1, &many[taken]) >= 0)
        taken++;
    assert_int_equal(taken, 13);
    for (int i = 0; i < taken; i++)
        close(many[i].lock_fd);
    close(a.lock_fd);
    close(b.lock_fd);
    close(c.lock_fd);
}

static void a_small_range_is_one_daemons(void **state)
{
    struct pvm_uid_block a, b;
    char locks[128];

    (void)state;
    needs_root();
    snprintf(locks, sizeof locks, "%s/small", dir);
    assert_int_equal(uid_block_take(locks, dir, -1, 1900000000, 3072, &a, NULL), 0);
    assert_int_equal(a.count, 3072);
    assert_int_equal(uid_block_take(locks, "/other", -1, 1900000000, 3072, &b, NULL), -EBUSY);
    close(a.lock_fd);
}

static void what_the_last_holder_left_running_is_ended(void **state)
{
    char locks[128], byte;
    int ready[2], fd = -1;
    uid_t uid;

    (void)state;
    needs_root();
    snprintf(locks, sizeof locks, "%s/uid", dir);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setresuid(1900000007, 1900000007, 1900000007) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(uid_lock_take(locks, 1900000007, 1, &uid, &fd, NULL), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void a_directory_that_others_can_write_to_is_refused(void **state)
{
    char locks[128];
    struct err err = {0};
    uid_t uid;
    int fd;

    (void)state;
    needs_root();
    snprintf(locks, sizeof locks, "%s/open", dir);
    assert_int_equal(mkdir(locks, 0700), 0);
    assert_int_equal(chmod(locks, 0777), 0);
    assert_int_equal(uid_lock_take(locks, 1900000000, 3, &uid, &fd, &err), -EPERM);
    assert_non_null(strstr(err.message, "others can write there"));
    assert_int_equal(rmdir(locks), 0);
    assert_int_equal(symlink("/tmp", locks), 0);
    assert_true(uid_lock_take(locks, 1900000000, 3, &uid, &fd, NULL) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lines_are_parsed_strictly),
        TEST(a_range_that_is_there_is_used),
        TEST(a_missing_range_is_added_above_all_others),
        TEST(accounts_are_stepped_over),
        TEST(half_a_reservation_is_completed),
        TEST(bad_reservations_are_refused),
        TEST(a_dead_holder_of_the_lock_does_not_stop_us),
        TEST(ten_at_once_reserve_one_range),
        TEST(each_uid_has_one_holder),
        TEST(each_daemon_has_uids_of_its_own),
        TEST(a_small_range_is_one_daemons),
        TEST(what_the_last_holder_left_running_is_ended),
        TEST(a_directory_that_others_can_write_to_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
