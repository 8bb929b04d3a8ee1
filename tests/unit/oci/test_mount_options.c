/* The options of a mount: each means one thing, the later one wins, the rest is the file system's.
 */
#include <linux/mount.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "oci/launch.h"
#include "oci/mount_options.h"

static const char *data[32];

static struct oci_mount_flags flags_of(const char **list, size_t count)
{
    struct oci_mount_flags flags;
    const struct oci_strings options = {.list = list, .count = count};

    oci_mount_flags_read(&options, data, &flags);
    return flags;
}

#define FLAGS(...) \
    flags_of((const char *[]){__VA_ARGS__}, ARRAY_LEN(((const char *[]){__VA_ARGS__})))

static void attributes_are_set_and_cleared_and_the_later_wins(void **state)
{
    (void)state;
    struct oci_mount_flags flags = FLAGS("ro", "nosuid", "rw", "nodev", "dev");
    assert_int_equal(flags.set, MOUNT_ATTR_NOSUID);
    assert_int_equal(flags.clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
    flags = FLAGS("rw", "ro");
    assert_int_equal(flags.set, MOUNT_ATTR_RDONLY);
    assert_int_equal(flags.clear, 0);
}

static void a_time_stamp_policy_replaces_the_others_whole(void **state)
{
    (void)state;
    struct oci_mount_flags flags = FLAGS("noatime", "strictatime");
    assert_int_equal(flags.set, MOUNT_ATTR_STRICTATIME);
    assert_int_equal(flags.clear, MOUNT_ATTR__ATIME);
    flags = FLAGS("strictatime", "relatime");
    assert_int_equal(flags.set, MOUNT_ATTR_RELATIME);
    assert_int_equal(flags.clear, MOUNT_ATTR__ATIME);
}

static void an_r_before_an_attribute_is_for_the_tree(void **state)
{
    (void)state;
    struct oci_mount_flags flags = FLAGS("rro", "rnosuid", "rdev");
    assert_int_equal(flags.set, 0);
    assert_int_equal(flags.recursive_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
    assert_int_equal(flags.recursive_clear, MOUNT_ATTR_NODEV);
    assert_int_equal(flags.data_count, 0);
}

static void propagation_is_of_the_mount_or_of_the_tree(void **state)
{
    (void)state;
    struct oci_mount_flags flags = FLAGS("shared", "rslave", "unbindable");
    assert_int_equal(flags.propagation, MS_UNBINDABLE);
    assert_int_equal(flags.recursive_propagation, MS_SLAVE);
}

static void words_of_other_sorts_are_told_apart(void **state)
{
    (void)state;
    struct oci_mount_flags flags =
        FLAGS("rbind", "tmpcopyup", "copy-symlink", "ridmap", "defaults");
    assert_true(flags.bind && flags.recursive && flags.copy_up && flags.copy_link);
    assert_true(flags.idmap && flags.recursive_idmap);
    assert_false(flags.remount || flags.nofollow || flags.target_nofollow);
    assert_int_equal(flags.data_count, 0);
    flags = FLAGS("bind", "idmap", "src-nofollow", "dest-nofollow");
    assert_true(flags.bind && flags.idmap && flags.nofollow && flags.target_nofollow);
    assert_false(flags.recursive || flags.recursive_idmap);
}

static void what_is_not_ours_stays_as_it_is_and_in_order(void **state)
{
    (void)state;
    struct oci_mount_flags flags = FLAGS("size=64k", "nosuid", "RO", "ro ", "", "sync", "rsize=1");
    assert_int_equal(flags.data_count, 6);
    assert_string_equal(flags.data[0], "size=64k");
    assert_string_equal(flags.data[1], "RO");
    assert_string_equal(flags.data[2], "ro ");
    assert_string_equal(flags.data[3], "");
    assert_string_equal(flags.data[4], "sync");
    assert_string_equal(flags.data[5], "rsize=1");
    assert_int_equal(flags.set, MOUNT_ATTR_NOSUID);
}

static void features_lists_every_name_once(void **state)
{
    (void)state;
    const char *const *names = oci_launch_mount_options();
    size_t count = 0;

    for (; names[count]; count++)
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(names[i], names[count]);
    assert_true(count > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_set_and_cleared_and_the_later_wins),
        cmocka_unit_test(a_time_stamp_policy_replaces_the_others_whole),
        cmocka_unit_test(an_r_before_an_attribute_is_for_the_tree),
        cmocka_unit_test(propagation_is_of_the_mount_or_of_the_tree),
        cmocka_unit_test(words_of_other_sorts_are_told_apart),
        cmocka_unit_test(what_is_not_ours_stays_as_it_is_and_in_order),
        cmocka_unit_test(features_lists_every_name_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
