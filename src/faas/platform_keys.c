/* Keys in Redis. The quota is kept beside them; one worker at a time serves a function. */
#include "faas/platform_keys.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "faas/kept.h"
#include "faas/platform.h"

#define ANSWER_SECONDS 5

static bool in_redis;
static char keys_name[48], bytes_name[48];
static uint64_t quota;
static redisContext *connection;

static void reply_freep(redisReply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
}

void keys_use_redis(uint32_t function_id, uint64_t bytes)
{
    in_redis = true;
    quota = bytes;
    snprintf(keys_name, sizeof keys_name, "vireo:%u:keys", function_id);
    snprintf(bytes_name, sizeof bytes_name, "vireo:%u:bytes", function_id);
}

static void disconnect(void)
{
    if (connection)
        redisFree(connection);
    connection = NULL;
}

/* The courier connects and logs in; what comes is bound to this function's keys. */
static int reconnect(void)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    uint32_t ask = 0;
    int32_t answer = 0;

    setsockopt(WORKER_REDIS_FD, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send(WORKER_REDIS_FD, &ask, sizeof ask, MSG_NOSIGNAL) < 0)
        return -EIO;
    ssize_t n = fd_receive(WORKER_REDIS_FD, &answer, sizeof answer, fds, &fd_count, 0);
    if (n != sizeof answer || answer < 0 || fd_count != 1) {
        fd_close_all(fds, fd_count);
        return -EIO;
    }
    connection = redisConnectFd(fds[0]);
    if (!connection || connection->err) {
        disconnect();
        return -EIO;
    }
    redisSetTimeout(connection, patience);
    return 0;
}

/* Once more on a new connection when the old one is dead. What was done and not answered is done
 * twice: then too much is counted, never too little. */
static redisReply *command(int count, const char **words, const size_t *lengths)
{
    for (int i = 0; i < 2; i++) {
        if (!connection && reconnect() < 0)
            return NULL;
        redisReply *reply = redisCommandArgv(connection, count, words, lengths);
        if (reply)
            return reply;
        disconnect();
    }
    return NULL;
}

#define COMMAND(...)                                                       \
    ({                                                                     \
        const struct word _words[] = {__VA_ARGS__};                        \
        const char *_texts[ARRAY_LEN(_words)];                             \
        size_t _lengths[ARRAY_LEN(_words)];                                \
        for (size_t _i = 0; _i < ARRAY_LEN(_words); _i++)                  \
            _texts[_i] = _words[_i].text, _lengths[_i] = _words[_i].bytes; \
        command(ARRAY_LEN(_words), _texts, _lengths);                      \
    })

struct word {
    const char *text;
    size_t bytes;
};
#define WORD(text)         \
    {                      \
        text, strlen(text) \
    }

static int number_of(const redisReply *reply, int64_t *ret_number)
{
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        return -EIO;
    if (reply->type == REDIS_REPLY_INTEGER)
        *ret_number = reply->integer;
    else
        *ret_number = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
    return 0;
}

int keys_get(struct kept *kept, const void *key, size_t key_bytes, void *to, size_t room)
{
    if (!in_redis)
        return kept_key_get(kept, key, key_bytes, to, room);
    _cleanup_(reply_freep) redisReply *reply =
        COMMAND(WORD("HGET"), WORD(keys_name), {key, key_bytes});
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        return -EIO;
    if (reply->type != REDIS_REPLY_STRING)
        return -ENOENT;
    if (reply->len > (size_t)PLATFORM_DATA_MAX || (size_t)reply->len > room)
        return -EMSGSIZE;
    memcpy(to, reply->str, (size_t)reply->len);
    return (int)reply->len;
}

/* Bytes that the key takes: 0 when it is not there. */
static int key_size(const void *key, size_t key_bytes, int64_t *ret_bytes)
{
    int64_t there, length;
    _cleanup_(reply_freep) redisReply *exists =
        COMMAND(WORD("HEXISTS"), WORD(keys_name), {key, key_bytes});
    _cleanup_(reply_freep) redisReply *bytes =
        COMMAND(WORD("HSTRLEN"), WORD(keys_name), {key, key_bytes});

    if (number_of(exists, &there) < 0 || number_of(bytes, &length) < 0)
        return -EIO;
    *ret_bytes = there ? length + (int64_t)key_bytes : 0;
    return 0;
}

static int add_bytes(int64_t bytes)
{
    char text[32];
    int64_t sum;

    snprintf(text, sizeof text, "%lld", (long long)bytes);
    _cleanup_(reply_freep) redisReply *reply =
        COMMAND(WORD("INCRBY"), WORD(bytes_name), WORD(text));
    return number_of(reply, &sum);
}

int keys_put(struct kept *kept, const void *key, size_t key_bytes, const void *value, size_t bytes)
{
    int64_t used, before, done;

    if (!in_redis)
        return kept_key_put(kept, key, key_bytes, value, bytes);
    _cleanup_(reply_freep) redisReply *sum = COMMAND(WORD("GET"), WORD(bytes_name));
    if (number_of(sum, &used) < 0 || key_size(key, key_bytes, &before) < 0)
        return -EIO;
    int64_t more = (int64_t)(key_bytes + bytes) - before;
    if (more > 0 && (uint64_t)(used + more) > quota)
        return -ENOSPC;
    /* Counted first: a worker that ends between the two has counted too much, never too little. */
    if (add_bytes(more) < 0)
        return -EIO;
    _cleanup_(reply_freep) redisReply *reply =
        COMMAND(WORD("HSET"), WORD(keys_name), {key, key_bytes}, {value, bytes});
    return number_of(reply, &done);
}

int keys_delete(struct kept *kept, const void *key, size_t key_bytes)
{
    int64_t before, removed;

    if (!in_redis)
        return kept_key_delete(kept, key, key_bytes);
    if (key_size(key, key_bytes, &before) < 0)
        return -EIO;
    _cleanup_(reply_freep) redisReply *reply =
        COMMAND(WORD("HDEL"), WORD(keys_name), {key, key_bytes});
    if (number_of(reply, &removed) < 0)
        return -EIO;
    if (removed == 0)
        return -ENOENT;
    return add_bytes(-before);
}
