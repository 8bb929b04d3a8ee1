/* Commands of the connection and of the server. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"

static void ping(const struct call *call)
{
    if (call->count > 2)
        answer_error(call->out, "ERR wrong number of arguments for 'PING' command");
    else if (call->count == 2)
        answer_bulk(call->out, call->arguments[1].data, call->arguments[1].bytes);
    else
        answer_simple(call->out, "PONG");
}

static void echo(const struct call *call)
{
    answer_bulk(call->out, call->arguments[1].data, call->arguments[1].bytes);
}

static void quit(const struct call *call)
{
    answer_simple(call->out, "OK");
    call->client->closing = true;
}

/* One database, and nothing to set of a client. */
static void select_database(const struct call *call)
{
    if (text_is(call->arguments[1], "0"))
        answer_simple(call->out, "OK");
    else
        answer_error(call->out, "ERR DB index is out of range");
}

static void client(const struct call *call)
{
    if (text_is(call->arguments[1], "SETNAME") || text_is(call->arguments[1], "SETINFO"))
        answer_simple(call->out, "OK");
    else if (text_is(call->arguments[1], "GETNAME"))
        answer_none(call->out);
    else
        answer_error(call->out, "ERR unknown subcommand");
}

/* What redis-benchmark and redis-cli ask when they begin. */
static void config(const struct call *call)
{
    static const struct {
        const char *name, *value;
    } settings[] = {{"SAVE", ""}, {"APPENDONLY", "no"}, {"DATABASES", "1"}, {"MAXMEMORY", "0"}};

    if (!text_is(call->arguments[1], "GET") || call->count != 3) {
        answer_error(call->out, "ERR only CONFIG GET name is known");
        return;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!text_is(call->arguments[2], settings[i].name))
            continue;
        answer_array(call->out, 2);
        answer_bulk(call->out, call->arguments[2].data, call->arguments[2].bytes);
        answer_bulk(call->out, settings[i].value, (uint32_t)strlen(settings[i].value));
        return;
    }
    answer_array(call->out, 0);
}

static void add_commands(struct buffer *out, const struct command *commands, bool count_only,
                         uint32_t *count)
{
    for (; commands->name; commands++, ++*count) {
        if (count_only)
            continue;
        answer_array(out, 2);
        answer_bulk(out, commands->name, (uint32_t)strlen(commands->name));
        answer_number(out, commands->arguments);
    }
}

/* Of each command its name and number of arguments. */
static void command(const struct call *call)
{
    const struct command *const tables[] = {key_commands, list_commands, server_commands};
    uint32_t count = 0;

    for (int i = 0; i < 3; i++)
        add_commands(call->out, tables[i], true, &count);
    if (call->count == 2 && text_is(call->arguments[1], "COUNT")) {
        answer_number(call->out, count);
    } else if (call->count > 1) {
        answer_array(call->out, 0);
    } else {
        answer_array(call->out, count);
        for (int i = 0; i < 3; i++)
            add_commands(call->out, tables[i], false, &count);
    }
}

static void db_size(const struct call *call)
{
    answer_number(call->out, keys.count);
}

static void flush(const struct call *call)
{
    table_clear();
    answer_simple(call->out, "OK");
}

/* ---- snapshots ---- */

static bool may_save(const struct call *call)
{
    if (server.saver)
        answer_error(call->out, "ERR Background save already in progress");
    else if (!server.path[0])
        answer_error(call->out, "ERR no folder was granted to write to");
    else
        return true;
    return false;
}

static void answer_errno(const struct call *call)
{
    char words[128];

    snprintf(words, sizeof words, "ERR cannot save: %s", strerror(errno));
    answer_error(call->out, words);
}

static void save(const struct call *call)
{
    if (!may_save(call))
        return;
    server.save_failed = snapshot_write(server.path) < 0;
    if (server.save_failed) {
        answer_errno(call);
        return;
    }
    server.saved_ms = server.now_ms;
    answer_simple(call->out, "OK");
}

static void bgsave(const struct call *call)
{
    if (!may_save(call))
        return;
    if (save_begin() < 0)
        answer_errno(call);
    else
        answer_simple(call->out, "Background saving started");
}

static void last_save(const struct call *call)
{
    answer_number(call->out, server.saved_ms / 1000);
}

static void info(const struct call *call)
{
    char text[1024];

    int n =
        snprintf(text, sizeof text,
                 "# Server\r\n"
                 "server_name:vireo-kv\r\n"
                 "redis_version:7.0.0\r\n"
                 "redis_mode:standalone\r\n"
                 "process_id:%d\r\n"
                 "uptime_in_seconds:%lld\r\n"
                 "\r\n# Clients\r\n"
                 "connected_clients:%u\r\n"
                 "\r\n# Persistence\r\n"
                 "rdb_bgsave_in_progress:%d\r\n"
                 "rdb_last_save_time:%lld\r\n"
                 "rdb_last_bgsave_status:%s\r\n"
                 "\r\n# Stats\r\n"
                 "total_connections_received:%llu\r\n"
                 "total_commands_processed:%llu\r\n"
                 "expired_keys:%llu\r\n"
                 "\r\n# Keyspace\r\n"
                 "db0:keys=%u\r\n",
                 (int)getpid(), (long long)(server.now_ms - server.started_ms) / 1000,
                 server.clients, server.saver != 0, (long long)server.saved_ms / 1000,
                 server.save_failed ? "err" : "ok", (unsigned long long)server.connections,
                 (unsigned long long)server.commands, (unsigned long long)keys.expired, keys.count);
    answer_bulk(call->out, text, (uint32_t)n);
}

const struct command server_commands[] = {
    {"PING", -1, ping},
    {"ECHO", 2, echo},
    {"QUIT", -1, quit},
    {"SELECT", 2, select_database},
    {"CLIENT", -2, client},
    {"CONFIG", -2, config},
    {"COMMAND", -1, command},
    {"DBSIZE", 1, db_size},
    {"FLUSHALL", -1, flush},
    {"FLUSHDB", -1, flush},
    {"SAVE", 1, save},
    {"BGSAVE", -1, bgsave},
    {"LASTSAVE", 1, last_save},
    {"INFO", -1, info},
    {NULL, 0, NULL},
};
