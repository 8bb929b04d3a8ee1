/*
 * For the tests of whole builds through vireo-build and the real compilers: a uid, a key, a build
 * that leaves nothing behind. Included by one program each.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "tar_make.h"

#define HANDLER                                                                \
    "#include <vireo/function.h>\n#include <string.h>\n"                       \
    "int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)\n" \
    "{ memcpy(out, in, n < cap ? n : cap); return (int64_t)n; }\n"

/* Nobody else's, also while this test runs twice on one machine. */
static uid_t test_uid;
static const char *program_dir;
static char scratch[] = "/tmp/vireo-test-build-XXXXXX";
static struct sign_key *key;

/* What a build said of itself. */
struct told {
    char stages[256];
    char diagnostics[8192];
};

static inline void tell_stage(const char *stage, void *user)
{
    struct told *told = user;

    strncat(told->stages, stage, sizeof told->stages - strlen(told->stages) - 2);
    strcat(told->stages, " ");
}

static inline void tell_diagnostics(const char *text, void *user)
{
    struct told *told = user;

    snprintf(told->diagnostics, sizeof told->diagnostics, "%s", text);
}

static inline int64_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Processes of the sandboxes' uid, on the whole machine. */
static inline int processes_left(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    struct stat status;
    int count = 0;

    while ((entry = readdir(directory)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && status.st_uid == test_uid)
            count++;
    closedir(directory);
    return count;
}

static inline size_t mounts_here(void)
{
    _cleanup_(freep) char *text = NULL;
    size_t size, count = 0;

    if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, &size, NULL) < 0)
        return 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

static inline size_t descriptors_here(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static inline struct build_options standard(struct told *told)
{
    return (struct build_options){
        .program_dir = program_dir,
        .uid = test_uid,
        .rootless = geteuid() != 0,
        .cgroup_name = "",
        .progress = tell_stage,
        .diagnostics = tell_diagnostics,
        .progress_user = told,
        .timeout_ms = 60000,
        .memory_bytes = 1 << 30,
    };
}

/* Builds, and checks that nothing is left whatever the end was. */
static inline int build_with(struct build_options *options, struct tar_made *tar,
                             struct store *store, struct build_result *result, struct err *err)
{
    size_t mounts = mounts_here(), descriptors = descriptors_here();

    int r = build_run(options, tar->bytes, tar->size, NULL, NULL, store, key, result, err);
    assert_int_equal(mounts_here(), mounts);
    assert_int_equal(descriptors_here(), descriptors);
    assert_int_equal(processes_left(), 0);
    assert_true(waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | __WALL) < 0 && errno == ECHILD);
    return r;
}

static inline int build_source_text(const char *name, const char *text, struct build_result *result,
                                    struct told *told, struct err *err)
{
    _cleanup_(tar_made_clear) struct tar_made tar = {0};
    struct build_options options = standard(told);

    tar_file(&tar, name, text);
    tar_end(&tar);
    return build_with(&options, &tar, NULL, result, err);
}

static inline void need_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("needs root: sandboxes run under a uid of their own\n");
    skip();
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int set_up(void **state)
{
    (void)state;
    char path[64];

    /* Mounts are counted: others' must not come and go among them. */
    if (geteuid() == 0 &&
        (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        return -1;
    if (!mkdtemp(scratch))
        return -1;
    snprintf(path, sizeof path, "%s/key", scratch);
    return sign_key_open(path, &key, NULL);
}

static inline int tear_down(void **state)
{
    (void)state;
    sign_key_free(key);
    return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The build directory is the first argument. */
#define BUILD_TESTS_RUN(argc, argv, tests)                                               \
    (test_uid = 400000000 + (uid_t)getpid(), program_dir = (argc) > 1 ? (argv)[1] : ".", \
     cmocka_run_group_tests(tests, set_up, tear_down))
