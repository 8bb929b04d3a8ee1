/* Checks of what an admin request says. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/admin_query.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes `bytes` of application/x-www-form-urlencoded text; its length, or -EINVAL. `lines`: it
 * may have more than one. */
static ssize_t decode(const char *text, size_t bytes, bool lines, char *ret_text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < bytes; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 2 < bytes ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < bytes ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            i += 2;
        }
        bool control = (unsigned char)c < 0x20 && !(lines && (c == '\n' || c == '\t'));
        if (control || c == 0x7f || at + 1 >= size)
            return -EINVAL;
        ret_text[at++] = c;
    }
    ret_text[at] = '\0';
    return (ssize_t)at;
}

static int param_add(struct admin_request *request, const char *value, size_t bytes,
                     struct err *err)
{
    ssize_t n = decode(value, bytes, false, request->params + request->param_bytes,
                       sizeof request->params - request->param_bytes);

    if (n < 0 || !strchr(request->params + request->param_bytes, '='))
        return err_say(err, -EINVAL, "cannot use 'param=%.*s': it is not key=value, or too long",
                       bytes > 64 ? 64 : (int)bytes, value);
    request->param_bytes += (uint32_t)n + 1;
    return 0;
}

/* A word of a container's command may be empty. */
static int word_add(struct admin_request *request, const char *value, size_t bytes, struct err *err)
{
    ssize_t n = decode(value, bytes, true, request->words + request->word_bytes,
                       sizeof request->words - request->word_bytes);

    if (n < 0)
        return err_say(err, -EINVAL,
                       "cannot use 'word=%.*s': the command is longer than %zu bytes or no text",
                       bytes > 64 ? 64 : (int)bytes, value, sizeof request->words);
    request->word_bytes += (uint32_t)n + 1;
    return 0;
}

static int pair_add(struct admin_request *request, const char *key, size_t key_bytes,
                    const char *value, size_t value_bytes, struct err *err)
{
    const struct {
        const char *key;
        char *value;
        size_t size;
    } fields[] = {
        {"name", request->name, sizeof request->name},
        {"isolation", request->isolation, sizeof request->isolation},
        {"memory", request->memory, sizeof request->memory},
        {"cpus", request->cpus, sizeof request->cpus},
        {"timeout", request->timeout, sizeof request->timeout},
        {"require", request->require, sizeof request->require},
        {"slack", request->slack, sizeof request->slack},
        {"talk", request->talk, sizeof request->talk},
        {"directory", request->directory, sizeof request->directory},
        {"canary", request->canary, sizeof request->canary},
    };
    int shown = key_bytes > 32 ? 32 : (int)key_bytes;

    if (key_bytes == 4 && memcmp(key, "word", 4) == 0)
        return word_add(request, value, value_bytes, err);
    if (key_bytes == 5 && memcmp(key, "param", 5) == 0)
        return param_add(request, value, value_bytes, err);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strlen(fields[i].key) != key_bytes || memcmp(fields[i].key, key, key_bytes) != 0)
            continue;
        if (fields[i].value[0] != '\0')
            return err_say(err, -EINVAL, "cannot use '%.*s': it is given twice", shown, key);
        if (decode(value, value_bytes, false, fields[i].value, fields[i].size) < 0)
            return err_say(
                err, -EINVAL, "cannot use %.*s '%.*s': it is longer than %zu bytes or no text",
                shown, key, value_bytes > 64 ? 64 : (int)value_bytes, value, fields[i].size - 1);
        return 0;
    }
    return err_say(err, -EINVAL, "cannot use '%.*s': there is no such parameter", shown, key);
}

int admin_query_deploy(const char *query, struct admin_request *ret_request, struct err *err)
{
    while (*query) {
        size_t bytes = strcspn(query, "&");
        const char *equals = memchr(query, '=', bytes);
        size_t key_bytes = equals ? (size_t)(equals - query) : bytes;
        const char *value = equals ? equals + 1 : query + bytes;
        if (bytes > 0) {
            int r = pair_add(ret_request, query, key_bytes, value, (size_t)(query + bytes - value),
                             err);
            if (r < 0)
                return r;
        }
        query += bytes;
        query += *query == '&';
    }
    if (ret_request->name[0] != '\0' &&
        !admin_name_is_valid(ret_request->name, strlen(ret_request->name)))
        return err_say(err, -EINVAL,
                       "cannot use name '%s': a name is [a-z0-9][a-z0-9-]*, at most %d bytes",
                       ret_request->name, NAME_MAX_BYTES);
    return 0;
}

bool admin_name_is_valid(const char *name, size_t bytes)
{
    if (bytes == 0 || bytes > NAME_MAX_BYTES || name[0] == '-')
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
              name[i] == '-'))
            return false;
    return true;
}

bool admin_pvm_is_valid(const char *name, size_t bytes)
{
    if (bytes == 0 || bytes > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || name[i] == '-' || name[i] == '.'))
            return false;
    return true;
}

int admin_query_signal(const char *query, uint32_t *ret_signal, struct err *err)
{
    const size_t key = sizeof "signal=" - 1;
    size_t digits = strncmp(query, "signal=", key) == 0 ? strspn(query + key, "0123456789") : 0;

    *ret_signal = SIGKILL;
    if (!*query)
        return 0;
    *ret_signal = digits > 0 && digits <= 2 ? (uint32_t)atoi(query + key) : 0;
    if (*ret_signal < 1 || *ret_signal > 64 || query[key + digits] != '\0')
        return err_say(err, -EINVAL, "cannot use '%.64s': it is signal=1 to signal=64", query);
    return 0;
}

/* The value of "KEY=NAME" at *at, which moves on behind it; false: it is not that. */
static bool take_name(const char **at, const char *key, char ret_name[NAME_MAX_BYTES + 1])
{
    size_t key_bytes = strlen(key), bytes = strcspn(*at, "&");

    if (strncmp(*at, key, key_bytes) != 0 ||
        !admin_name_is_valid(*at + key_bytes, bytes - key_bytes))
        return false;
    memcpy(ret_name, *at + key_bytes, bytes - key_bytes);
    ret_name[bytes - key_bytes] = '\0';
    *at += bytes;
    return true;
}

int admin_query_library(const char *query, char ret_name[NAME_MAX_BYTES + 1],
                        char ret_replaces[NAME_MAX_BYTES + 1], struct err *err)
{
    const char *at = query;

    ret_replaces[0] = '\0';
    bool good = take_name(&at, "library=", ret_name);
    if (good && *at == '&')
        good = at++, take_name(&at, "replaces=", ret_replaces);
    if (!good || *at)
        return err_say(err, -EINVAL,
                       "cannot use '%.64s': it is library=NAME, or with &replaces=NAME", query);
    return 0;
}

bool admin_query_follow(const char *query)
{
    while (*query) {
        size_t bytes = strcspn(query, "&");
        if (bytes == 8 && memcmp(query, "follow=1", 8) == 0)
            return true;
        query += bytes;
        query += *query == '&';
    }
    return false;
}

/* `name` is an address of this machine: a loopback one, or `local`. */
static bool address_is_ours(int family, const char *name, const char *local)
{
    unsigned char address[sizeof(struct in6_addr)], own[sizeof(struct in6_addr)];
    static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    size_t bytes = family == AF_INET ? 4 : 16;

    if (inet_pton(family, name, address) != 1)
        return false;
    if (family == AF_INET ? address[0] == 127 : memcmp(address, &loopback, bytes) == 0)
        return true;
    return inet_pton(family, local, own) == 1 && memcmp(address, own, bytes) == 0;
}

/* ":8080", or nothing. */
static bool is_port(const char *text)
{
    return text[0] == '\0' ||
           (text[0] == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

bool admin_host_is_ours(const char *host, const char *local, const char *extra)
{
    char name[256];
    size_t bytes;

    if (host[0] == '[') {
        bytes = strcspn(host, "]");
        if (host[bytes] != ']' || !is_port(host + bytes + 1) || bytes >= sizeof name)
            return false;
        memcpy(name, host + 1, bytes - 1);
        name[bytes - 1] = '\0';
        return address_is_ours(AF_INET6, name, local);
    }
    bytes = strcspn(host, ":");
    if (bytes == 0 || bytes >= sizeof name || !is_port(host + bytes))
        return false;
    memcpy(name, host, bytes);
    name[bytes] = '\0';
    return address_is_ours(AF_INET, name, local) || strcasecmp(name, "localhost") == 0 ||
           (extra && strcasecmp(name, extra) == 0);
}

bool admin_token_matches(const char *authorization, const char *token)
{
    size_t token_bytes = strlen(token);

    if (strncasecmp(authorization, "Bearer ", 7) != 0 || token_bytes == 0)
        return false;
    const char *given = authorization + 7;
    size_t given_bytes = strlen(given);
    unsigned differ = given_bytes != token_bytes;
    for (size_t i = 0; i < given_bytes; i++)
        differ |= (unsigned char)given[i] ^ (unsigned char)token[i % token_bytes];
    return differ == 0;
}
