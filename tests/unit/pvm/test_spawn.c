/* What a program started by spawn_process() has, and what it has not. Needs root for most. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "pvm/spawn.h"

#define TEST_UID 424242
#define ALL_NAMESPACES                                                                         \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
     CLONE_NEWCGROUP)

static int probe_fd = -1;

static struct spawn_options standard(char *const *argv, const int *fds)
{
    static char *const no_environment[] = {NULL};

    return (struct spawn_options){
        .what = "template of 'hello'",
        .namespaces = ALL_NAMESPACES,
        .uid = geteuid() == 0 ? TEST_UID : geteuid(),
        .gid = geteuid() == 0 ? TEST_UID : getegid(),
        .clone_group_fd = -1,
        .fds = fds,
        .fd_count = 3,
        .program_fd = probe_fd,
        .argv = argv,
        .envp = no_environment,
    };
}

/* Starts it and collects what it prints and how it ends. */
static int run(struct spawn_options *options, char *text, size_t size, int *ret_status,
               struct err *err)
{
    int pipe_fds[2];
    struct spawned child;
    siginfo_t info = {0};

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    int fds[3] = {-1, pipe_fds[1], 2};
    options->fds = fds;
    int r = spawn_process(options, &child, err);
    close(pipe_fds[1]);
    ssize_t n = fd_read_full(pipe_fds[0], text, size - 1);
    close(pipe_fds[0]);
    text[n < 0 ? 0 : n] = '\0';
    if (r < 0)
        return r;
    assert_int_equal(waitid(P_PIDFD, (id_t)child.pidfd, &info, WEXITED), 0);
    close(child.pidfd);
    *ret_status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return 0;
}

static int no_child_is_left(void)
{
    return waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | __WALL) < 0 && errno == ECHILD;
}

static void need_namespaces(void)
{
    char *argv[] = {"probe", NULL};
    struct spawn_options options = standard(argv, NULL);
    struct err err = {0};
    char text[64];
    int status;

    if (run(&options, text, sizeof text, &status, &err) == 0)
        return;
    print_message("no namespaces here: %s\n", err.message);
    skip();
}

static void program_is_root_only_inside_and_without_capabilities(void **state)
{
    (void)state;
    char *argv[] = {"probe", "ids", NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[1024];
    int status = 0;

    need_namespaces();
    assert_int_equal(run(&options, text, sizeof text, &status, NULL), 0);
    assert_int_equal(status, 7);
    assert_non_null(strstr(text, "uid=0 euid=0 gid=0 "));
    assert_non_null(strstr(text, "pid=1\n"));
    assert_non_null(strstr(text, "caps=000000000/000000000 bounding=0 nnp=1 death=9"));
    if (geteuid() == 0)
        assert_non_null(strstr(text, "groups=0 "));
    assert_true(no_child_is_left());
}

static void capabilities_are_kept_only_when_asked(void **state)
{
    (void)state;
    char *argv[] = {"probe", "ids", NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[1024];
    int status = 0;

    need_namespaces();
    options.keep_capabilities = true;
    assert_int_equal(run(&options, text, sizeof text, &status, NULL), 0);
    assert_null(strstr(text, "caps=000000000/"));
    assert_non_null(strstr(text, "nnp=1"));
}

static void root_is_empty_and_read_only(void **state)
{
    (void)state;
    char *argv[] = {"probe",           "dir:/",     "mount:/", "write:/file",
                    "write:/usr/file", "dir:/proc", NULL};
    struct spawn_options options = standard(argv, NULL);
    struct spawn_mount mounts[] = {{.source = "/usr", .target = "/usr", .exec = true}};
    char text[2048];
    int status = 0;

    need_namespaces();
    options.mounts = mounts;
    options.mount_count = 1;
    assert_int_equal(run(&options, text, sizeof text, &status, NULL), 0);
    assert_non_null(strstr(text, "/: usr\n"));
    assert_non_null(strstr(text, "/: ro nosuid nodev noexec\n"));
    assert_non_null(strstr(text, "write /file: Read-only file system\n"));
    assert_non_null(strstr(text, "write /usr/file: Read-only file system\n"));
    assert_non_null(strstr(text, "/proc:\n"));
}

static void mounts_have_the_flags_asked_for(void **state)
{
    (void)state;
    char directory[] = "/tmp/vireo-test-spawn-XXXXXX";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0777), 0);
    struct spawn_mount mounts[] = {
        {.source = NULL, .target = "/tmp", .tmpfs_bytes = 1 << 20, .writable = true},
        {.source = "/usr", .target = "/a/b/usr", .exec = true},
        {.source = directory, .target = "/data", .writable = true},
        {.source = directory, .target = "/tmp/below"},
        {.source = "/dev/null", .target = "/dev/null", .device = true},
        {.source = "/no/such/thing", .target = "/nothing", .optional = true},
    };
    char *argv[] = {"probe",
                    "mount:/tmp",
                    "mount:/a/b/usr",
                    "mount:/data",
                    "mount:/tmp/below",
                    "write:/dev/null",
                    "write:/data/new",
                    "write:/tmp/below/no",
                    "mount:/nothing",
                    "fill:/tmp",
                    NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[4096], made[128];
    int status = 0;

    need_namespaces();
    options.mounts = mounts;
    options.mount_count = ARRAY_LEN(mounts);
    int r = run(&options, text, sizeof text, &status, NULL);
    snprintf(made, sizeof made, "%s/new", directory);
    struct stat owner = {0};
    int seen = stat(made, &owner);
    unlink(made);
    rmdir(directory);
    assert_int_equal(r, 0);
    assert_non_null(strstr(text, "/tmp: nosuid nodev noexec\n"));
    assert_non_null(strstr(text, "/a/b/usr: ro nosuid nodev\n"));
    assert_non_null(strstr(text, "/data: nosuid nodev noexec\n"));
    assert_non_null(strstr(text, "/tmp/below: ro nosuid nodev noexec\n"));
    assert_non_null(strstr(text, "write /dev/null: ok\n"));
    assert_non_null(strstr(text, "write /data/new: ok\n"));
    assert_non_null(strstr(text, "write /tmp/below/no: Read-only"));
    assert_non_null(strstr(text, "/nothing: No such file"));
    /* Bounded in bytes and in files. */
    unsigned kib = 0, files = 0;
    assert_int_equal(sscanf(strstr(text, "filled"), "filled kib=%u files=%u", &kib, &files), 2);
    assert_in_range(kib, 900, 1024);
    assert_in_range(files, 1, 256);
    /* What it wrote on the host belongs to its id there, not to root. */
    assert_int_equal(seen, 0);
    assert_int_equal(owner.st_uid, options.uid);
}

static void nothing_is_inherited(void **state)
{
    (void)state;
    char *argv[] = {"probe", "world", NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[1024];
    int status = 0;

    need_namespaces();
    _cleanup_(closep) int leak = open("/", O_RDONLY); /* without O_CLOEXEC */
    signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    options.rlimit_descriptors = 33;
    int r = run(&options, text, sizeof text, &status, NULL);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(r, 0);
    assert_non_null(strstr(text, "fds=3 nofile=33 sigpipe=1 masked=0 host=vireo env=-"));
}

static void descriptors_may_swap_places(void **state)
{
    (void)state;
    char *argv[] = {"probe", "world", NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[1024] = "";
    int pipe_fds[2];
    struct spawned child;

    need_namespaces();
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    /* Wherever the pipe is, its place and the places of 0 to 4 overlap. */
    int fds[] = {2, pipe_fds[1], 0, pipe_fds[1], 1};
    options.fds = fds;
    options.fd_count = ARRAY_LEN(fds);
    assert_int_equal(spawn_process(&options, &child, NULL), 0);
    close(pipe_fds[1]);
    assert_true(fd_read_full(pipe_fds[0], text, sizeof text - 1) > 0);
    close(pipe_fds[0]);
    waitid(P_PIDFD, (id_t)child.pidfd, NULL, WEXITED);
    close(child.pidfd);
    assert_non_null(strstr(text, "fds=5 "));
}

static void a_failure_inside_names_its_cause(void **state)
{
    (void)state;
    char *argv[] = {"probe", NULL};
    char directory[] = "/tmp/vireo-test-spawn-XXXXXX";
    char link_path[64], text[64];
    int status;

    need_namespaces();
    assert_non_null(mkdtemp(directory));
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    assert_int_equal(symlink("/usr", link_path), 0);
    const struct {
        struct spawn_mount mount;
        const char *message;
    } refused[] = {
        {{.source = "/no/such/thing", .target = "/a"},
         "cannot start template of 'hello': mount '/no/such/thing': No such file or directory"},
        {{.source = link_path, .target = "/a"}, "Too many levels of symbolic links"},
        {{.source = "/proc/self/cwd", .target = "/a"}, "Too many levels of symbolic links"},
        {{.source = "/proc/self/cwd/.", .target = "/a"}, "Too many levels of symbolic links"},
        {{.source = "/dev/null", .target = "/a"}, "mount '/dev/null': No such device"},
        {{.source = "/usr", .target = "/a", .device = true}, "mount '/usr': No such device"},
        {{.source = NULL, .target = "/a"}, "mount '/a' without a size"},
        {{.source = "/usr", .target = "/../a"}, "mount '/usr': "},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct spawn_options options = standard(argv, NULL);
        struct err err = {0};
        options.mounts = &refused[i].mount;
        options.mount_count = 1;
        int r = run(&options, text, sizeof text, &status, &err);
        if (r == 0 || !strstr(err.message, refused[i].message)) {
            unlink(link_path);
            rmdir(directory);
            fail_msg("case %zu: '%s'", i, err.message);
        }
    }
    unlink(link_path);
    rmdir(directory);
    assert_true(no_child_is_left());
}

/* A path that was allowed by its text must be that directory, not what a link makes of it. */
static void no_part_of_a_source_without_links_is_one(void **state)
{
    (void)state;
    char *argv[] = {"probe", "dir:/a", NULL};
    char directory[] = "/tmp/vireo-test-spawn-XXXXXX";
    char link_path[64], through[80], real[80], text[256];
    int status, r[4];
    struct err err[4] = {0};

    need_namespaces();
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    snprintf(through, sizeof through, "%s/link/share", directory);
    snprintf(real, sizeof real, "%s/real", directory);
    assert_int_equal(symlink("/usr", link_path), 0);
    assert_int_equal(mkdir(real, 0755), 0);
    struct spawn_mount mounts[4] = {
        {.source = through, .target = "/a"}, /* as before: only the last part counts */
        {.source = through, .target = "/a", .no_symlinks = true},
        {.source = link_path, .target = "/a", .no_symlinks = true},
        {.source = real, .target = "/a", .no_symlinks = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
        struct spawn_options options = standard(argv, NULL);
        options.mounts = &mounts[i];
        options.mount_count = 1;
        r[i] = run(&options, text, sizeof text, &status, &err[i]);
    }
    unlink(link_path);
    rmdir(real);
    rmdir(directory);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], -ELOOP);
    assert_non_null(strstr(err[1].message, "/link/share': a part of the path is a symbolic link"));
    assert_int_equal(r[2], -ELOOP);
    assert_non_null(strstr(err[2].message, "a part of the path is a symbolic link"));
    assert_int_equal(r[3], 0);
    assert_true(no_child_is_left());
}

static void what_is_no_program_is_refused(void **state)
{
    (void)state;
    char *argv[] = {"probe", NULL};
    struct spawn_options options = standard(argv, NULL);
    struct err err = {0};
    char text[64];
    int status;

    need_namespaces();
    _cleanup_(closep) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    options.program_fd = fd;
    assert_int_equal(run(&options, text, sizeof text, &status, &err), -EACCES);
    assert_string_equal(err.message,
                        "cannot start template of 'hello': execute its program: Permission denied");
    options.program_fd = probe_fd;
    options.fd_count = 1000;
    assert_int_equal(run(&options, text, sizeof text, &status, NULL), -E2BIG);
    assert_true(no_child_is_left());
}

/* A middle process starts a waiting program and is killed: the program must end too. */
static void program_dies_with_its_parent(void **state)
{
    (void)state;
    char *argv[] = {"probe", "wait", NULL};
    int pipe_fds[2];
    char byte;

    need_namespaces();
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        struct spawned child;
        int fds[3] = {-1, pipe_fds[1], 2};
        struct spawn_options options = standard(argv, fds);
        if (spawn_process(&options, &child, NULL) < 0)
            _exit(1);
        raise(SIGKILL);
        _exit(1);
    }
    close(pipe_fds[1]);
    int status;
    assert_int_equal(waitpid(middle, &status, 0), middle);
    assert_true(WIFSIGNALED(status));
    /* The program holds the other end: its death is the end of the pipe. (An alarm is the limit.)
     */
    alarm(10);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
    alarm(0);
    close(pipe_fds[0]);
}

static void plain_user_without_user_namespace(void **state)
{
    (void)state;
    char *argv[] = {"probe", "ids", NULL};
    struct spawn_options options = standard(argv, NULL);
    char text[1024], expected[64];
    int status = 0;

    if (geteuid() != 0)
        skip();
    options.namespaces &= ~(uint64_t)CLONE_NEWUSER;
    assert_int_equal(run(&options, text, sizeof text, &status, NULL), 0);
    snprintf(expected, sizeof expected, "uid=%u euid=%u gid=%u groups=0", TEST_UID, TEST_UID,
             TEST_UID);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "caps=000000000/000000000 bounding=0 nnp=1 death=9"));
}

/* The same program once more as an ordinary user, in a user namespace of its own. */
static void all_of_it_works_rootless(void **state)
{
    (void)state;
    int status;

    if (geteuid() != 0)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        /* What is left of capabilities would be refused by the tests themselves. */
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(1);
        char fd_text[32];
        int copy = fcntl(probe_fd, F_DUPFD, 0);
        snprintf(fd_text, sizeof fd_text, "/proc/self/fd/%d", copy);
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl("/proc/self/exe", "test_spawn", fd_text, NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_is_root_only_inside_and_without_capabilities),
        cmocka_unit_test(capabilities_are_kept_only_when_asked),
        cmocka_unit_test(root_is_empty_and_read_only),
        cmocka_unit_test(mounts_have_the_flags_asked_for),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(descriptors_may_swap_places),
        cmocka_unit_test(a_failure_inside_names_its_cause),
        cmocka_unit_test(no_part_of_a_source_without_links_is_one),
        cmocka_unit_test(what_is_no_program_is_refused),
        cmocka_unit_test(program_dies_with_its_parent),
        cmocka_unit_test(plain_user_without_user_namespace),
        cmocka_unit_test(all_of_it_works_rootless),
    };
    const char *probe_path = argc > 1 ? argv[1] : "spawn_probe";
    probe_fd = open(probe_path, O_RDONLY | O_CLOEXEC);
    if (probe_fd < 0) {
        fprintf(stderr, "cannot open '%s'\n", probe_path);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
