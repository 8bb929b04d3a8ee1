/* How a child enters a group, and who may. */
#include <sys/prctl.h>
#include <sys/stat.h>

#include "real.h"

static struct cgroup *group_new(void)
{
    struct cgroup *group = NULL;

    assert_int_equal(cgroup_group_new(root, &group, NULL), 0);
    return group;
}

static void group_end(struct cgroup *group)
{
    assert_int_equal(cgroup_group_remove(group), 0);
    cgroup_group_free(group);
}

/* What /proc/PID/cgroup says, compared with the group's directory in each tree. */
static bool is_inside(const struct cgroup *group, pid_t pid)
{
    char path[64], text[4096], line[128];

    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    snprintf(line, sizeof line, "%s/%s\n", root_name, group->dir);
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, line)); at++)
        found++;
    size_t expected = 0;
    for (size_t i = 0; i < root->tree_count; i++)
        expected += group->made[i];
    return found == expected;
}

static void a_child_is_born_inside_every_tree(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct cgroup *group = group_new();
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t pid = fork_into(group);
    if (pid == 0) {
        char byte = 1;
        _exit(write(gate[1], &byte, 1) == 1 && pause());
    }
    char byte;
    assert_int_equal(read(gate[0], &byte, 1), 1);
    assert_true(is_inside(group, pid));
    assert_int_equal(cgroup_kill(group), 0);
    assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
    close(gate[0]);
    close(gate[1]);
    group_end(group);
}

/* What a process that works for a group is charged, and how it is told from those inside. */
static void a_helper_is_charged_to_the_group_and_is_not_one_of_it(void **state)
{
    (void)state;
    NEEDS("memory");
    struct cgroup *group = group_new();
    int fds[CGROUP_CHARGE_MAX], gate[2];
    int count = cgroup_charge_fds(group, fds);
    assert_in_range(count, 1, CGROUP_CHARGE_MAX);
    uint64_t before = 0, after = 0;
    assert_int_equal(cgroup_read_memory(group, &before), 0);
    assert_int_equal(pipe(gate), 0);
    pid_t pid = fork();
    if (pid == 0) {
        static char touched[8 << 20];
        bool entered = true;
        for (int i = 0; i < count; i++)
            entered &= write(fds[i], "0", 1) == 1;
        memset(touched, 1, sizeof touched);
        char byte = entered;
        _exit(write(gate[1], &byte, 1) == 1 && pause());
    }
    char byte, path[64], line[256] = "", *end;
    assert_int_equal(read(gate[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(cgroup_read_memory(group, &after), 0);
    assert_true(after >= before + (6 << 20));
    /* Of v2's tree programs see the group's number: it has another one. */
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && strncmp(line, "0::", 3) != 0)
        ;
    fclose(file);
    if (strncmp(line, "0::", 3) == 0 && (end = strchr(line, '\n')))
        *end = '\0';
    assert_false(strlen(line) >= strlen(group->dir) &&
                 strcmp(line + strlen(line) - strlen(group->dir), group->dir) == 0);
    fd_close_all(fds, (size_t)count);
    kill(pid, SIGKILL);
    assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
    close(gate[0]);
    close(gate[1]);
    group_end(group);
}

static void descriptors_are_closed_on_exec(void **state)
{
    int clone_fd, tasks[CGROUP_TREES_MAX];

    (void)state;
    NEEDS_ROOT();
    struct cgroup *group = group_new();
    int count = cgroup_entry_fds(group, &clone_fd, tasks);
    assert_true(clone_fd >= 0 || count > 0);
    if (clone_fd >= 0)
        assert_true(fcntl(clone_fd, F_GETFD) & FD_CLOEXEC);
    for (int i = 0; i < count; i++)
        assert_true(fcntl(tasks[i], F_GETFD) & FD_CLOEXEC);
    group_end(group);
}

/* The map must be written from outside, as the host does it for a template. */
static void map_write(pid_t pid, const char *file)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0 100000 1\n", 11), 11);
    close(fd);
}

/*
 * A process inside `from`, in a user namespace whose root is uid 100000, clones a child into `to`,
 * whose descriptor it holds. Returns the errno that the clone gave it, 0: the child ran there.
 */
static int clone_from_user_namespace(struct cgroup *from, struct cgroup *to)
{
    int to_child[2], from_child[2], clone_fd, tasks[CGROUP_TREES_MAX];
    char byte = 0;

    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    cgroup_entry_fds(to, &clone_fd, tasks);
    pid_t pid = fork_into(from);
    if (pid == 0) {
        if (unshare(CLONE_NEWUSER) < 0 || write(from_child[1], &byte, 1) != 1 ||
            read(to_child[0], &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
            _exit(200);
        struct clone_args args = {
            .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)clone_fd};
        pid_t inner = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        if (inner == 0)
            _exit(0);
        if (inner < 0)
            _exit(errno);
        int status = -1;
        waitpid(inner, &status, 0);
        _exit(status == 0 ? 0 : 201);
    }
    assert_int_equal(read(from_child[0], &byte, 1), 1);
    map_write(pid, "uid_map");
    map_write(pid, "gid_map");
    assert_int_equal(write(to_child[1], &byte, 1), 1);
    int status = reap(pid);
    close(to_child[0]);
    close(to_child[1]);
    close(from_child[0]);
    close(from_child[1]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void needs_unified(void)
{
    if (!root || root->trees[0].backend != &cgroup_backend_v2) {
        print_message("skipped: no v2 tree\n");
        skip();
    }
}

static void a_user_namespace_clones_into_a_group_whose_descriptor_it_holds(void **state)
{
    (void)state;
    needs_unified();
    struct cgroup *from = group_new(), *to = group_new();
    assert_int_equal(clone_from_user_namespace(from, to), 0);
    group_end(from);
    group_end(to);
}

static void without_the_open_procs_files_it_may_not(void **state)
{
    (void)state;
    needs_unified();
    struct cgroup *from = group_new(), *to = group_new();
    int root_fd = root->trees[0].fd;

    assert_int_equal(fchmodat(to->clone_fd, "cgroup.procs", 0644, 0), 0);
    assert_int_equal(clone_from_user_namespace(from, to), EACCES);
    assert_int_equal(fchmodat(to->clone_fd, "cgroup.procs", 0666, 0), 0);

    /* The directory above both groups counts as well. */
    assert_int_equal(fchmodat(root_fd, "cgroup.procs", 0644, 0), 0);
    assert_int_equal(clone_from_user_namespace(from, to), EACCES);
    assert_int_equal(fchmodat(root_fd, "cgroup.procs", 0666, 0), 0);
    assert_int_equal(clone_from_user_namespace(from, to), 0);
    group_end(from);
    group_end(to);
}

/* What a namespace made in the wrong place breaks, and that we know it beforehand. */
static void a_namespace_whose_root_is_elsewhere_is_known_to_break_entry(void **state)
{
    (void)state;
    needs_unified();
    struct cgroup *from = group_new(), *to = group_new();
    pid_t pid = fork_into(from);
    if (pid == 0) {
        /* Inside one of our groups, none of the others is below its own. */
        _exit(cgroup_root_in_namespace(root) ? 1 : 0);
    }
    assert_int_equal(reap(pid), 0);
    if (cgroup_root_in_namespace(root)) {
        pid = fork();
        if (pid == 0) {
            if (unshare(CLONE_NEWCGROUP) < 0)
                _exit(2);
            pid_t inner = fork_into(to);
            if (inner == 0)
                _exit(0);
            _exit(inner > 0 && waitpid(inner, NULL, 0) == inner ? 0 : errno);
        }
        assert_int_equal(reap(pid), 0);
    } else {
        print_message("this process is not above its groups: no namespace for it\n");
    }
    group_end(from);
    group_end(to);
}

static void others_cannot_reach_the_groups_by_path(void **state)
{
    (void)state;
    needs_unified();
    struct cgroup *group = group_new();
    char path[1200];
    snprintf(path, sizeof path, "%s/cgroup.procs", cgroup_path(group, "kill"));
    pid_t pid = fork();
    if (pid == 0) {
        if (setresgid(100000, 100000, 100000) < 0 || setresuid(100000, 100000, 100000) < 0)
            _exit(2);
        _exit(open(path, O_WRONLY | O_CLOEXEC) >= 0 ? 1 : errno == EACCES ? 0 : 3);
    }
    assert_int_equal(reap(pid), 0);
    group_end(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_born_inside_every_tree),
        cmocka_unit_test(a_helper_is_charged_to_the_group_and_is_not_one_of_it),
        cmocka_unit_test(descriptors_are_closed_on_exec),
        cmocka_unit_test(a_user_namespace_clones_into_a_group_whose_descriptor_it_holds),
        cmocka_unit_test(without_the_open_procs_files_it_may_not),
        cmocka_unit_test(a_namespace_whose_root_is_elsewhere_is_known_to_break_entry),
        cmocka_unit_test(others_cannot_reach_the_groups_by_path),
    };
    return cmocka_run_group_tests(tests, root_setup, root_teardown);
}
