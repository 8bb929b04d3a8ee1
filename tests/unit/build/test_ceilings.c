/* The operator's ceilings over what manifests ask for. */
#include <errno.h>

#include "test.h"

#include "build/manifest.h"

static int hold(const char *ceiling, const char *value, const char *text, struct err *err)
{
    static struct manifest manifest;
    struct manifest_ceilings ceilings = {0};

    *err = (struct err){0};
    assert_int_equal(manifest_ceilings_set(&ceilings, ceiling, value, err), 0);
    assert_int_equal(manifest_parse(text, strlen(text), "vireo.yaml", &manifest, err), 0);
    assert_int_equal(manifest_settle(&manifest, err), 0);
    return manifest_ceilings_hold(&ceilings, &manifest, err);
}

static void what_is_beyond_a_ceiling_is_refused_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *ceiling, *value, *within, *beyond;
    } limits[] = {
        {"memory", "128MiB", "limits: {memory: 128MiB}", "limits: {memory: 129MiB}"},
        {"memory", "32MiB", "limits: {memory: 32MiB}", "{}"}, /* the default is 64 MiB */
        {"cpus", "0.5", "limits: {cpus: 0.5}", "limits: {cpus: 0.501}"},
        {"pids", "16", "limits: {pids: 16}", "limits: {pids: 17}"},
        {"timeout", "10s", "{}", "limits: {timeout: 10001ms}"},
        {"stack", "1MiB", "{}", "limits: {stack: 2MiB}"},
        {"request", "1MiB", "limits: {request: 1MiB}", "{}"},
        {"answer", "1MiB", "limits: {answer: 1MiB}", "{}"},
        {"bytes_per_second", "1MiB", "limits: {io: {bytes_per_second: 1MiB}}",
         "limits: {io: {bytes_per_second: 2MiB}}"},
        {"operations_per_second", "10", "limits: {io: {operations_per_second: 10}}",
         "limits: {io: {operations_per_second: 11}}"},
        {"instances", "4", "{}", "isolation: request"}, /* which is 32 */
        {"instances", "4", "pool: {instances: 4}", "pool: {instances: 5}"},
        {"spares", "0", "{}", "pool: {spares: 1}"},
        {"queue", "0", "pool: {queue: 0}", "{}"},
        {"idle", "1m", "pool: {idle: 60s}", "{}"},
        {"tmp", "16MiB", "grants: {files: [{path: /t}]}",
         "grants: {files: [{path: /t, size: 9MiB}, {path: /u, size: 8MiB}]}"},
        {"tmp", "0", "grants: {files: [{path: /t, host: /h}]}", "grants: {files: [{path: /t}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        char name[64];
        struct err err;
        snprintf(name, sizeof name, "limit %s", limits[i].ceiling);
        assert_int_equal(hold(limits[i].ceiling, limits[i].value, limits[i].within, &err), 0);
        assert_int_equal(hold(limits[i].ceiling, limits[i].value, limits[i].beyond, &err), -EPERM);
        assert_non_null(strstr(err.message, name));
        assert_non_null(strstr(err.message, "at most"));
    }
}

static void what_is_left_unlimited_gets_the_ceiling(void **state)
{
    (void)state;
    static struct manifest manifest;
    struct manifest_ceilings ceilings = {0};

    assert_int_equal(manifest_ceilings_set(&ceilings, "cpus", "0.25", NULL), 0);
    assert_int_equal(manifest_ceilings_set(&ceilings, "bytes_per_second", "1MiB", NULL), 0);
    assert_int_equal(manifest_ceilings_set(&ceilings, "operations_per_second", "0", NULL), 0);
    manifest_default(&manifest);
    assert_int_equal(manifest_ceilings_hold(&ceilings, &manifest, NULL), 0);
    manifest_ceilings_fill(&ceilings, &manifest);
    assert_int_equal(manifest.limits.cpu_millis, 250);
    assert_int_equal(manifest.limits.io_bytes_per_second, 1 << 20);
    assert_int_equal(manifest.limits.io_operations_per_second, 0);
}

static void a_ceiling_that_no_manifest_could_have_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"memory", "8GiB"}, {"memory", "64MB"},    {"memory", "0"},  {"cpus", "x"},
        {"pids", "0"},      {"instances", "-1"},   {"timeout", "5"}, {"tmp", "lots"},
        {"name", "x"},      {"isolation", "both"}, {"memroy", "1"},  {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct manifest_ceilings ceilings = {0};
        struct err err = {0};
        int r = manifest_ceilings_set(&ceilings, bad[i][0], bad[i][1], &err);
        assert_true(r == -EINVAL || r == -ENOENT);
        assert_true(err.message[0] && ceilings.given == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_beyond_a_ceiling_is_refused_by_its_name),
        cmocka_unit_test(what_is_left_unlimited_gets_the_ceiling),
        cmocka_unit_test(a_ceiling_that_no_manifest_could_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
