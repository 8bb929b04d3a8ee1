/*
 * The record of decisions: votes, and whether tampering of every kind is found and allows nothing.
 * Each test has a record in which ann and bob allowed the risky entry, and eve's removal of it is
 * open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow/audit.h"
#include "base/err.h"

#define RISKY "vireo_http_any_raw"
enum { ANN, BOB, EVE, VOTERS };

static struct audit_rules rules;
static uint8_t secrets[VOTERS][crypto_sign_SECRETKEYBYTES];
static char folder[64];
static struct audit *audit;
static struct err err;

static void voters_make(void)
{
    static const char *const names[] = {"ann", "bob", "eve"};

    rules = (struct audit_rules){.quorum = 2, .deadline_seconds = 1000, .voter_count = VOTERS};
    for (int i = 0; i < VOTERS; i++) {
        snprintf(rules.voters[i].name, sizeof rules.voters[i].name, "%s", names[i]);
        crypto_sign_keypair(rules.voters[i].key, secrets[i]);
    }
}

static void open_again(void)
{
    audit_close(audit);
    assert_int_equal(audit_open(folder, &rules, &audit, &err), 0);
}

/* As the command line does: by what the list says of the proposal. */
static int vote(int64_t id, int who, bool yes, const char *reason)
{
    char path[128], hash[AUDIT_HASH_TEXT], text[AUDIT_REASON_MAX + 128], *json = NULL;
    uint8_t signature[AUDIT_SIGNATURE_BYTES];
    sqlite3_stmt *row;
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/audit.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT entry, action, reason, nonce, opened_ms,"
                                        " deadline_ms, quorum FROM proposals WHERE id = ?",
                                        -1, &row, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(row, 1, id);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    const struct audit_proposal says = {.entry = (const char *)sqlite3_column_text(row, 0),
                                        .action = (const char *)sqlite3_column_text(row, 1),
                                        .reason = (const char *)sqlite3_column_text(row, 2),
                                        .nonce = (const char *)sqlite3_column_text(row, 3),
                                        .opened_ms = sqlite3_column_int64(row, 4),
                                        .deadline_ms = sqlite3_column_int64(row, 5),
                                        .quorum = sqlite3_column_int64(row, 6)};
    audit_proposal_hash(&says, hash);
    sqlite3_finalize(row);
    sqlite3_close(db);
    size_t bytes = audit_vote_text(hash, yes, reason, text, sizeof text);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text, bytes, secrets[who]);
    err = (struct err){0};
    int r = audit_vote(audit, id, rules.voters[who].key, yes, reason, signature, &json, &err);
    free(json);
    return r;
}

static int propose(bool remove)
{
    char *json = NULL;

    err = (struct err){0};
    int r = audit_propose(audit, RISKY, remove, "tested", "uid 0", &json, &err);
    free(json);
    return r;
}

static bool risky_is_allowed(void)
{
    uint32_t bits = 0;

    assert_int_equal(audit_allowed(audit, &bits, &err), 0);
    return bits & 1u << ALLOW_HTTP_ANY;
}

static int check(void)
{
    char *json = NULL;

    err = (struct err){0};
    int r = audit_check(audit, NULL, false, &json, &err);
    free(json);
    return r;
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vireo-audit.XXXXXX");
    assert_non_null(mkdtemp(folder));
    voters_make();
    assert_int_equal(audit_open(folder, &rules, &audit, &err), 0);
    assert_int_equal(propose(false), 0);
    assert_int_equal(vote(1, ANN, true, "seen"), 0);
    assert_false(risky_is_allowed());
    assert_int_equal(vote(1, BOB, true, "seen"), 0);
    assert_int_equal(propose(true), 0);
    assert_int_equal(vote(2, EVE, true, "not needed"), 0);
    assert_true(risky_is_allowed());
    assert_int_equal(check(), 0);
    return 0;
}

static int teardown(void **state)
{
    char path[128];

    (void)state;
    audit_close(audit);
    audit = NULL;
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/audit.db%s", folder,
                 (const char *[]){"", "-wal", "-shm"}[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* Another process that has the file, and no need of triggers. */
static void tamper(const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/audit.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER IF EXISTS decisions_are;"
                                  "DROP TRIGGER IF EXISTS decisions_stay",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_not_equal(sqlite3_total_changes(db), 0);
    sqlite3_close(db);
}

static void no_tampering_goes_unseen(void **state)
{
    static const char *const ways[] = {
        "UPDATE decisions SET detail = detail || '.' WHERE number = 1",
        "UPDATE decisions SET detail = detail || char(0) || 'more' WHERE number = 1",
        "UPDATE decisions SET kind = 'refused' WHERE number = 4",
        "UPDATE decisions SET entry = 'vireo_kv_put' WHERE number = 4",
        "UPDATE decisions SET time_ms = time_ms - 1 WHERE number = 2",
        "UPDATE decisions SET hash = zeroblob(32) WHERE number = 2",
        "UPDATE decisions SET hash = x'' WHERE number = 6",
        "UPDATE decisions SET number = number + 1 WHERE number = 6",
        "UPDATE decisions SET number = 0 WHERE number = 1",
        "DELETE FROM decisions WHERE number = 3",
        "DELETE FROM decisions WHERE number >= 5",
        "DELETE FROM decisions",
        "INSERT INTO decisions SELECT 7, time_ms, 'allowed', 'vireo_sql_raw', detail, hash FROM "
        "decisions WHERE number = 4",
        "INSERT INTO decisions SELECT -1, time_ms, kind, entry, detail, hash FROM decisions WHERE "
        "number = 4",
        "UPDATE proposals SET quorum = 1 WHERE id = 2",
        "UPDATE proposals SET deadline_ms = deadline_ms + 1 WHERE id = 2",
        "UPDATE proposals SET opened_ms = opened_ms + 1 WHERE id = 2",
        "UPDATE proposals SET reason = 'other' WHERE id = 2",
        "UPDATE proposals SET action = 'allow' WHERE id = 2",
        "UPDATE proposals SET entry = 'vireo_kv_put' WHERE id = 2",
        "UPDATE proposals SET state = 'open' WHERE id = 1",
        "UPDATE proposals SET state = 'accepted' WHERE id = 2",
        "UPDATE proposals SET state = 'withdrawn' WHERE id = 2",
        "UPDATE proposals SET id = 3 WHERE id = 2",
        "DELETE FROM proposals WHERE id = 2",
        "INSERT INTO proposals SELECT 9, entry, action, reason, nonce, opened_ms, deadline_ms, "
        "quorum, state FROM proposals WHERE id = 2",
        "UPDATE ballots SET yes = 1 - yes WHERE proposal = 2",
        "UPDATE ballots SET reason = 'other' WHERE proposal = 2",
        "UPDATE ballots SET signature = (SELECT max(signature) FROM ballots WHERE proposal = 1) "
        "WHERE proposal = 2",
        "UPDATE ballots SET key = (SELECT max(key) FROM ballots WHERE proposal = 1) WHERE proposal "
        "= 2",
        "UPDATE ballots SET proposal = 1 WHERE proposal = 2",
        "INSERT INTO ballots SELECT 2, key, voter, yes, reason, signature FROM ballots WHERE "
        "proposal = 1",
        "INSERT INTO ballots SELECT 2, 'ab', voter, yes, reason, signature FROM ballots WHERE "
        "proposal = 2",
        "DELETE FROM ballots WHERE proposal = 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (i > 0) {
            teardown(NULL);
            setup(NULL);
        }
        tamper(ways[i]);
        if (check() != -EBADMSG)
            fail_msg("unseen: %s", ways[i]);
        /* Neither while it runs nor after the next start is there anything to be had by it. */
        if (risky_is_allowed())
            fail_msg("allowed: %s", ways[i]);
        open_again();
        assert_false(risky_is_allowed());
        if (vote(1, EVE, true, "me too") == 0)
            fail_msg("voted on: %s", ways[i]);
        assert_int_equal(propose(true), -EBADMSG);
    }
}

static void what_was_demoted_stays_so_in_a_record_that_was_altered(void **state)
{
    char *json = NULL;
    uint32_t bits;

    (void)state;
    assert_int_equal(audit_demote(audit, "vireo_kv_put", "a flaw", "uid 0", &json, &err), 0);
    free(json);
    tamper(
        "INSERT INTO decisions SELECT 9, time_ms, 'allowed', 'vireo_kv_put', 'proposal 1, 2', hash"
        " FROM decisions WHERE number = 4");
    assert_int_equal(audit_allowed(audit, &bits, &err), 0);
    assert_false(bits & 1u << ALLOW_KV_PUT);
    assert_true(bits & 1u << ALLOW_KV_GET);
    /* It can be made tighter still. */
    assert_int_equal(audit_demote(audit, "vireo_kv_get", "a flaw", "uid 0", &json, &err), 0);
    free(json);
}

static bool keys_are_allowed(void)
{
    uint32_t bits = 0;

    assert_int_equal(audit_allowed(audit, &bits, &err), 0);
    return bits & 1u << ALLOW_KV_PUT;
}

static void one_function_alone_takes_no_entry_from_others(void **state)
{
    static const struct audit_use one = {.uses = 1, .limited = 1},
                                  many = {.uses = 100000, .denied = 100000},
                                  some = {.uses = 33, .limited = 33};

    (void)state;
    rules.demote_events = 100;
    rules.demote_functions = 3;
    open_again();
    assert_int_equal(audit_count(audit, "honest", "vireo_kv_put", &one, &err), 0);
    assert_int_equal(audit_count(audit, "other", "vireo_kv_put", &one, &err), 0);
    assert_int_equal(audit_count(audit, "evil", "vireo_kv_put", &many, &err), 0);
    assert_true(keys_are_allowed());
    /* Three that each have their share. */
    assert_int_equal(audit_count(audit, "other", "vireo_kv_put", &some, &err), 0);
    assert_true(keys_are_allowed());
    assert_int_equal(audit_count(audit, "honest", "vireo_kv_put", &some, &err), 0);
    assert_false(keys_are_allowed());
}

static void a_key_has_one_vote_whatever_its_owner_is_called(void **state)
{
    (void)state;
    strcpy(rules.voters[EVE].name, "evelyn");
    open_again();
    assert_int_equal(vote(2, EVE, true, "not needed"), -EEXIST);
    assert_int_equal(vote(2, EVE, false, "once more"), -EEXIST);
}

static void votes_of_who_is_no_voter_any_more_do_not_count(void **state)
{
    (void)state;
    /* eve's key is another's now. */
    crypto_sign_keypair(rules.voters[EVE].key, secrets[EVE]);
    open_again();
    assert_int_equal(vote(2, ANN, true, "nor do I need it"), 0);
    assert_true(risky_is_allowed());
    assert_int_equal(vote(2, BOB, true, "nor I"), 0);
    assert_false(risky_is_allowed());
    assert_int_equal(check(), 0);
}

static void a_proposal_keeps_the_quorum_that_it_was_made_with(void **state)
{
    (void)state;
    rules.quorum = 1;
    open_again();
    assert_int_equal(check(), 0);
    assert_int_equal(vote(2, ANN, false, "keep"), 0);
    assert_true(risky_is_allowed());
    assert_int_equal(vote(2, BOB, true, "remove"), 0);
    assert_false(risky_is_allowed());
    assert_int_equal(check(), 0);
}

static void what_ends_by_itself_leaves_a_whole_record(void **state)
{
    char *json = NULL;

    (void)state;
    assert_int_equal(audit_demote(audit, RISKY, "a flaw", "uid 0", &json, &err), 0);
    free(json);
    assert_int_equal(check(), 0);
    rules.deadline_seconds = 0;
    open_again();
    assert_int_equal(propose(false), 0);
    usleep(3000);
    assert_int_equal(vote(3, ANN, true, "late"), -EPERM);
    assert_int_equal(audit_tidy(audit, &err), 0);
    assert_int_equal(check(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_tampering_goes_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_demoted_stays_so_in_a_record_that_was_altered,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_function_alone_takes_no_entry_from_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_has_one_vote_whatever_its_owner_is_called, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(votes_of_who_is_no_voter_any_more_do_not_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_proposal_keeps_the_quorum_that_it_was_made_with, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_ends_by_itself_leaves_a_whole_record, setup, teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
