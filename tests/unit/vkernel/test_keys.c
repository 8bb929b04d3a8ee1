/* Keys and values of a virtual kernel. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cmocka_all.h"
#include "vkernel/syscalls.h"
#include "vkernel/vkernel.h"

struct expected {
    const char *key, *value;
    int met;
};

static void compare(const char *key, const char *value, bool said, void *user)
{
    struct expected *expected = user;

    (void)said;
    if (strcmp(key, expected->key) != 0)
        return;
    assert_string_equal(value, expected->value);
    expected->met++;
}

static void expect(const struct vkernel *vkernel, const char *key, const char *value)
{
    struct expected expected = {.key = key, .value = value};

    vkernel_each(vkernel, compare, &expected);
    assert_int_equal(expected.met, 1);
}

static void what_is_set_is_there(void **state)
{
    struct vkernel vkernel = {0};

    (void)state;
    assert_false(vkernel_is_set(&vkernel));
    expect(&vkernel, "sched.policy", "default");
    expect(&vkernel, "sched.interval", "100ms");
    assert_int_equal(vkernel_set(&vkernel, "sched.policy", "1", NULL), 0);
    expect(&vkernel, "sched.policy", "fifo");
    assert_int_equal(vkernel_set(&vkernel, "sched.slice", "3ms", NULL), 0);
    expect(&vkernel, "sched.slice", "3ms");
    assert_int_equal(vkernel_set(&vkernel, "sched.slice", "250us", NULL), 0);
    expect(&vkernel, "sched.slice", "250us");
    assert_int_equal(vkernel_set(&vkernel, "sched.slice", "default", NULL), 0);
    expect(&vkernel, "sched.realtime", "off");
    assert_int_equal(vkernel_set(&vkernel, "sched.realtime", "50%", NULL), 0);
    expect(&vkernel, "sched.realtime", "50%");
    assert_int_equal(vkernel_set(&vkernel, "sched.realtime", "off", NULL), 0);
    expect(&vkernel, "sched.realtime", "off");
    assert_int_equal(vkernel_set(&vkernel, "sched.use_high", "70%", NULL), 0);
    expect(&vkernel, "sched.use_high", "70%");
    assert_int_equal(vkernel_set(&vkernel, "syscalls.profile", "strict", NULL), 0);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.default", "errno 1", NULL), 0);
    expect(&vkernel, "syscalls.default", "errno EPERM");
    assert_int_equal(vkernel_set(&vkernel, "syscalls.calls.openat", "kill if arg2 & 1", NULL), 0);
    expect(&vkernel, "syscalls.calls.openat", "kill if arg2 & 1");
    assert_true(vkernel_is_set(&vkernel));
    assert_true(vkernel_syscalls_names(&vkernel, "openat"));
    assert_false(vkernel_syscalls_names(&vkernel, "open"));
}

static void what_is_refused_changes_nothing(void **state)
{
    static const struct {
        const char *key, *value;
        int error;
    } cases[] = {
        {"", "", -ENOENT},
        {"sched", "", -ENOENT},
        {"sched.", "", -ENOENT},
        {"scheduler.policy", "fifo", -ENOENT},
        {"sched.polic", "fifo", -ENOENT},
        {"sched.policy", "rr", -EINVAL},
        {"sched.policy", "", -EINVAL},
        {"sched.policy", "2", -EINVAL},
        {"sched.slice", "99us", -EINVAL},
        {"sched.slice", "101ms", -EINVAL},
        {"sched.slice", "4294968ms", -EINVAL},
        {"sched.slice", "3", -EINVAL},
        {"sched.slice", "-3ms", -EINVAL},
        {"sched.realtime", "51%", -EINVAL},
        {"sched.realtime", "0%", -EINVAL},
        {"sched.realtime", "20", -EINVAL},
        {"sched.realtime", "4294967297%", -EINVAL},
        {"sched.interval", "9ms", -EINVAL},
        {"sched.interval", "100s", -EINVAL},
        {"sched.interval", "", -EINVAL},
        {"sched.use_high", "101", -EINVAL},
        {"sched.use_low", "0", -EINVAL},
        {"sched.switches_low", "1e3", -EINVAL},
        {"syscalls.profile", "lax", -EINVAL},
        {"syscalls.default", "emulated", -EINVAL},
        {"syscalls.default", "kill if arg0 == 1", -EINVAL},
        {"syscalls.calls.nothing", "kill", -EINVAL},
        {"syscalls.calls.512", "kill", -EINVAL},
        {"syscalls.calls.open", "emulated", -EINVAL},
        {"syscalls.calls.open", "kill\nread native", -EINVAL},
        {"syscalls.call.open", "kill", -ENOENT},
        {"memory.huge_pages", "always", -EINVAL},
        {"memory.huge_pages", "", -EINVAL},
        {"memory.overcommit", "3", -EINVAL},
        {"memory.overcommit", "-1", -EINVAL},
        {"memory.overcommit", "", -EINVAL},
        {"memory.overcommit", "2x", -EINVAL},
        {"memory.overcommit_ratio", "50%", -EINVAL},
        {"memory.overcommit_ratio", "2147483648", -EINVAL},
        {"memory.overcommit_kbytes", "5", -ENOENT},
        {"files.read", "etc", -EINVAL},
        {"files.read", "/etc:", -EINVAL},
        {"files.read", "--/etc", -EINVAL},
        {"files.read", "/etc\nfiles.write=all", -EINVAL},
        {"files.read", "", -EINVAL},
        {"files.reads", "/etc", -ENOENT},
        {"caps.keep", "CAP_NOTHING", -EINVAL},
        {"caps.keep", "", -EINVAL},
        {"caps.keep", "CAP_CHOWN,,CAP_KILL", -EINVAL},
        {"caps.drop", "CAP_CHOWN", -ENOENT},
    };
    struct vkernel vkernel = {0}, before = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err reason = {0};
        assert_int_equal(vkernel_set(&vkernel, cases[i].key, cases[i].value, &reason),
                         cases[i].error);
        assert_true(reason.message[0] != '\0');
        assert_memory_equal(&vkernel, &before, sizeof before);
    }
}

static void so_many_calls_that_they_do_not_fit_are_refused(void **state)
{
    static struct vkernel vkernel;
    char rule[600] = "native if arg0 == 1";
    int r = 0;

    (void)state;
    memset(rule + strlen(rule), ' ', sizeof rule - strlen(rule) - 1);
    for (unsigned number = 0; r == 0 && number < VK_CALLS_MAX; number++) {
        char key[64], name[VK_CALL_NAME_BYTES];
        vk_call_name(number, name);
        snprintf(key, sizeof key, "syscalls.calls.%s", name);
        struct vkernel before = vkernel;
        r = vkernel_set(&vkernel, key, rule, NULL);
        if (r < 0)
            assert_memory_equal(&vkernel, &before, sizeof before);
    }
    assert_int_equal(r, -EINVAL);
}

static void its_table_is_the_profile_with_what_is_said_in_its_place(void **state)
{
    const uint64_t none[6] = {0};
    struct vkernel vkernel = {0};
    struct vk_table *table = NULL;

    (void)state;
    assert_int_equal(vkernel_syscalls_table(&vkernel, &table, NULL), 0);
    assert_null(table);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.profile", "strict", NULL), 0);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.default", "kill", NULL), 0);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.calls.socket", "native", NULL), 0);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.calls.0", "errno EIO", NULL), 0);
    assert_int_equal(vkernel_syscalls_table(&vkernel, &table, NULL), 0);
    assert_int_equal(vk_table_verdict(table, 41, none).action, VK_NATIVE); /* socket */
    assert_int_equal(vk_table_verdict(table, 0, none).action, VK_ERRNO);
    assert_int_equal(vk_table_verdict(table, 1, none).action, VK_NATIVE);
    assert_int_equal(vk_table_verdict(table, 165, none).action, VK_KILL); /* mount */
    vk_table_free(table);
}

static void lists_of_files_are_rights_of_their_kinds(void **state)
{
    const char *path, *at = "/usr:-/lib64";
    struct vkernel vkernel = {0};
    size_t length;
    bool optional;

    (void)state;
    assert_int_equal(vkernel_files_handled(&vkernel, 7), 0);
    assert_int_equal(vkernel_set(&vkernel, "files.execute", at, NULL), 0);
    assert_int_equal(vkernel_files_handled(&vkernel, 7), LANDLOCK_ACCESS_FS_EXECUTE);
    assert_int_equal(vkernel_set(&vkernel, "files.write", "none", NULL), 0);
    expect(&vkernel, "files.write", "none");
    assert_true(vkernel_files_handled(&vkernel, 7) & LANDLOCK_ACCESS_FS_MAKE_SYM);
    assert_false(vkernel_files_handled(&vkernel, 7) &
                 (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
    at = vkernel_files_next(at, &path, &length, &optional);
    assert_true(length == 4 && strncmp(path, "/usr", 4) == 0 && !optional);
    at = vkernel_files_next(at, &path, &length, &optional);
    assert_true(length == 6 && strncmp(path, "/lib64", 6) == 0 && optional);
    assert_null(at);
    assert_int_equal(vkernel_set(&vkernel, "files.write", "all", NULL), 0);
    assert_int_equal(vkernel_set(&vkernel, "files.execute", "all", NULL), 0);
    assert_false(vkernel_is_set(&vkernel));
}

static void capabilities_are_those_that_are_kept(void **state)
{
    struct vkernel vkernel = {0};

    (void)state;
    assert_true(vkernel_capabilities(&vkernel) == UINT64_MAX);
    assert_int_equal(vkernel_set(&vkernel, "caps.keep", "cap_kill,CHOWN", NULL), 0);
    assert_int_equal(vkernel_capabilities(&vkernel), 1 << CAP_KILL | 1 << CAP_CHOWN);
    expect(&vkernel, "caps.keep", "CAP_CHOWN,CAP_KILL");
    assert_int_equal(vkernel_set(&vkernel, "caps.keep", "none", NULL), 0);
    assert_int_equal(vkernel_capabilities(&vkernel), 0);
    expect(&vkernel, "caps.keep", "none");
    assert_int_equal(vkernel_set(&vkernel, "caps.keep", "all", NULL), 0);
    assert_false(vkernel_is_set(&vkernel));
}

static void who_has_a_policy_of_huge_pages_can_not_undo_it(void **state)
{
    const uint64_t undo[6] = {PR_SET_THP_DISABLE}, name[6] = {PR_SET_NAME};
    struct vkernel vkernel = {0};
    struct vk_table *table = NULL;

    (void)state;
    assert_int_equal(vkernel_set(&vkernel, "memory.huge_pages", "never", NULL), 0);
    assert_int_equal(vkernel_syscalls_table(&vkernel, &table, NULL), 0);
    assert_int_equal(vk_table_verdict(table, 157, undo).action, VK_ERRNO);
    assert_int_equal(vk_table_verdict(table, 157, name).action, VK_NATIVE);
    vk_table_free(table);
    assert_int_equal(vkernel_set(&vkernel, "syscalls.calls.prctl", "kill if arg0 == 15", NULL), 0);
    assert_int_equal(vkernel_syscalls_table(&vkernel, &table, NULL), 0);
    assert_int_equal(vk_table_verdict(table, 157, undo).action, VK_ERRNO);
    assert_int_equal(vk_table_verdict(table, 157, name).action, VK_KILL);
    vk_table_free(table);
}

static void every_part_tells_its_mechanism(void **state)
{
    (void)state;
    for (size_t i = 0; vkernel_parts[i]; i++) {
        struct vkernel_mechanism mechanism = {0};
        vkernel_parts[i]->mechanism(&mechanism);
        assert_true(mechanism.name[0] != '\0');
        assert_true(mechanism.grade == VKERNEL_BEST || mechanism.detail[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_there),
        cmocka_unit_test(what_is_refused_changes_nothing),
        cmocka_unit_test(so_many_calls_that_they_do_not_fit_are_refused),
        cmocka_unit_test(its_table_is_the_profile_with_what_is_said_in_its_place),
        cmocka_unit_test(lists_of_files_are_rights_of_their_kinds),
        cmocka_unit_test(capabilities_are_those_that_are_kept),
        cmocka_unit_test(who_has_a_policy_of_huge_pages_can_not_undo_it),
        cmocka_unit_test(every_part_tells_its_mechanism),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
