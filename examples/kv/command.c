/* Which command it is, and whether it has as many arguments as it wants. */
#include <stdio.h>
#include <string.h>

#include "kv.h"

#define SLOTS 256u
#define NAME_BYTES 16u

/* By the name in capitals; a place is found by its hash, then the next free one. */
static const struct command *slots[SLOTS];

static uint32_t slot_of(const char *name, uint32_t bytes)
{
    uint32_t hash = bytes;

    for (uint32_t i = 0; i < bytes; i++)
        hash = hash * 31 + (unsigned char)name[i];
    return hash % SLOTS;
}

static void add_all(const struct command *commands)
{
    for (; commands->name; commands++) {
        uint32_t slot = slot_of(commands->name, (uint32_t)strlen(commands->name));
        while (slots[slot])
            slot = (slot + 1) % SLOTS;
        slots[slot] = commands;
    }
}

void commands_init(void)
{
    /* After an update the tables are others. */
    memset(slots, 0, sizeof slots);
    add_all(key_commands);
    add_all(list_commands);
    add_all(server_commands);
}

static const struct command *find(struct text name)
{
    char capitals[NAME_BYTES + 1];

    if (name.bytes > NAME_BYTES)
        return NULL;
    for (uint32_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        capitals[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    capitals[name.bytes] = '\0';
    for (uint32_t slot = slot_of(capitals, name.bytes); slots[slot]; slot = (slot + 1) % SLOTS)
        if (strcmp(slots[slot]->name, capitals) == 0)
            return slots[slot];
    return NULL;
}

void command_run(struct client *client, const struct text *arguments, uint32_t count)
{
    const struct call call = {client, &client->out, arguments, count};
    const struct command *command;
    char words[96];

    if (count == 0)
        return;
    server.commands++;
    command = find(arguments[0]);
    if (!command) {
        snprintf(words, sizeof words, "ERR unknown command '%.*s'",
                 (int)(arguments[0].bytes < 40 ? arguments[0].bytes : 40), arguments[0].data);
        for (char *c = words; *c; c++)
            *c = *c < ' ' ? '?' : *c;
        answer_error(call.out, words);
    } else if (command->arguments >= 0 ? count != (uint32_t)command->arguments
                                       : count < (uint32_t)-command->arguments) {
        snprintf(words, sizeof words, "ERR wrong number of arguments for '%s' command",
                 command->name);
        answer_error(call.out, words);
    } else {
        command->run(&call);
    }
}

/* ---- what several need ---- */

void answer_memory(struct buffer *out)
{
    answer_error(out, "OOM command not allowed: there is no memory");
}

void answer_wrong_kind(struct buffer *out)
{
    answer_error(out, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void answer_syntax(struct buffer *out)
{
    answer_error(out, "ERR syntax error");
}

bool text_is(struct text text, const char *word)
{
    uint32_t i = 0;

    for (; i < text.bytes && word[i]; i++) {
        char c = text.data[i];
        if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != word[i])
            return false;
    }
    return i == text.bytes && !word[i];
}

static bool number_parse(struct text text, int64_t *ret_number)
{
    bool negative = text.bytes > 0 && text.data[0] == '-';
    uint64_t number = 0;

    if (text.bytes == (uint32_t)negative || text.bytes > 20)
        return false;
    for (uint32_t i = negative; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' ||
            __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.data[i] - '0'), &number))
            return false;
    }
    if (number > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_number = negative ? (int64_t)-number : (int64_t)number;
    return true;
}

bool number_of(const struct call *call, struct text text, int64_t *ret_number)
{
    if (number_parse(text, ret_number))
        return true;
    answer_error(call->out, "ERR value is not an integer or out of range");
    return false;
}
