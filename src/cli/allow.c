/* vireo allow, vireo audit: the allow-list, votes on it, and whether its record is whole. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "allow/audit.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

/* Of a log that heads are looked for in. */
#define HEADS_FILE_MAX (256 << 20)

DEFINE_CLEANUP(struct table, table_free)
DEFINE_CLEANUP(struct sign_key, sign_key_free)

struct allow {
    const char *reason, *key;
};

/* "/system/allow?param=KEY%3DVALUE&..." of pairs that end with NULL; malloc'ed. */
static char *target_of(const char *page, const char *const (*pairs)[2], size_t count)
{
    char *target = strdup(page);

    for (size_t i = 0; i < count && target; i++) {
        _cleanup_(freep) char *pair = NULL, *escaped = NULL, *before = target;
        target = NULL;
        if (asprintf(&pair, "%s=%s", pairs[i][0], pairs[i][1]) < 0 ||
            !(escaped = http_escape(pair)) ||
            asprintf(&target, "%s%cparam=%s", before, i ? '&' : '?', escaped) < 0)
            return NULL;
    }
    return target;
}

static int ask(const char *method, const char *verb, const char *name, const char *page,
               const char *const (*pairs)[2], size_t count, struct json_object **ret_answer)
{
    _cleanup_(freep) char *target = target_of(page, pairs, count);
    struct err err = {0};

    if (!target) {
        err_set(&err, -ENOMEM, "cannot %s", verb);
        return cli_error(&err, NULL);
    }
    return admin_ask(method, verb, name, target, ret_answer);
}

/* ---- the list ---- */

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, key, &value);
    return value;
}

static size_t length_of(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static int entries_show(struct json_object *list)
{
    static const char *const headings[] = {"ENTRY",   "LAYER",   "STATE",     "USES", "DENIED",
                                           "LIMITED", "TRAPPED", "FUNCTIONS", NULL};
    static const char *const numbers[] = {"uses", "denied", "limited", "trapped", "functions"};
    _cleanup_(table_freep) struct table *table = table_new(headings);
    int r = table ? 0 : -ENOMEM;

    for (size_t i = 0; i < length_of(list) && r == 0; i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        char texts[ARRAY_LEN(numbers)][24];
        for (size_t j = 0; j < ARRAY_LEN(numbers); j++)
            if (member(entry, numbers[j]))
                snprintf(texts[j], sizeof texts[j], "%lld", json_number(entry, numbers[j]));
            else
                strcpy(texts[j], "-");
        const char *reason = json_text(entry, "reason", "");
        bool allowed = json_object_get_boolean(member(entry, "allowed"));
        const char *const cells[] = {json_text(entry, "name", "?"),
                                     json_text(entry, "layer", "?"),
                                     allowed   ? "allowed"
                                     : *reason ? reason
                                               : "no",
                                     texts[0],
                                     texts[1],
                                     texts[2],
                                     texts[3],
                                     texts[4]};
        r = table_row(table, cells);
    }
    if (r == 0)
        table_print(table, stdout);
    return r;
}

static void proposals_show(struct json_object *list)
{
    for (size_t i = 0; i < length_of(list); i++) {
        struct json_object *proposal = json_object_array_get_idx(list, i);
        struct json_object *votes = member(proposal, "votes");
        if (strcmp(json_text(proposal, "state", ""), "open") != 0 && !cli.verbose)
            continue;
        long long left_s = json_number(proposal, "deadline_ms") / 1000 - (long long)time(NULL);
        printf("\nproposal %lld (%s): %s %s: ", json_number(proposal, "id"),
               json_text(proposal, "state", "?"), json_text(proposal, "action", "?"),
               json_text(proposal, "entry", "?"));
        printf("%s\n  %lld votes decide; %lld hours left\n", json_text(proposal, "reason", "?"),
               json_number(proposal, "quorum"), left_s > 0 ? left_s / 3600 : 0);
        for (size_t j = 0; j < length_of(votes); j++) {
            struct json_object *vote = json_object_array_get_idx(votes, j);
            printf("  %s: %s (%s)\n", json_text(vote, "voter", "?"),
                   json_object_get_boolean(member(vote, "yes")) ? "yes" : "no",
                   json_text(vote, "reason", ""));
        }
    }
}

static void json_show(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int list(struct json_object *answer)
{
    struct err err = {0};

    if (cli.json) {
        json_show(answer);
        return CLI_OK;
    }
    int r = entries_show(member(answer, "entries"));
    if (r < 0) {
        err_set(&err, r, "cannot list the allow-list");
        return cli_error(&err, NULL);
    }
    proposals_show(member(answer, "proposals"));
    return CLI_OK;
}

static int allow_ls(const struct allow *allow, int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;

    (void)allow;
    (void)argv;
    if (words != 0)
        return cli_usage("allow", "ls takes no more words");
    int exit = ask("GET", "list the allow-list", NULL, "/system/allow", NULL, 0, &answer);
    return exit == CLI_OK ? list(answer) : exit;
}

/* ---- decisions ---- */

static int decide(const struct allow *allow, const char *action, const char *entry)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    const char *const pairs[][2] = {
        {"action", action}, {"entry", entry}, {"reason", allow->reason}};

    int exit = ask("POST", action, entry, "/system/allow", pairs, ARRAY_LEN(pairs), &answer);
    if (exit != CLI_OK || cli.quiet)
        return exit;
    return list(answer);
}

static int allow_decide(const struct allow *allow, const char *action, int words, char **argv)
{
    if (words != 1)
        return cli_usage("allow", "%s needs the name of an entry", action);
    if (!allow->reason)
        return cli_usage("allow", "%s needs a --reason", action);
    return decide(allow, action, argv[0]);
}

static int allow_propose(const struct allow *allow, int words, char **argv)
{
    return allow_decide(allow, "propose", words, argv);
}

static int allow_demote(const struct allow *allow, int words, char **argv)
{
    return allow_decide(allow, "demote", words, argv);
}

static int allow_remove(const struct allow *allow, int words, char **argv)
{
    return allow_decide(allow, "remove", words, argv);
}

/* The proposal of this number, by the list; -ENOENT. */
static struct json_object *proposal_find(struct json_object *answer, const char *number)
{
    struct json_object *proposals = member(answer, "proposals");

    for (size_t i = 0; i < length_of(proposals); i++) {
        struct json_object *proposal = json_object_array_get_idx(proposals, i);
        char text[24];
        snprintf(text, sizeof text, "%lld", json_number(proposal, "id"));
        if (strcmp(text, number) == 0)
            return proposal;
    }
    return NULL;
}

/* What is signed is what the daemon says that the proposal says: it is shown, too. */
static int vote_sign(const struct sign_key *key, struct json_object *proposal, bool yes,
                     const char *reason, char ret_hex[2 * SIGN_TEXT_BYTES + 1], struct err *err)
{
    char hash[AUDIT_HASH_TEXT], text[AUDIT_REASON_MAX + 128];
    uint8_t signature[SIGN_TEXT_BYTES];
    const struct audit_proposal says = {.entry = json_text(proposal, "entry", ""),
                                        .action = json_text(proposal, "action", ""),
                                        .reason = json_text(proposal, "reason", ""),
                                        .nonce = json_text(proposal, "nonce", ""),
                                        .opened_ms = json_number(proposal, "opened_ms"),
                                        .deadline_ms = json_number(proposal, "deadline_ms"),
                                        .quorum = json_number(proposal, "quorum")};

    audit_proposal_hash(&says, hash);
    size_t bytes = audit_vote_text(hash, yes, reason, text, sizeof text);
    if (bytes == 0)
        return err_say(err, -EINVAL, "cannot vote: the reason is longer than %d bytes",
                       AUDIT_REASON_MAX);
    int r = sign_text(key, text, bytes, signature);
    if (r < 0)
        return err_set(err, r, "cannot sign the vote");
    sodium_bin2hex(ret_hex, 2 * sizeof signature + 1, signature, sizeof signature);
    return 0;
}

static int allow_vote(const struct allow *allow, int words, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL, *done = NULL;
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    char id[BUILD_HASH_TEXT], signature[2 * SIGN_TEXT_BYTES + 1];
    struct err err = {0};

    if (words != 2 || (strcmp(argv[1], "yes") != 0 && strcmp(argv[1], "no") != 0))
        return cli_usage("allow", "vote needs a proposal's number and yes or no");
    if (!allow->reason || !allow->key)
        return cli_usage("allow", "vote needs a --reason and a --key");
    int exit = ask("GET", "vote", NULL, "/system/allow", NULL, 0, &answer);
    if (exit != CLI_OK)
        return exit;
    struct json_object *proposal = proposal_find(answer, argv[0]);
    int r = proposal ? sign_key_open(allow->key, &key, &err)
                     : err_say(&err, -ENOENT, "cannot vote: there is no proposal %s", argv[0]);
    bool yes = argv[1][0] == 'y';
    if (r == 0)
        r = vote_sign(key, proposal, yes, allow->reason, signature, &err);
    if (r < 0)
        return cli_error(&err, proposal ? NULL : "vireo allow ls");
    sign_key_id(key, id);
    const char *const pairs[][2] = {{"action", "vote"}, {"proposal", argv[0]},
                                    {"vote", argv[1]},  {"reason", allow->reason},
                                    {"key", id},        {"signature", signature}};
    exit = ask("POST", "vote", NULL, "/system/allow", pairs, ARRAY_LEN(pairs), &done);
    if (exit != CLI_OK || cli.quiet)
        return exit;
    if (!cli.json)
        printf("voted %s to: %s %s: %s\n", argv[1], json_text(proposal, "action", "?"),
               json_text(proposal, "entry", "?"), json_text(proposal, "reason", "?"));
    return list(done);
}

/* Makes the file on first use; what it prints goes into the configuration. */
static int allow_key(const struct allow *allow, int words, char **argv)
{
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    char id[BUILD_HASH_TEXT];
    struct err err = {0};

    (void)allow;
    if (words != 1)
        return cli_usage("allow", "key needs a file");
    if (sign_key_open(argv[0], &key, &err) < 0)
        return cli_error(&err, NULL);
    sign_key_id(key, id);
    puts(id);
    return CLI_OK;
}

int cli_allow(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct allow *allow, int words, char **argv);
    } actions[] = {{"ls", allow_ls},     {"list", allow_ls},       {"propose", allow_propose},
                   {"vote", allow_vote}, {"demote", allow_demote}, {"remove", allow_remove},
                   {"key", allow_key}};
    struct allow allow = {0};
    const struct cli_option options[] = {{.name = "--reason", .text = &allow.reason},
                                         {.name = "--key", .text = &allow.key}};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    for (size_t i = 0; words > 0 && i < ARRAY_LEN(actions); i++)
        if (strcmp(actions[i].name, argv[1]) == 0)
            return actions[i].run(&allow, words - 1, argv + 2);
    return cli_usage("allow", "it is one of ls, propose, vote, demote, remove, key");
}

/* ---- the record ---- */

/* NUMBER:HASH, as the journal has it. */
static bool is_head(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && text[digits] == ':' &&
           strspn(text + digits + 1, "0123456789abcdef") == AUDIT_HASH_TEXT - 1 &&
           text[digits + AUDIT_HASH_TEXT] == '\0';
}

/* Compares one head of the log's, "NUMBER:HASH" and more behind it, with the record's. */
static bool head_is_there(struct json_object *heads, const char *said, size_t length)
{
    char *end;
    unsigned long long number = strtoull(said, &end, 10);

    if (*end != ':' || number == 0 || number > length_of(heads))
        return false;
    const char *head = json_object_get_string(json_object_array_get_idx(heads, number - 1));
    return strlen(head) == length && strncmp(head, said, length) == 0;
}

/* Each head that a log or an export of the journal has must be in the record. */
static int heads_compare(struct json_object *heads, const char *path, size_t *ret_count,
                         struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    int r = fd_read_input(path, HEADS_FILE_MAX, &text, &size, err);
    if (r < 0)
        return r;
    /* What a function wrote may have a NUL in it. */
    for (size_t i = 0; i < size; i++)
        text[i] = text[i] ? text[i] : ' ';
    *ret_count = 0;
    for (const char *at = text; (at = strstr(at, AUDIT_HEAD_SAID)); ++*ret_count) {
        at += strlen(AUDIT_HEAD_SAID);
        size_t length = strspn(at, "0123456789:abcdef");
        if (!head_is_there(heads, at, length))
            return err_say(err, -EBADMSG,
                           "cannot trust the record: it has no decision %.*s, which '%s' has: "
                           "decisions were removed or written anew",
                           (int)(length < 100 ? length : 100), at, path);
    }
    if (*ret_count == 0)
        return err_say(err, -ENOMSG, "cannot compare: '%s' has no head of the record", path);
    return 0;
}

int cli_audit(int argc, char **argv)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    const char *head = NULL, *heads = NULL;
    struct err err = {0};
    bool check = false;
    const struct cli_option options[] = {{.name = "--check", .flag = &check},
                                         {.name = "--head", .text = &head},
                                         {.name = "--heads", .text = &heads}};
    int words, exit;
    size_t met = 0;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 0 || !check || (head && heads))
        return cli_usage("audit", "it is vireo audit --check [--head HEAD | --heads FILE]");
    if (head && !is_head(head))
        return cli_usage("audit", "--head '%s' is no NUMBER:HASH", head);
    const char *const pairs[][2] = {{head ? "head" : "heads", head ? head : "1"}};
    exit =
        ask("GET", "check the audit", NULL, "/system/audit", pairs, head || heads ? 1 : 0, &answer);
    if (exit != CLI_OK)
        return exit;
    if (heads && heads_compare(member(answer, "heads"), heads, &met, &err) < 0) {
        exit = cli_error(&err, NULL);
        /* The check failed; a file that can't be read was no check. */
        return err.code == -EBADMSG ? CLI_FAILED : exit;
    }
    json_object_object_del(answer, "heads");
    if (cli.json) {
        json_show(answer);
    } else if (!cli.quiet) {
        printf("%lld decisions, each as it was written; head %s\n",
               json_number(answer, "decisions"), json_text(answer, "head", "?"));
        if (heads)
            printf("%zu heads of '%s', each in the record\n", met, heads);
    }
    return CLI_OK;
}
