/* Our directories in the trees: made, locked, swept, removed. */
#include <sys/stat.h>
#include <unistd.h>

#include "real.h"

static void every_group_has_the_v2_tree_where_there_is_one(void **state)
{
    (void)state;
    NEEDS_ROOT();
    assert_non_null(cgroup_root_has(root, "kill"));
    assert_non_null(cgroup_root_has(root, "attach"));
    assert_null(cgroup_root_has(root, "nonsense"));
    for (size_t i = 1; i < root->tree_count; i++)
        assert_false(root->trees[i].backend->unified);
    print_message("memory: %s; cpu: %s; pids: %s; io: %s; kill: %s; freeze: %s; attach: %s\n",
                  cgroup_root_has(root, "memory"), cgroup_root_has(root, "cpu"),
                  cgroup_root_has(root, "pids"), cgroup_root_has(root, "io"),
                  cgroup_root_has(root, "kill"), cgroup_root_has(root, "freeze"),
                  cgroup_root_has(root, "attach"));
}

static void the_root_is_closed_to_others(void **state)
{
    struct stat status;

    (void)state;
    NEEDS_ROOT();
    for (size_t i = 0; i < root->tree_count; i++) {
        assert_int_equal(fstat(root->trees[i].fd, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0700);
    }
}

static void bad_names_are_refused(void **state)
{
    static const char *const refused[] = {
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        ".hidden",
        "a b",
        "a\nb",
        "a:b",
        "-x",
        "a/b/c/d/e",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct cgroup_root *other = NULL;
        struct err err = {0};
        assert_int_equal(cgroup_root_open(refused[i], &other, &err), -EINVAL);
        assert_null(other);
        assert_non_null(strstr(err.message, "cannot name"));
    }
}

static void a_live_root_is_not_taken_over(void **state)
{
    struct cgroup_root *other = NULL;
    struct err err = {0};

    (void)state;
    NEEDS_ROOT();
    assert_int_equal(cgroup_root_open(root_name, &other, &err), -EBUSY);
    assert_null(other);
    assert_non_null(strstr(err.message, "another process holds it"));
}

/* Runs in a child: a process of that name that is killed while something lives in its group. */
static void leave_something_behind(const char *name, int ready)
{
    struct cgroup_root *mine;
    struct cgroup *group;

    if (cgroup_root_open(name, &mine, NULL) < 0 || cgroup_group_new(mine, &group, NULL) < 0)
        _exit(1);
    pid_t pid = fork_into(group);
    if (pid == 0) {
        /* As an exec does: the lock must not live on in what was started. */
        close_range(3, ~0u, 0);
        for (;;)
            pause();
    }
    /* It enters the v1 trees itself: give it the time. */
    sleep_ms(100);
    if (write(ready, &pid, sizeof pid) != sizeof pid)
        _exit(1);
    kill(getpid(), SIGKILL);
}

static bool is_gone(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *state = strrchr(text, ')');
    return !state || state[2] == 'Z' || state[2] == 'X';
}

/* A root of that name that was killed, with something in it; returns what lived in it. */
static pid_t root_of_a_killed_process(const char *name)
{
    int ready[2];
    pid_t inside = 0;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0)
        leave_something_behind(name, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &inside, sizeof inside), sizeof inside);
    close(ready[0]);
    assert_true(WIFSIGNALED(reap(child)));
    return inside;
}

static void left_overs_are_killed_and_removed(void **state)
{
    char name[80];

    (void)state;
    NEEDS_ROOT();
    /* Below the live root: sweeping it later must leave what is locked alone, too. */
    snprintf(name, sizeof name, "%s/orphan", root_name);
    pid_t inside = root_of_a_killed_process(name);
    assert_false(is_gone(inside));

    struct cgroup_root *again;
    assert_int_equal(cgroup_root_open(name, &again, NULL), 0);
    assert_true(is_gone(inside));
    struct stat status;
    assert_int_equal(fstat(again->trees[0].fd, &status), 0);
    assert_int_equal(status.st_nlink, 2);

    /* A sweep of the root above passes by what a live process has locked. */
    assert_int_equal(cgroup_directory_sweep(root->trees[0].backend, root->trees[0].fd), 0);
    char path[1024];
    snprintf(path, sizeof path, "%s", again->trees[0].path);
    assert_int_equal(access(path, F_OK), 0);
    cgroup_root_close(again);
    assert_int_equal(access(path, F_OK), -1);
}

static bool has_directory(const struct cgroup_root *in, size_t tree, const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", in->trees[tree].base, name);
    return access(path, F_OK) == 0;
}

static void what_killed_neighbours_left_is_removed_and_nothing_else(void **state)
{
    char parent[64], dead[80], live[80], held[80], other[1024];
    struct cgroup_root *mine, *neighbour;
    struct cgroup *group;

    (void)state;
    NEEDS_ROOT();
    snprintf(parent, sizeof parent, "vireo-test-%d-n", getpid());
    snprintf(dead, sizeof dead, "%s/run-1", parent);
    snprintf(held, sizeof held, "%s/run-2", parent);
    snprintf(live, sizeof live, "%s/run-3", parent);
    /* A live neighbour with a group in it, and a directory that is nobody's root. */
    assert_int_equal(cgroup_root_open(held, &neighbour, NULL), 0);
    assert_int_equal(cgroup_group_new(neighbour, &group, NULL), 0);
    snprintf(other, sizeof other, "%s/%s/other", neighbour->trees[0].base, parent);
    assert_int_equal(mkdir(other, 0755), 0);
    pid_t inside = root_of_a_killed_process(dead);
    assert_true(has_directory(neighbour, 0, dead));

    int r = cgroup_root_open(live, &mine, NULL);
    int kept = access(other, F_OK);
    rmdir(other);
    assert_int_equal(r, 0);
    assert_int_equal(kept, 0);
    assert_true(is_gone(inside));
    for (size_t i = 0; i < mine->tree_count; i++) {
        assert_false(has_directory(mine, i, dead));
        assert_true(has_directory(mine, i, held));
        assert_true(has_directory(mine, i, live));
    }
    for (size_t i = 0; i < neighbour->tree_count; i++)
        assert_int_equal(faccessat(neighbour->trees[i].fd, group->dir, F_OK, 0),
                         group->made[i] ? 0 : -1);
    cgroup_group_free(group);
    cgroup_root_close(neighbour);
    cgroup_root_close(mine);
    assert_false(has_directory(root, 0, parent));
}

/* Groups are no roots: a root that is opened below another one leaves them alone. */
static void groups_of_a_root_are_not_taken_for_dead(void **state)
{
    char name[80], name_below[96];
    struct cgroup_root *above, *below;
    struct cgroup *group;

    (void)state;
    NEEDS_ROOT();
    snprintf(name, sizeof name, "vireo-test-%d-g", getpid());
    snprintf(name_below, sizeof name_below, "%s/below", name);
    assert_int_equal(cgroup_root_open(name, &above, NULL), 0);
    assert_int_equal(cgroup_group_new(above, &group, NULL), 0);
    /* Closed to others, as what a sandbox makes may be. */
    assert_int_equal(fchmodat(above->trees[0].fd, group->dir, 0700, 0), 0);
    assert_int_equal(cgroup_root_open(name_below, &below, NULL), 0);
    assert_int_equal(faccessat(above->trees[0].fd, group->dir, F_OK, 0), 0);
    cgroup_root_close(below);
    assert_int_equal(cgroup_group_remove(group), 0);
    cgroup_group_free(group);
    cgroup_root_close(above);
}

/* Opens and closes roots of its own among others that do the same; then ends. */
static void open_and_close_roots(const char *parent, int number)
{
    char name[80];

    for (int i = 0; i < 20; i++) {
        struct cgroup_root *mine;
        struct cgroup *group;
        struct err err = {0};
        snprintf(name, sizeof name, "%s/run-%d", parent, number);
        if (cgroup_root_open(name, &mine, &err) < 0) {
            fprintf(stderr, "open: %s\n", err.message);
            _exit(1);
        }
        if (cgroup_group_new(mine, &group, &err) < 0) {
            fprintf(stderr, "group: %s\n", err.message);
            _exit(2);
        }
        cgroup_group_free(group);
        cgroup_root_close(mine);
    }
    _exit(0);
}

static void roots_may_be_opened_at_the_same_time(void **state)
{
    char parent[64];
    pid_t pids[4];
    int failed = 0;

    (void)state;
    NEEDS_ROOT();
    snprintf(parent, sizeof parent, "vireo-test-%d-c", getpid());
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            open_and_close_roots(parent, i);
    }
    for (int i = 0; i < 4; i++)
        failed += reap(pids[i]) != 0;
    assert_int_equal(failed, 0);
    assert_false(has_directory(root, 0, parent));
}

static void closing_removes_every_directory_and_empty_parents(void **state)
{
    char name[80], path[1024];
    struct cgroup_root *mine;
    struct cgroup *group;

    (void)state;
    NEEDS_ROOT();
    snprintf(name, sizeof name, "vireo-test-%d-b/one/two", getpid());
    assert_int_equal(cgroup_root_open(name, &mine, NULL), 0);
    assert_int_equal(cgroup_group_new(mine, &group, NULL), 0);
    pid_t pid = fork_into(group);
    if (pid == 0)
        for (;;)
            pause();
    sleep_ms(100); /* it enters the v1 trees itself */
    snprintf(path, sizeof path, "%s/vireo-test-%d-b", mine->trees[0].base, getpid());
    assert_int_equal(access(path, F_OK), 0);
    cgroup_group_free(group);
    cgroup_root_close(mine);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
    cgroup_root_close(NULL);
}

#define ORDINARY 65534

static void become_ordinary(void)
{
    if (setresgid(ORDINARY, ORDINARY, ORDINARY) < 0 || setresuid(ORDINARY, ORDINARY, ORDINARY) < 0)
        _exit(100);
}

static void an_ordinary_user_without_delegation_is_told_so(void **state)
{
    (void)state;
    NEEDS_ROOT();
    pid_t pid = fork();
    if (pid == 0) {
        struct cgroup_root *mine = NULL;
        struct err err = {0};
        become_ordinary();
        int r = cgroup_root_open("vireo-ordinary", &mine, &err);
        _exit(r == -ENOTSUP && !mine && strstr(err.message, "cannot use control groups:") ? 0 : 1);
    }
    assert_int_equal(reap(pid), 0);
}

/* What systemd does for Delegate=yes: the directory and three of its files belong to the user. */
static void delegate(const char *path)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
    char file[1200];

    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(chown(path, ORDINARY, ORDINARY), 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        assert_int_equal(chown(file, ORDINARY, ORDINARY), 0);
    }
}

/* As that user: every step says what failed by its number. */
static int use_delegated(const struct cgroup_root *of_root)
{
    struct cgroup_limits limits = {.memory_bytes = 16 << 20, .pids = 4};
    bool unified_pids = strncmp(cgroup_root_has(of_root, "pids"), "v2", 2) == 0;
    struct cgroup_root *mine;
    struct cgroup_pool *pool;
    struct cgroup *group;
    const char *missing[4];

    if (cgroup_root_open("inner", &mine, NULL) < 0)
        return 1;
    if (!cgroup_root_has(mine, "kill") || !!cgroup_root_has(mine, "pids") != unified_pids)
        return 2;
    cgroup_limits_clip(mine, &limits, missing);
    if (cgroup_pool_new(mine, 2, &pool, NULL) < 0 ||
        cgroup_pool_take(pool, &limits, &group, NULL) < 0)
        return 3;
    pid_t pid = fork_into(group);
    if (pid == 0)
        _exit(0);
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 4;
    cgroup_pool_put(pool, group, false);
    cgroup_pool_free(pool);
    cgroup_root_close(mine);
    return 0;
}

static void an_ordinary_user_works_in_what_is_delegated(void **state)
{
    char path[1024], procs[1200];

    (void)state;
    NEEDS_ROOT();
    if (!root->trees[0].backend->unified) {
        print_message("skipped: no v2 tree\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/vireo-test-%d-d", root->trees[0].base, getpid());
    snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
    delegate(path);
    pid_t pid = fork();
    if (pid == 0) {
        if (fd_write_string(AT_FDCWD, procs, "0") < 0)
            _exit(101);
        become_ordinary();
        _exit(use_delegated(root));
    }
    int status = reap(pid);
    /* Nothing of it is left: neither groups nor the leaf that the process was moved to. */
    int removed = rmdir(path);
    assert_int_equal(status, 0);
    assert_int_equal(removed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_group_has_the_v2_tree_where_there_is_one),
        cmocka_unit_test(the_root_is_closed_to_others),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(a_live_root_is_not_taken_over),
        cmocka_unit_test(left_overs_are_killed_and_removed),
        cmocka_unit_test(what_killed_neighbours_left_is_removed_and_nothing_else),
        cmocka_unit_test(groups_of_a_root_are_not_taken_for_dead),
        cmocka_unit_test(roots_may_be_opened_at_the_same_time),
        cmocka_unit_test(closing_removes_every_directory_and_empty_parents),
        cmocka_unit_test(an_ordinary_user_without_delegation_is_told_so),
        cmocka_unit_test(an_ordinary_user_works_in_what_is_delegated),
    };
    return cmocka_run_group_tests(tests, root_setup, root_teardown);
}
