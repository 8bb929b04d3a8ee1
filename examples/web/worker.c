/* A worker: one loop over its connections. A round reads once from each and writes once to each. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web.h"

#define OUT_BYTES (96u << 10) /* a head and a cached file fit */
#define ACCEPTS_PER_ROUND 32

struct client {
    int fd;   /* -1: the place is free */
    int file; /* of which the rest is to be sent; -1 */
    bool closing;
    uint64_t left; /* to be sent of that file */
    uint32_t in_bytes, out_at, out_end;
    char in[HEAD_MAX];
    char *out; /* OUT_BYTES, once it is needed */
};

static struct client *clients[CLIENTS_MAX];
static struct pollfd polled[1 + CLIENTS_MAX];
static int place_of[1 + CLIENTS_MAX];
static int client_count;
static int64_t now_ms;

static void client_close(struct client *client)
{
    close(client->fd);
    if (client->file >= 0)
        close(client->file);
    client->fd = client->file = -1;
    client_count--;
}

static struct client *client_place(void)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (!clients[i]) {
            clients[i] = malloc(sizeof **clients);
            if (!clients[i])
                return NULL;
            *clients[i] = (struct client){.fd = -1, .file = -1};
        }
        if (clients[i]->fd < 0)
            return clients[i];
    }
    return NULL;
}

static void accept_some(int listener)
{
    for (int i = 0; i < ACCEPTS_PER_ROUND && client_count < CLIENTS_MAX; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct client *client = client_place();
        if (!client || (!client->out && !(client->out = malloc(OUT_BYTES)))) {
            close(fd);
            return;
        }
        client->fd = fd;
        client_count++;
        client->closing = false;
        client->in_bytes = client->out_at = client->out_end = 0;
    }
}

/* The answer to one request, as far as it fits. */
static void answer(struct client *client, const struct request *request)
{
    const struct file *file = request->refused ? NULL : cache_find(request->path, now_ms);
    struct part part = {.status = request->refused ? request->refused : 404};

    client->out_end += answer_head(client->out + client->out_end, OUT_BYTES - client->out_end, file,
                                   request, (time_t)(now_ms / 1000), &part);
    client->closing = !request->keep_alive;
    if (request->head_only || part.bytes == 0)
        return;
    if (file->data) {
        memcpy(client->out + client->out_end, file->data + part.first, part.bytes);
        client->out_end += (uint32_t)part.bytes;
        return;
    }
    client->file = open(request->path, O_RDONLY);
    client->left = part.bytes;
    if (client->file >= 0 && lseek(client->file, (off_t)part.first, SEEK_SET) >= 0)
        return;
    if (client->file >= 0)
        close(client->file);
    client->file = -1;
    client->closing = true;
}

/* More of a file that is too large to be kept. */
static void refill(struct client *client)
{
    uint64_t wanted = client->left < OUT_BYTES ? client->left : OUT_BYTES;
    ssize_t n = read(client->file, client->out, wanted);

    client->out_at = 0;
    client->out_end = n > 0 ? (uint32_t)n : 0;
    client->left -= client->out_end;
    if (n > 0 && client->left > 0)
        return;
    /* Shorter than was promised: the end of the connection says so. */
    client->closing |= client->left > 0;
    close(client->file);
    client->file = -1;
}

/* Answers what is whole, as long as there is room for another answer. */
static void serve(struct client *client)
{
    uint32_t at = 0;

    while (!client->closing && client->file < 0 &&
           OUT_BYTES - client->out_end >= CACHED_MAX + 1024) {
        struct request request;
        if (request_parse(client->in + at, client->in_bytes - at, &request) == 0)
            break;
        at += request.bytes;
        answer(client, &request);
    }
    client->in_bytes -= at;
    memmove(client->in, client->in + at, client->in_bytes);
}

static void send_some(struct client *client)
{
    while (client->out_end > client->out_at) {
        ssize_t n =
            write(client->fd, client->out + client->out_at, client->out_end - client->out_at);
        if (n < 0) {
            if (errno != EAGAIN)
                client_close(client);
            return;
        }
        client->out_at += (uint32_t)n;
        if (client->out_at < client->out_end)
            return;
        if (client->file >= 0)
            refill(client);
        else
            client->out_at = client->out_end = 0;
    }
    if (client->closing)
        client_close(client);
}

static void client_ready(struct client *client)
{
    if (client->out_end == client->out_at) {
        ssize_t n = read(client->fd, client->in + client->in_bytes, HEAD_MAX - client->in_bytes);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            client_close(client);
            return;
        }
        client->in_bytes += n > 0 ? (uint32_t)n : 0;
    }
    do {
        if (client->out_end == client->out_at) {
            client->out_at = client->out_end = 0;
            serve(client);
        }
        bool had = client->out_end > client->out_at;
        send_some(client);
        if (!had)
            return;
    } while (client->fd >= 0 && client->out_end == client->out_at && client->in_bytes > 0);
}

/* polled[0] is the listener. */
static int poll_all(int listener)
{
    /* Who comes when this worker is full is another's, or waits. */
    int first = client_count < CLIENTS_MAX ? 0 : 1, count = 1;

    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (int i = 0; i < CLIENTS_MAX && clients[i]; i++) {
        const struct client *client = clients[i];
        if (client->fd < 0)
            continue;
        place_of[count] = i;
        polled[count++] = (struct pollfd){
            .fd = client->fd, .events = client->out_end > client->out_at ? POLLOUT : POLLIN};
    }
    return poll(polled + first, (nfds_t)(count - first), -1) < 0 ? 0 : count;
}

void worker_run(int listener, const char *root)
{
    if (chdir(root) < 0) {
        fprintf(stderr, "web: cannot serve %s: %s\n", root, strerror(errno));
        exit(1);
    }
    for (;;) {
        struct timespec time;
        int count = poll_all(listener);
        clock_gettime(CLOCK_REALTIME, &time);
        now_ms = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
        for (int i = 1; i < count; i++)
            if (polled[i].revents)
                client_ready(clients[place_of[i]]);
        if (count > 0 && (polled[0].revents & POLLIN))
            accept_some(listener);
    }
}
