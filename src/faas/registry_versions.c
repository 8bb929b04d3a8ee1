/*
 * Former versions of functions: each put keeps the row that it writes over, a step back takes the
 * newest of them again. A library that one of them has is not purged.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "faas/registry_internal.h"

int registry_version_keep(struct registry *registry, const struct registry_function *next,
                          struct err *err)
{
    {
        _cleanup_(statement_resetp) sqlite3_stmt *keep = registry->statement[STATEMENT_KEEP];
        sqlite3_bind_text(keep, 1, next->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(keep, 2, next->library_hash, -1, SQLITE_STATIC);
        sqlite3_bind_text(keep, 3, next->manifest, -1, SQLITE_STATIC);
        if (sqlite3_step(keep) != SQLITE_DONE)
            return registry_failed(registry, err, "write");
    }
    _cleanup_(statement_resetp) sqlite3_stmt *trim = registry->statement[STATEMENT_TRIM];
    sqlite3_bind_int64(trim, 1, next->id);
    sqlite3_bind_int64(trim, 2, REGISTRY_VERSIONS_KEPT);
    return sqlite3_step(trim) == SQLITE_DONE ? 0 : registry_failed(registry, err, "write");
}

int registry_each_version(struct registry *registry, const char *name,
                          int (*each)(const struct registry_function *function, void *user),
                          void *user, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_VERSIONS];

    if (name)
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    return registry_rows_each(registry, statement, each, user, err);
}

/* Takes the first that comes. */
static int take_first(const struct registry_function *function, void *user)
{
    struct registry_function *first = user;

    *first = *function;
    first->manifest = strdup(function->manifest);
    return first->manifest ? 1 : -ENOMEM;
}

int registry_previous(struct registry *registry, const char *name,
                      struct registry_function *ret_function, struct err *err)
{
    struct registry_function first = {0};

    int r = registry_each_version(registry, name, take_first, &first, err);
    if (r == 0)
        return err_say(err, -ENOENT, "no former version of '%.63s' is kept", name);
    if (r < 0)
        return err && err->code ? r : err_set(err, r, "cannot roll '%.63s' back", name);
    *ret_function = first;
    return 0;
}

int registry_step_back(struct registry *registry, struct registry_function *previous,
                       struct err *err)
{
    const int64_t id = previous->id;

    int r = registry_run(registry, STATEMENT_BEGIN, NULL, "write", err);
    if (r < 0)
        return r;
    previous->updated_at = time(NULL);
    r = registry_row_write(registry, previous, err);
    if (r == 0)
        r = registry_run(registry, STATEMENT_FORGET_LAST, &id, "write", err);
    return registry_finish(registry, r, "write", err);
}
