/* The registry: what was acknowledged is there, whatever happens to process and file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/registry.h"
#include "registry_test.h"

static void what_is_put_is_there_after_reopening(void **state)
{
    (void)state;
    struct registry_function function = sample("hello"), found = {0};
    {
        _cleanup_(registry_closep) struct registry *registry = open_counted(10);
        assert_int_equal(registry_put(registry, &function, NULL), 0);
        assert_int_equal(function.uid, FIRST);
        assert_true(function.id > 0 && function.created_at > 1700000000);
        assert_int_equal(function.created_at, function.updated_at);
    }
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    assert_int_equal(registry_get(registry, "hello", &found, NULL), 0);
    assert_int_equal(found.id, function.id);
    assert_int_equal(found.uid, function.uid);
    assert_string_equal(found.version, "1.2.3");
    assert_string_equal(found.library_hash, function.library_hash);
    assert_string_equal(found.source_hash, function.source_hash);
    assert_string_equal(found.safety, "sfi");
    assert_string_equal(found.kind, "handler");
    assert_string_equal(found.manifest, function.manifest);
    assert_int_equal(found.created_at, function.created_at);
    registry_function_clear(&found);

    struct err err = {0};
    found.id = 77;
    assert_int_equal(registry_get(registry, "other", &found, &err), -ENOENT);
    assert_int_equal(found.id, 77);
    assert_non_null(strstr(err.message, "cannot find function 'other'"));
}

static void files_are_for_their_owner_only(void **state)
{
    struct stat status;
    char path[128];

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    assert_int_equal(put(registry, "hello", NULL), 0);
    snprintf(path, sizeof path, "%s/registry.db", dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/registry.db-wal", dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void an_update_keeps_id_uid_and_birth(void **state)
{
    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    struct registry_function first = sample("hello"), second = sample("hello"), found = {0};
    assert_int_equal(registry_put(registry, &first, NULL), 0);
    strcpy(second.version, "2");
    assert_int_equal(registry_put(registry, &second, NULL), 0);
    assert_int_equal(second.id, first.id);
    assert_int_equal(second.uid, first.uid);
    assert_int_equal(second.created_at, first.created_at);
    assert_int_equal(registry_get(registry, "hello", &found, NULL), 0);
    assert_string_equal(found.version, "2");
    registry_function_clear(&found);
}

static int count_versions(const struct registry_function *function, void *user)
{
    char *seen = user;

    strcat(seen, function->version);
    strcat(seen, " ");
    return 0;
}

static void put_version(struct registry *registry, const char *version)
{
    struct registry_function function = sample("hello");

    strcpy(function.version, version);
    memset(function.library_hash, version[0], 64);
    assert_int_equal(registry_put(registry, &function, NULL), 0);
}

static void a_step_back_is_to_the_version_before(void **state)
{
    struct registry_function found = {0};
    char seen[64] = "";

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    put_version(registry, "1");
    put_version(registry, "2");
    put_version(registry, "2"); /* the same again is no other version */
    put_version(registry, "3");
    assert_int_equal(registry_each_version(registry, "hello", count_versions, seen, NULL), 0);
    assert_string_equal(seen, "2 1 ");
    for (int back = 2; back >= 1; back--) {
        const char version[] = {(char)('0' + back), '\0'};
        assert_int_equal(registry_previous(registry, "hello", &found, NULL), 0);
        assert_int_equal(registry_step_back(registry, &found, NULL), 0);
        registry_function_clear(&found);
        assert_int_equal(registry_get(registry, "hello", &found, NULL), 0);
        assert_string_equal(found.version, version);
        assert_int_equal(found.library_hash[0], version[0]);
        registry_function_clear(&found);
    }
    assert_int_equal(registry_previous(registry, "hello", &found, NULL), -ENOENT);
    assert_int_equal(registry_previous(registry, "nobody", &found, NULL), -ENOENT);
}

static void few_former_versions_are_kept_and_none_of_a_removed_function(void **state)
{
    char seen[64] = "";
    uint32_t id;
    uid_t uid;

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    for (int i = 0; i < 20; i++)
        put_version(registry, (char[]){(char)('a' + i), '\0'});
    assert_int_equal(registry_each_version(registry, NULL, count_versions, seen, NULL), 0);
    assert_string_equal(seen, "s r q p o n m l ");
    assert_int_equal(registry_remove(registry, "hello", &id, &uid, NULL), 0);
    put_version(registry, "1");
    seen[0] = '\0';
    assert_int_equal(registry_each_version(registry, NULL, count_versions, seen, NULL), 0);
    assert_string_equal(seen, "");
}

static void uids_are_used_again_only_after_their_purge(void **state)
{
    uid_t uid, removed, waiting[4];
    uint32_t id, id_again;

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(2);
    assert_int_equal(put(registry, "one", NULL), 0);
    assert_int_equal(put(registry, "two", NULL), 0);
    struct registry_function three = sample("three");
    struct err err = {0};
    assert_int_equal(registry_put(registry, &three, &err), -ENOSPC);
    assert_non_null(strstr(err.message, "all 2 are in use"));
    assert_int_equal(three.uid, 0);
    assert_int_equal(three.id, 0);

    assert_int_equal(registry_remove(registry, "one", &id, &removed, NULL), 0);
    assert_int_equal(removed, FIRST);
    assert_int_equal(put(registry, "three", NULL), -ENOSPC);
    assert_int_equal(registry_uids_waiting(registry, waiting, 4, NULL), 1);
    assert_int_equal(waiting[0], FIRST);
    assert_int_equal(registry_uids_waiting(registry, waiting, 0, NULL), 0);

    /* Not even a restart makes it free. */
    registry_close(steal_ptr(&registry));
    registry = open_counted(2);
    assert_int_equal(put(registry, "three", NULL), -ENOSPC);
    assert_int_equal(registry_uid_purged(registry, FIRST + 1, NULL), -ENOENT);
    assert_int_equal(registry_uid_purged(registry, FIRST, NULL), 0);
    assert_int_equal(registry_uid_purged(registry, FIRST, NULL), -ENOENT);
    assert_int_equal(put(registry, "three", &uid), 0);
    assert_int_equal(uid, FIRST);

    /* Ids, in contrast, are never used again. */
    assert_int_equal(registry_remove(registry, "three", &id_again, &removed, NULL), 0);
    assert_true(id_again > id);
    assert_int_equal(registry_remove(registry, "three", &id_again, &removed, NULL), -ENOENT);
}

static void a_uid_that_may_own_files_is_never_given_again(void **state)
{
    uid_t uid, waiting[4];
    uint32_t id;

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(2);
    struct registry_function writer = sample("writer");
    writer.may_own_files = true;
    assert_int_equal(registry_put(registry, &writer, NULL), 0);
    /* A later deploy without the grant does not take back what was written. */
    struct registry_function found = sample("writer");
    assert_int_equal(registry_put(registry, &found, NULL), 0);
    assert_true(found.may_own_files);
    assert_int_equal(put(registry, "reader", NULL), 0);
    registry_close(steal_ptr(&registry));

    registry = open_counted(2);
    assert_int_equal(registry_get(registry, "writer", &found, NULL), 0);
    assert_true(found.may_own_files);
    registry_function_clear(&found);
    assert_int_equal(registry_get(registry, "reader", &found, NULL), 0);
    assert_false(found.may_own_files);
    registry_function_clear(&found);
    assert_int_equal(registry_remove(registry, "writer", &id, &uid, NULL), 0);
    assert_int_equal(registry_uids_waiting(registry, waiting, 4, NULL), 0);
    assert_int_equal(put(registry, "third", NULL), -ENOSPC);
    assert_int_equal(registry_remove(registry, "reader", &id, &uid, NULL), 0);
    assert_int_equal(registry_uids_waiting(registry, waiting, 4, NULL), 1);
    assert_int_equal(waiting[0], uid);
}

/* Version 1 as it was, with a function, a uid that waits and the id that was given last. */
static void a_registry_of_version_1_is_converted(void **state)
{
    struct registry_function found = {0};
    uid_t waiting[4], uid;
    uint32_t id;

    (void)state;
    registry_close(open_counted(3));
    sql_run("DROP TABLE functions; DROP TABLE uids_waiting; DROP TABLE versions; PRAGMA "
            "user_version = 1;"
            "CREATE TABLE functions (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL"
            " UNIQUE, version TEXT NOT NULL, library_hash TEXT NOT NULL, source_hash TEXT NOT NULL,"
            " safety TEXT NOT NULL, kind TEXT NOT NULL, uid INTEGER NOT NULL UNIQUE,"
            " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, manifest TEXT NOT NULL)"
            " STRICT;"
            "CREATE TABLE uids_waiting (uid INTEGER PRIMARY KEY) STRICT;"
            "INSERT INTO functions VALUES (7, 'old', '1', 'aa', 'bb', 'sfi', 'handler', 200001, 5,"
            " 6, 'name: old');"
            "INSERT INTO uids_waiting VALUES (200000)");
    _cleanup_(registry_closep) struct registry *registry = open_counted(3);
    assert_int_equal(registry_get(registry, "old", &found, NULL), 0);
    assert_int_equal(found.id, 7);
    assert_int_equal(found.uid, 200001);
    /* It was not written down: it may. */
    assert_true(found.may_own_files);
    registry_function_clear(&found);
    assert_int_equal(registry_uids_waiting(registry, waiting, 4, NULL), 0);
    assert_int_equal(put(registry, "new", &uid), 0);
    assert_int_equal(uid, 200002);
    assert_int_equal(registry_remove(registry, "new", &id, &uid, NULL), 0);
    assert_int_equal(id, 8);
    assert_int_equal(registry_uids_waiting(registry, waiting, 4, NULL), 1);
    registry_close(steal_ptr(&registry));
    registry = open_counted(3);
}

static void a_freed_uid_rests_as_long_as_it_can(void **state)
{
    uid_t uid, removed;
    uint32_t id;

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(5);
    for (uid_t i = 0; i < 12; i++) {
        assert_int_equal(put(registry, "hello", &uid), 0);
        assert_int_equal(uid, FIRST + i % 5);
        assert_int_equal(registry_remove(registry, "hello", &id, &removed, NULL), 0);
        assert_int_equal(registry_uid_purged(registry, removed, NULL), 0);
    }
}

static void dangerous_uid_ranges_are_refused(void **state)
{
    static const struct {
        uid_t first;
        uint32_t count;
    } refused[] = {{0, 10}, {FIRST, 0}, {UINT32_MAX, 1}, {UINT32_MAX - 4, 5}, {5, UINT32_MAX}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct registry *registry = NULL;
        assert_int_equal(registry_open(dir, refused[i].first, refused[i].count, &registry, NULL),
                         -EINVAL);
        assert_null(registry);
    }
}

static void bad_functions_are_refused(void **state)
{
    static const char *const names[] = {"", "-a", "A", "a b", "a/b", "a_b", "a.b", "\xc3\xa4"};

    (void)state;
    _cleanup_(registry_closep) struct registry *registry = open_counted(10);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(put(registry, names[i], NULL), -EINVAL);
    struct registry_function function = sample("hello");
    function.manifest = NULL;
    assert_int_equal(registry_put(registry, &function, NULL), -EINVAL);
    _cleanup_(freep) char *large = malloc(MANIFEST_MAX_BYTES + 2);
    memset(large, 'x', MANIFEST_MAX_BYTES + 1);
    large[MANIFEST_MAX_BYTES + 1] = '\0';
    function.manifest = large;
    assert_int_equal(registry_put(registry, &function, NULL), -EINVAL);
    memset(function.name, 'a', sizeof function.name); /* no end */
    assert_int_equal(registry_put(registry, &function, NULL), -EINVAL);
}

static int count_sorted(const struct registry_function *function, void *user)
{
    char *last = user;

    assert_true(strcmp(last, function->name) < 0);
    strcpy(last, function->name);
    assert_non_null(function->manifest);
    return 0;
}

static void a_thousand_functions_are_listed_quickly(void **state)
{
    struct timespec begin, end;
    char name[32], last[64] = "";

    (void)state;
    {
        _cleanup_(registry_closep) struct registry *registry = open_counted(2000);
        assert_int_equal(put(registry, "f-0", NULL), 0);
    }
    /* The rest in one transaction: this is about reading. */
    sql_run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
            "INSERT INTO functions (name, version, library_hash, source_hash, safety, kind, uid, "
            "created_at, updated_at, manifest) SELECT 'f-' || i, version, library_hash, "
            "source_hash, safety, kind, uid + i, created_at, updated_at, manifest "
            "FROM n, functions");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    _cleanup_(registry_closep) struct registry *registry = open_counted(2000);
    assert_int_equal(registry_each(registry, count_sorted, last, NULL), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    long ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    print_message("opened and listed 1,000 functions in %ld ms of CPU\n", ms);
    assert_in_range(ms, 0, 1000); /* usually 100 */
    assert_string_equal(last, "f-999");

    int seen = 0;
    assert_int_equal(registry_each(registry, stop_at_third, &seen, NULL), 42);
    assert_int_equal(seen, 3);
    struct registry_function found = {0};
    snprintf(name, sizeof name, "f-%d", 500);
    assert_int_equal(registry_get(registry, name, &found, NULL), 0);
    registry_function_clear(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_there_after_reopening),
        TEST(files_are_for_their_owner_only),
        TEST(an_update_keeps_id_uid_and_birth),
        TEST(a_step_back_is_to_the_version_before),
        TEST(few_former_versions_are_kept_and_none_of_a_removed_function),
        TEST(uids_are_used_again_only_after_their_purge),
        TEST(a_uid_that_may_own_files_is_never_given_again),
        TEST(a_registry_of_version_1_is_converted),
        TEST(a_freed_uid_rests_as_long_as_it_can),
        TEST(dangerous_uid_ranges_are_refused),
        TEST(bad_functions_are_refused),
        TEST(a_thousand_functions_are_listed_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
