/* The parsers of /proc/self/mountinfo and /proc/self/cgroup, on texts of real machines. */
#include "real.h"

static const char pure_v2[] =
    "25 30 0:23 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
    "30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "34 25 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";

static const char pure_v1[] =
    "31 25 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
    "36 31 0:31 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
    "40 31 0:35 / /sys/fs/cgroup/cpu,cpuacct rw shared:16 - cgroup cgroup rw,cpu,cpuacct\n"
    "41 31 0:36 / /sys/fs/cgroup/memory rw shared:17 - cgroup cgroup rw,memory\n"
    "42 31 0:37 / /sys/fs/cgroup/pids rw shared:18 - cgroup cgroup rw,pids\n";

static const char hybrid[] = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
                             "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                             "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

static size_t parse(const char *text, struct cgroup_mount *mounts)
{
    return cgroup_parse_mounts(text, mounts, 8);
}

static void one_tree_of_pure_v2_is_found(void **state)
{
    struct cgroup_mount mounts[8];

    (void)state;
    assert_int_equal(parse(pure_v2, mounts), 1);
    assert_true(mounts[0].unified);
    assert_string_equal(mounts[0].point, "/sys/fs/cgroup");
    assert_string_equal(mounts[0].root, "/");
}

static void trees_of_v1_are_found_with_their_controllers(void **state)
{
    struct cgroup_mount mounts[8];

    (void)state;
    assert_int_equal(parse(pure_v1, mounts), 4);
    assert_false(mounts[1].unified);
    assert_true(cgroup_list_has(mounts[1].controllers, "cpu"));
    assert_true(cgroup_list_has(mounts[1].controllers, "cpuacct"));
    assert_false(cgroup_list_has(mounts[1].controllers, "cpuset"));
    assert_false(cgroup_list_has(mounts[0].controllers, "systemd"));
}

static void hybrid_has_both(void **state)
{
    struct cgroup_mount mounts[8];

    (void)state;
    assert_int_equal(parse(hybrid, mounts), 3);
    assert_false(mounts[0].unified);
    assert_true(mounts[2].unified);
}

static void escapes_of_paths_are_undone(void **state)
{
    struct cgroup_mount mounts[8];

    (void)state;
    assert_int_equal(
        parse("1 2 0:3 /a\\040b /mnt/c\\011d\\134e\\012f rw - cgroup2 none rw\n", mounts), 1);
    assert_string_equal(mounts[0].root, "/a b");
    assert_string_equal(mounts[0].point, "/mnt/c\td\\e\nf");
    /* Not an escape of the kernel's: left as it is. */
    assert_int_equal(parse("1 2 0:3 / /mnt/a\\08 rw - cgroup2 none rw", mounts), 1);
    assert_string_equal(mounts[0].point, "/mnt/a\\08");
}

static void odd_lines_are_skipped(void **state)
{
    static const char *const odd[] = {
        "",
        "\n\n",
        "1 2 0:3 / /mnt rw cgroup2 none rw\n",           /* no separator */
        "1 2 0:3 / - cgroup2 none rw\n",                 /* no mount point */
        "1 2 0:3 / /mnt rw - cgroup2 none\n",            /* no options */
        "1 2 0:3 / /mnt rw - cgroup2\n",                 /* no source */
        "1 2 0:3 / /mnt rw - \n",                        /* no type */
        "1 2 0:3 / mnt rw - cgroup2 none rw\n",          /* relative */
        "1 2 0:3 x /mnt rw - cgroup2 none rw\n",         /* relative root */
        "1 2 0:3 / /mnt rw - cgroup3 none rw\n",         /* another type */
        "1 2 0:3 / /mnt rw - ext4 cgroup2 rw,cgroup2\n", /* a source named like a type */
    };
    struct cgroup_mount mounts[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_int_equal(parse(odd[i], mounts), 0);

    /* Too long a line is skipped, the next one is not. */
    char text[6000];
    memset(text, 'x', sizeof text);
    snprintf(text + 5000, sizeof text - 5000, "\n%s", hybrid);
    assert_int_equal(parse(text, mounts), 3);
    /* So is too long a path in a line that fits. */
    snprintf(text, sizeof text, "1 2 0:3 / /%0700d rw - cgroup2 none rw\n", 1);
    assert_int_equal(parse(text, mounts), 0);
    /* Never more than asked for. */
    assert_int_equal(cgroup_parse_mounts(pure_v1, mounts, 2), 2);
}

static void words_are_compared_whole(void **state)
{
    (void)state;
    assert_true(cgroup_list_has("cpuset cpu io\n", "io"));
    assert_true(cgroup_list_has("rw,memory", "memory"));
    assert_false(cgroup_list_has("cpuset cpuacct", "cpu"));
    assert_false(cgroup_list_has("", "cpu"));
    assert_false(cgroup_list_has("xcpu", "cpu"));
}

static const char self_v1[] = "5:memory:/process/a:b\n"
                              "4:cpu,cpuacct:/user.slice\n"
                              "1:name=systemd:/user.slice/s.scope\n"
                              "0::/init.scope\n";

static void own_group_is_found_in_each_hierarchy(void **state)
{
    char path[64];

    (void)state;
    assert_int_equal(cgroup_parse_self(self_v1, "memory", path, sizeof path), 0);
    assert_string_equal(path, "/process/a:b");
    assert_int_equal(cgroup_parse_self(self_v1, "cpu", path, sizeof path), 0);
    assert_string_equal(path, "/user.slice");
    assert_int_equal(cgroup_parse_self(self_v1, "", path, sizeof path), 0);
    assert_string_equal(path, "/init.scope");
}

static void missing_hierarchies_and_bad_lines_are_refused(void **state)
{
    char path[16] = "untouched";

    (void)state;
    assert_int_equal(cgroup_parse_self(self_v1, "pids", path, sizeof path), -ENOENT);
    assert_int_equal(cgroup_parse_self("", "", path, sizeof path), -ENOENT);
    assert_int_equal(cgroup_parse_self("0:", "", path, sizeof path), -ENOENT);
    assert_int_equal(cgroup_parse_self("0::relative", "", path, sizeof path), -ENOENT);
    assert_int_equal(cgroup_parse_self("7::/x", "", path, sizeof path), -ENOENT);
    assert_int_equal(cgroup_parse_self("0::/0123456789abcdef", "", path, sizeof path),
                     -ENAMETOOLONG);
    assert_string_equal(path, "untouched");
}

static void own_directory_is_below_the_mount(void **state)
{
    static const struct {
        const char *root, *own, *expected;
    } cases[] = {
        {"/", "/", "/cg"},
        {"/", "/a/b", "/cg/a/b"},
        {"/docker/x", "/docker/x", "/cg"},     /* a container without a namespace */
        {"/docker/x", "/docker/x/y", "/cg/y"}, /* below it */
        {"/docker/x", "/docker/xy", "/cg"},    /* a name that begins the same */
        {"/docker/x", "/other", "/cg"},        /* outside of what is mounted */
        {"/", "/../other", "/cg"},             /* outside of our namespace */
        {"/", "/..", "/cg"},
        {"/", "/..a", "/cg/..a"}, /* a name */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cgroup_mount mount = {.point = "/cg"};
        char path[64];
        strcpy(mount.root, cases[i].root);
        assert_int_equal(cgroup_own_directory(&mount, cases[i].own, path, sizeof path), 0);
        assert_string_equal(path, cases[i].expected);
    }
    struct cgroup_mount mount = {.root = "/", .point = "/cg"};
    char small[4];
    assert_int_equal(cgroup_own_directory(&mount, "/a", small, sizeof small), -ENAMETOOLONG);
}

static void quotas_fit_the_kernel(void **state)
{
    uint64_t quota, period;

    (void)state;
    cgroup_cpu_quota(500, &quota, &period);
    assert_int_equal(quota, 50000);
    assert_int_equal(period, 100000);
    cgroup_cpu_quota(10, &quota, &period);
    assert_int_equal(quota, 1000);
    assert_int_equal(period, 100000);
    cgroup_cpu_quota(9, &quota, &period);
    assert_int_equal(quota, 9000);
    assert_int_equal(period, 1000000);
    cgroup_cpu_quota(1, &quota, &period);
    assert_int_equal(quota, 1000);
    cgroup_cpu_quota(UINT32_MAX, &quota, &period);
    assert_int_equal(quota, 429496729500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tree_of_pure_v2_is_found),
        cmocka_unit_test(trees_of_v1_are_found_with_their_controllers),
        cmocka_unit_test(hybrid_has_both),
        cmocka_unit_test(escapes_of_paths_are_undone),
        cmocka_unit_test(odd_lines_are_skipped),
        cmocka_unit_test(words_are_compared_whole),
        cmocka_unit_test(own_group_is_found_in_each_hierarchy),
        cmocka_unit_test(missing_hierarchies_and_bad_lines_are_refused),
        cmocka_unit_test(own_directory_is_below_the_mount),
        cmocka_unit_test(quotas_fit_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
