/* From a file system's device to the disk: on a made-up /sys/dev/block. */
#include <ftw.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "real.h"

static char sys[] = "/tmp/vireo-device-XXXXXX";

static void put(const char *path, const char *text)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s/%s", sys, path);
    if (!text) {
        assert_int_equal(mkdir(whole, 0700), 0);
        return;
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void link_device(const char *number, const char *target)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s/%s", sys, number);
    assert_int_equal(symlink(target, whole), 0);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(sys));
    put("sda", NULL);
    put("sda/dev", "8:0\n");
    put("sda/sda1", NULL);
    put("sda/sda1/dev", "8:1\n");
    put("sda/sda1/partition", "1\n");
    put("odd", NULL);
    put("odd/dev", "nonsense\n");
    put("odd/odd1", NULL);
    put("odd/odd1/partition", "1\n");
    link_device("8:0", "sda");
    link_device("8:1", "sda/sda1");
    link_device("9:1", "odd/odd1");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(sys, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_partition_gives_its_disk(void **state)
{
    unsigned disk_major = 0, disk_minor = 7;

    (void)state;
    assert_int_equal(cgroup_device_disk(sys, "", makedev(8, 1), &disk_major, &disk_minor, NULL), 0);
    assert_int_equal(disk_major, 8);
    assert_int_equal(disk_minor, 0);
}

static void a_disk_gives_itself(void **state)
{
    unsigned disk_major = 0, disk_minor = 7;

    (void)state;
    assert_int_equal(cgroup_device_disk(sys, "", makedev(8, 0), &disk_major, &disk_minor, NULL), 0);
    assert_int_equal(disk_major, 8);
    assert_int_equal(disk_minor, 0);
}

static void what_is_no_disk_is_refused(void **state)
{
    static const char mounts[] = "30 1 0:45 / /m rw - overlay overlay rw,lowerdir=/a\n"
                                 "31 1 0:46 / /b rw - btrfs /dev/does-not-exist rw\n"
                                 "32 1 0:47 / /t rw - tmpfs /dev/null rw\n"
                                 "33 1 0:48 / /c rw - btrfs /dev/null rw\n"
                                 "broken line\n";
    static const struct {
        unsigned number_major, number_minor;
    } refused[] = {
        {0, 45}, {0, 46}, {0, 47}, {0, 48}, /* overlay, gone, tmpfs, not a block device */
        {0, 99},                            /* not mounted */
        {7, 7},                             /* no such disk */
        {9, 1},                             /* a partition of something odd */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err err = {0};
        unsigned disk_major = 1, disk_minor = 2;
        dev_t device = makedev(refused[i].number_major, refused[i].number_minor);
        assert_int_equal(cgroup_device_disk(sys, mounts, device, &disk_major, &disk_minor, &err),
                         -ENODEV);
        assert_int_equal(disk_major, 1);
        assert_non_null(strstr(err.message, "cannot limit io"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_gives_its_disk),
        cmocka_unit_test(a_disk_gives_itself),
        cmocka_unit_test(what_is_no_disk_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
