/*
 * The loop. A round: one poll() for all, then for each client that has something one read(), the
 * answers to all that came, and one write(). Between two rounds it may be given a new version.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vireo/update.h>

#include "kv.h"

#define LISTENERS_MAX 8
/* Keys that expire and are never asked for: so many buckets, so often. */
#define SWEEP_BUCKETS 256
#define TICK_MS 100
#define READ_BYTES (16u << 10)
/* What redis says to who comes when it is full. */
#define FULL "-ERR max number of clients reached\r\n"

struct server server;

static struct client clients[CLIENTS_MAX];
static struct pollfd polled[LISTENERS_MAX + CLIENTS_MAX];
static int place_of[LISTENERS_MAX + CLIENTS_MAX]; /* the client of what is polled */
static int listener_first, listener_count;

static int64_t clock_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- the child that saves ---- */

int save_begin(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(snapshot_write(server.path) < 0);
    if (pid < 0)
        return -1;
    server.saver = pid;
    return 0;
}

static void save_end(void)
{
    int status;

    if (!server.saver || waitpid(server.saver, &status, WNOHANG) != server.saver)
        return;
    server.saver = 0;
    server.save_failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (server.save_failed)
        fprintf(stderr, "kv: the snapshot was not written\n");
    else
        server.saved_ms = server.now_ms;
}

/* ---- clients ---- */

static void client_close(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    client->closing = false;
    buffer_free(&client->in);
    buffer_free(&client->out);
    server.clients--;
}

static void client_accept(int listener)
{
    /* A bounded number: the others wait too. */
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        int place = 0;
        while (place < CLIENTS_MAX && clients[place].fd >= 0)
            place++;
        if (place == CLIENTS_MAX) {
            write(fd, FULL, sizeof FULL - 1);
            close(fd);
            continue;
        }
        clients[place].fd = fd;
        server.clients++;
        server.connections++;
    }
}

static void client_write(struct client *client)
{
    struct buffer *out = &client->out;

    if (out->failed) {
        client_close(client);
        return;
    }
    if (out->end > out->start) {
        ssize_t n = write(client->fd, out->data + out->start, out->end - out->start);
        if (n > 0)
            out->start += (uint32_t)n;
        else if (errno != EAGAIN) {
            client_close(client);
            return;
        }
    }
    if (out->start == out->end) {
        out->start = out->end = 0;
        if (client->closing)
            client_close(client);
    }
}

/* Answers the whole commands in its buffer, as long as it takes the answers. */
static void client_serve(struct client *client)
{
    static struct text arguments[ARGUMENTS_MAX];
    struct buffer *in = &client->in;

    while (!client->closing && client->out.end - client->out.start < ANSWERS_MAX) {
        const char *error = "ERR Protocol error";
        uint32_t count, bytes;
        int r = request_parse(in->data + in->start, in->end - in->start, arguments, &count, &bytes,
                              &error);
        if (r == 0)
            break;
        if (r < 0) {
            answer_error(&client->out, error);
            client->closing = true;
            break;
        }
        command_run(client, arguments, count);
        in->start += bytes;
    }
    if (in->start == in->end)
        in->start = in->end = 0;
    client_write(client);
}

static void client_read(struct client *client)
{
    struct buffer *in = &client->in;

    /* The least that makes a read worth it; what is left of a large command grows it. */
    if (!buffer_room(in, in->end - in->start < READ_BYTES ? READ_BYTES - (in->end - in->start)
                                                          : in->end - in->start)) {
        client_close(client);
        return;
    }
    ssize_t n = read(client->fd, in->data + in->end, in->capacity - in->end);
    if (n > 0) {
        in->end += (uint32_t)n;
        client_serve(client);
    } else if (n == 0 || errno != EAGAIN) {
        client_close(client);
    }
}

/* ---- the loop ---- */

static int poll_all(void)
{
    int count = 0;

    for (int i = 0; i < listener_count; i++)
        polled[count++] = (struct pollfd){.fd = listener_first + i, .events = POLLIN};
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &clients[i];
        if (client->fd < 0)
            continue;
        bool answers = client->out.end > client->out.start;
        place_of[count] = i;
        /* Who does not take its answers is not read. */
        polled[count++] = (struct pollfd){.fd = client->fd, .events = answers ? POLLOUT : POLLIN};
    }
    /* Nothing to do by itself: it sleeps until somebody comes. */
    int timeout = server.saver || keys.expiring ? TICK_MS : -1;
    return poll(polled, (nfds_t)count, timeout) < 0 ? 0 : count;
}

static void client_event(struct client *client, short events)
{
    if (client->out.end > client->out.start) {
        client_write(client);
        /* What had come meanwhile. */
        if (client->fd >= 0 && client->out.end == client->out.start && client->in.end > 0)
            client_serve(client);
    } else if (events) {
        client_read(client);
    }
}

static void round_serve(int count)
{
    for (int i = listener_count; i < count; i++)
        if (polled[i].revents)
            client_event(&clients[place_of[i]], polled[i].revents);
    for (int i = 0; i < listener_count && i < count; i++)
        if (polled[i].revents & POLLIN)
            client_accept(polled[i].fd);
}

static int begin(void)
{
    const char *first = getenv("LISTEN_FDS_FIRST"), *number = getenv("LISTEN_FDS");
    const char *folder = getenv("KV_FOLDER");

    listener_first = first ? atoi(first) : 0;
    listener_count = number ? atoi(number) : 0;
    if (listener_count < 1 || listener_count > LISTENERS_MAX) {
        fprintf(stderr, "kv: no socket to listen on: vireo.yaml grants one\n");
        return -1;
    }
    for (int i = 0; i < listener_count; i++)
        if (fcntl(listener_first + i, F_SETFL, O_NONBLOCK) < 0)
            return -1;
    for (int i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    server.started_ms = server.now_ms = server.saved_ms = clock_ms();
    commands_init();
    if (!folder || !*folder)
        return 0;
    snprintf(server.path, sizeof server.path, "%s/dump.kv", folder);
    long count = snapshot_read(server.path);
    if (count >= 0)
        fprintf(stderr, "kv: %ld keys from %s\n", count, server.path);
    else if (errno != ENOENT)
        fprintf(stderr, "kv: cannot read %s: %s\n", server.path, strerror(errno));
    return count >= 0 || errno == ENOENT ? 0 : -1;
}

int main(void)
{
    int64_t swept_ms = 0;

    signal(SIGPIPE, SIG_IGN);
    /* A new version begins here with all that the one before had: keys, clients, a child. */
    if (vireo_updates() > 0)
        commands_init();
    else if (begin() < 0)
        return 1;
    fprintf(stderr, "kv: ready\n");
    for (;;) {
        vireo_update_point();
        int count = poll_all();
        server.now_ms = clock_ms();
        round_serve(count);
        if (server.now_ms - swept_ms >= TICK_MS) {
            swept_ms = server.now_ms;
            table_sweep(SWEEP_BUCKETS);
            save_end();
        }
    }
}
