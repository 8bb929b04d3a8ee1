/*
 * Logging in to Redis for one function: as a user of its own that Redis itself confines to that
 * function's keys, so that a worker that was subverted reaches no other's.
 */
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "faas/platform_courier.h"

#define ANSWER_SECONDS 3
#define PASSWORD_MAX 256

static void context_freep(redisContext **context)
{
    if (*context)
        redisFree(*context);
}

/* True when it was done. */
static bool done(redisContext *context, redisReply *reply, const char *what)
{
    bool good = reply && reply->type != REDIS_REPLY_ERROR;

    if (!good)
        log_line(LOG_ERROR, "cannot %s of Redis: %s", what, reply ? reply->str : context->errstr);
    if (reply)
        freeReplyObject(reply);
    return good;
}

static redisContext *log_in(const struct platform_options *options)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    char password[PASSWORD_MAX + 1];
    struct endpoint endpoint;
    char host[ENDPOINT_MAX_BYTES + 1];

    if (endpoint_parse(options->redis, &endpoint, NULL) < 0)
        return NULL;
    snprintf(host, sizeof host, "%s", endpoint.host);
    if (endpoint.is_address)
        net_address_text(&endpoint.address, host, sizeof host);
    _cleanup_(context_freep) redisContext *context =
        redisConnectWithTimeout(host, endpoint.port, patience);
    if (!context || context->err) {
        log_line(LOG_ERROR, "cannot connect to Redis at '%s': %s", options->redis,
                 context ? context->errstr : strerror(ENOMEM));
        return NULL;
    }
    redisSetTimeout(context, patience);
    ssize_t n = pread(PLATFORM_PASSWORD_FD, password, PASSWORD_MAX, 0);
    password[n > 0 ? n : 0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    bool good = password[0] == '\0' ||
                done(context, redisCommand(context, "AUTH %s", password), "log in as the operator");
    explicit_bzero(password, sizeof password);
    return good ? steal_ptr(&context) : NULL;
}

int courier_redis(const struct platform_options *options, uint32_t function_id)
{
    uint8_t random[16];
    char secret[2 * sizeof random + 1];

    _cleanup_(context_freep) redisContext *context = log_in(options);
    if (!context || getrandom(random, sizeof random, 0) != sizeof random)
        return -EIO;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(secret + 2 * i, 3, "%02x", random[i]);
    if (!done(context,
              redisCommand(context,
                           "ACL SETUSER vireo-%u reset on >%s ~vireo:%u:* +hget +hset +hdel "
                           "+hexists +hstrlen +get +incrby",
                           function_id, secret, function_id),
              "make a function's user") ||
        !done(context, redisCommand(context, "AUTH vireo-%u %s", function_id, secret),
              "log in as a function's user"))
        return -EIO;
    /* The context is closed with its own descriptor. */
    int fd = fcntl(context->fd, F_DUPFD_CLOEXEC, 16);
    return fd < 0 ? -errno : fd;
}

int courier_redis_forget(const struct platform_options *options, uint32_t function_id)
{
    _cleanup_(context_freep) redisContext *context = log_in(options);

    if (!context)
        return -EIO;
    bool good =
        done(context,
             redisCommand(context, "DEL vireo:%u:keys vireo:%u:bytes", function_id, function_id),
             "remove a function's keys");
    good &= done(context, redisCommand(context, "ACL DELUSER vireo-%u", function_id),
                 "remove a function's user");
    return good ? 0 : -EIO;
}
