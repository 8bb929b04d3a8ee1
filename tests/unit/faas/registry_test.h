/* A registry of its own for each test: shared by the tests of what it keeps and of its file. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/registry.h"

DEFINE_CLEANUP(struct registry, registry_close)

#define FIRST 200000

static char dir[64];

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/vireo-registry-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct registry *open_counted(uint32_t uids)
{
    struct registry *registry = NULL;
    struct err err = {0};

    if (registry_open(dir, FIRST, uids, &registry, &err) < 0)
        fail_msg("%s", err.message);
    return registry;
}

static inline struct registry_function sample(const char *name)
{
    static char manifest[] = "name: sample\nlimits:\n  memory: 64MiB\n";
    struct registry_function function = {
        .version = "1.2.3", .safety = "sfi", .kind = "handler", .manifest = manifest};

    snprintf(function.name, sizeof function.name, "%s", name);
    memset(function.library_hash, 'a', 64);
    memset(function.source_hash, 'b', 64);
    return function;
}

static inline int put(struct registry *registry, const char *name, uid_t *ret_uid)
{
    struct registry_function function = sample(name);
    int r = registry_put(registry, &function, NULL);

    if (r == 0 && ret_uid)
        *ret_uid = function.uid;
    return r;
}

/* Overwrites part of the file while nobody has it open. */
static inline void file_write(off_t at, const void *data, size_t size)
{
    char path[128];

    snprintf(path, sizeof path, "%s/registry.db", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, at), size);
    close(fd);
}

static inline void sql_run(const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/registry.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static inline void expect_refused(int code, const char *words)
{
    struct registry *registry = NULL;
    struct err err = {0};

    assert_int_equal(registry_open(dir, FIRST, 10, &registry, &err), code);
    assert_null(registry);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static inline int stop_at_third(const struct registry_function *function, void *user)
{
    (void)function;
    return ++*(int *)user == 3 ? 42 : 0;
}
