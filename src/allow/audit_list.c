/* The list that people read: entries with state and counts, proposals with votes, events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/audit_internal.h"

/* What is compiled into a function, or goes to its own files, passes nobody who could count it. */
static bool is_counted(const struct allow_entry *entry)
{
    return entry->layer > ALLOW_IO || strcmp(entry->name, "vireo_connect") == 0;
}

static int list_entry(struct audit *audit, const struct allow_entry *entry, FILE *out,
                      struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    _cleanup_(freep) char *json = NULL;
    char why[512];
    bool allowed;

    int r = audit_state(audit, entry, &allowed, why, sizeof why, err);
    if (r == 0)
        r = audit_prepare(
            audit,
            "SELECT json_object('name', ?1, 'layer', ?2, 'import', ?3, 'contract', ?4, 'allowed',"
            " json(?5), 'reason', ?6, 'uses', iif(?7, coalesce(sum(uses), 0), NULL), 'denied',"
            " coalesce(sum(denied), 0), 'limited', coalesce(sum(limited), 0), 'trapped',"
            " coalesce(sum(trapped), 0), 'functions', count(*)) FROM counts WHERE entry = ?1",
            &statement, err);
    if (r < 0)
        return r;
    const char *const texts[] = {entry->name,     allow_layer_name(entry->layer), entry->import,
                                 entry->contract, allowed ? "true" : "false",     why};
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
        sqlite3_bind_text(statement, 1 + i, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 1 + (int)ARRAY_LEN(texts), is_counted(entry));
    r = audit_text(audit, statement, &json, err);
    if (r == 0)
        fputs(json, out);
    return r;
}

static int list_query(struct audit *audit, const char *sql, FILE *out, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    _cleanup_(freep) char *json = NULL;

    int r = audit_prepare(audit, sql, &statement, err);
    if (r == 0)
        r = audit_text(audit, statement, &json, err);
    if (r == 0)
        fputs(json, out);
    return r;
}

static int list(struct audit *audit, FILE *out, struct err *err)
{
    int r = 0;

    fputs("{\"entries\": [", out);
    for (size_t i = 0; i < allow_entry_count && r == 0; i++) {
        fputs(i ? ",\n" : "\n", out);
        r = list_entry(audit, &allow_entries[i], out, err);
    }
    fputs("],\n\"proposals\": ", out);
    if (r == 0)
        r = list_query(
            audit,
            "SELECT json_group_array(json_object('id', id, 'entry', entry, 'action', action,"
            " 'reason', reason, 'nonce', nonce, 'opened_ms', opened_ms, 'deadline_ms', deadline_ms,"
            " 'quorum', quorum, 'state', state, 'votes', (SELECT json_group_array(json_object("
            "'voter', voter, 'yes', json(iif(yes, 'true', 'false')), 'reason', reason)) FROM "
            "ballots"
            " WHERE proposal = id))) FROM (SELECT * FROM proposals ORDER BY id DESC LIMIT 100)",
            out, err);
    fputs(",\n\"events\": ", out);
    if (r == 0)
        r = list_query(
            audit,
            "SELECT json_group_array(json_object('function', function, 'entry', entry, 'uses', "
            "uses,"
            " 'denied', denied, 'limited', limited, 'trapped', trapped)) FROM (SELECT * FROM counts"
            " ORDER BY denied + limited + trapped DESC, uses DESC LIMIT 1000)",
            out, err);
    fputs("}\n", out);
    return r;
}

int audit_list(struct audit *audit, char **ret_json, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return err_set(err, -ENOMEM, "cannot list the allow-list");
    int r = list(audit, out, err);
    if (fclose(out) != 0 && r == 0)
        r = err_set(err, -ENOMEM, "cannot list the allow-list");
    if (r == 0)
        *ret_json = steal_ptr(&text);
    return r;
}
