/*
 * Families: what their members say to the supervisor (guest/kin.h), and that it asks members to
 * fork. It knows which keys of queues and shared memory each family has made, so that one who asks
 * for another's is refused by name (supervisor_kin_told.c, supervisor_kin_look.c), and moves
 * members into groups of their own where the manifest says so (supervisor_kin_groups.c). All that
 * comes is a claim of the instance whose socket it came by, and can harm that one alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor_kin_internal.h"

/* Messages of one family before the others' turn. */
#define MESSAGES_PER_ROUND 32
/* And of one family in all: beyond it is not listened to for a moment, and its own members wait. */
#define MESSAGES_BURST 512u
#define MESSAGES_PER_SECOND 1000u
/* And of all families of one function's template, of which a pool may have a thousand. */
#define FUNCTION_MESSAGES_BURST 2048u
#define FUNCTION_MESSAGES_PER_SECOND 4000u
/* And of all families of all functions: one of them can't take it all. */
#define ALL_MESSAGES_BURST 2560u
#define ALL_MESSAGES_PER_SECOND 5000u
#define DEAF_NS 100000000
/* A pVM that is asked to fork does so at once, unless it is stopped. */
#define FORK_WAIT_NS 2000000000

void kin_reply(struct kin *kin, uint32_t ticket, int error)
{
    struct kin_answer *place = &kin->page->answers[ticket % KIN_ANSWERS];

    atomic_store(&place->error, error);
    atomic_store(&place->ticket, ticket);
    syscall(SYS_futex, &place->ticket, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* ---- forks from outside ---- */

static void forked(struct supervisor *supervisor, struct kin *kin,
                   const struct kin_message *message, pid_t sender)
{
    for (size_t i = 0; i < FORKS_WAITING_MAX; i++) {
        struct kin_wish *wish = &kin->wishes[i];
        if (!wish->token || wish->pid != sender)
            continue;
        char name[48], json[64];
        snprintf(name, sizeof name, "%llu.%d", (unsigned long long)kin->instance->id,
                 message->value);
        snprintf(json, sizeof json, "{\"id\":\"%s\"}", name);
        if (message->value > 0)
            admin_reply(supervisor, wish->token, 0, "", json);
        else
            admin_reply(supervisor, wish->token, message->value == 0 ? -EINVAL : message->value,
                        message->value == -EAGAIN ? "its family's limits are reached"
                                                  : "it can't fork now",
                        NULL);
        wish->token = 0;
        return;
    }
}

static void wishes_end(struct supervisor *supervisor, struct kin *kin, int64_t now_ns)
{
    for (size_t i = 0; i < FORKS_WAITING_MAX; i++) {
        struct kin_wish *wish = &kin->wishes[i];
        if (!wish->token || wish->until_ns > now_ns)
            continue;
        admin_reply(supervisor, wish->token, -EBUSY, "it does not answer: it is stopped, or ended",
                    NULL);
        wish->token = 0;
    }
}

static int timer_arm(struct supervisor *supervisor, struct kin *kin, int64_t ns)
{
    const struct itimerspec time = {.it_value = {ns / 1000000000, ns % 1000000000 + 1}};

    if (kin->timer.fd < 0) {
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        int r = fd < 0 ? -errno : supervisor_watch(supervisor, &kin->timer, fd, EPOLLIN, NULL);
        if (r < 0)
            return r;
    }
    return timerfd_settime(kin->timer.fd, 0, &time, NULL) < 0 ? -errno : 0;
}

static void timer_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct kin *kin = source->owner;
    int64_t now_ns = clock_now_ns();
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) < 0)
        return;
    if (kin->deaf)
        supervisor_watch(supervisor, &kin->source, kin->source.fd, EPOLLIN, NULL);
    kin->deaf = false;
    wishes_end(supervisor, kin, now_ns);
    for (size_t i = 0; i < FORKS_WAITING_MAX; i++)
        if (kin->wishes[i].token)
            timer_arm(supervisor, kin, kin->wishes[i].until_ns - now_ns);
}

int kin_fork(struct supervisor *supervisor, struct instance *instance, int pidfd, pid_t pid,
             uint64_t token, struct err *err)
{
    struct kin *kin = instance->kin;
    struct kin_wish *wish = NULL;

    for (size_t i = 0; i < FORKS_WAITING_MAX && !wish; i++)
        if (!kin->wishes[i].token)
            wish = &kin->wishes[i];
    if (!wish)
        return err_say(err, -EBUSY, "%d forks of its family are wanted already", FORKS_WAITING_MAX);
    int r = kin->deaf ? 0 : timer_arm(supervisor, kin, FORK_WAIT_NS);
    if (r < 0)
        return err_set(err, r, "cannot make a timer");
    if (syscall(SYS_pidfd_send_signal, pidfd, KIN_FORK_SIGNAL, NULL, 0) < 0)
        return err_set(err, -errno, "cannot ask it to fork");
    *wish = (struct kin_wish){token, pid, clock_now_ns() + FORK_WAIT_NS};
    return 0;
}

/* ---- the socket ---- */

/* Size and the sender's process, by the kernel's word; 0 at its end, -errno. */
static ssize_t receive(int fd, struct kin_message *message, pid_t *ret_sender)
{
    union {
        struct cmsghdr header; /* for its alignment */
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {message, sizeof *message};
    struct msghdr received = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return -errno;
    *ret_sender = 0;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&received);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        struct ucred sender;
        memcpy(&sender, CMSG_DATA(header), sizeof sender);
        *ret_sender = sender.pid;
    }
    return (received.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? -EMSGSIZE : n;
}

static void message_take(struct supervisor *supervisor, struct kin *kin,
                         const struct kin_message *message, pid_t sender)
{
    switch (message->type) {
    case KIN_KEY_WANTED:
        kin_key_wanted(supervisor, kin, message, sender);
        break;
    case KIN_KEY_MADE:
        kin_keys_made(&kin->keys, message->kind, message->key, message->value, clock_now_ns());
        break;
    case KIN_KEY_REMOVED:
        kin_keys_remove(&kin->keys, message->kind, message->key, message->value, clock_now_ns());
        break;
    case KIN_KEY_SOUGHT:
        kin_key_sought(supervisor, kin, message, sender);
        break;
    case KIN_FORK_REFUSED:
        kin_fork_refused(supervisor, kin, message, sender);
        break;
    case KIN_FORKED:
        forked(supervisor, kin, message, sender);
        break;
    case KIN_BORN:
        kin_reply(kin, message->ticket, -kin_member_born(supervisor, kin, sender));
        break;
    default:
        break; /* a later guest's word, or a liar's */
    }
}

static bool may_speak(struct kin *kin)
{
    static struct kin_rate all; /* the loop's */
    int64_t now_ns = clock_now_ns();

    return kin_rate_allows(&kin->messages, MESSAGES_BURST, MESSAGES_PER_SECOND, now_ns) &&
           kin_rate_allows(&kin->instance->slot->kin_messages, FUNCTION_MESSAGES_BURST,
                           FUNCTION_MESSAGES_PER_SECOND, now_ns) &&
           kin_rate_allows(&all, ALL_MESSAGES_BURST, ALL_MESSAGES_PER_SECOND, now_ns);
}

static void socket_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct kin *kin = source->owner;
    struct kin_message message;
    pid_t sender = 0;

    (void)events;
    for (int i = 0; i < MESSAGES_PER_ROUND; i++) {
        if (!may_speak(kin) && timer_arm(supervisor, kin, DEAF_NS) == 0) {
            kin->deaf = true;
            supervisor_unwatch(supervisor, source);
            return;
        }
        ssize_t n = receive(source->fd, &message, &sender);
        if (n == -EAGAIN)
            return;
        if (n <= 0) { /* every member has ended, or let go of it */
            supervisor_unwatch(supervisor, source);
            return;
        }
        if (n == sizeof message)
            message_take(supervisor, kin, &message, sender);
    }
}

/* ---- life ---- */

static void kin_free(struct kin *kin)
{
    if (!kin)
        return;
    closep(&kin->source.fd);
    closep(&kin->timer.fd);
    closep(&kin->ipc);
    if (kin->page)
        munmap(kin->page, KIN_PAGE_BYTES);
    free(kin->members);
    free(kin);
}
DEFINE_CLEANUP(struct kin, kin_free)

/* A page that neither side can take from under the other. */
static int page_make(struct kin *kin, int *ret_fd)
{
    _cleanup_(closep) int fd = memfd_create("vireo-kin", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, KIN_PAGE_BYTES) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    void *page = mmap(NULL, KIN_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    kin->page = page;
    *ret_fd = steal_fd(&fd);
    return 0;
}

int kin_open(struct supervisor *supervisor, const struct function *function,
             struct instance *instance, int ret_fds[2], struct err *err)
{
    const struct manifest *manifest = &function->manifest;
    _cleanup_(closep) int page = -1;
    const int on = 1;
    int sockets[2];

    if (!manifest->fork && !manifest->ipc)
        return 0;
    _cleanup_(kin_freep) struct kin *kin = calloc(1, sizeof *kin);
    if (!kin)
        return err_set(err, -ENOMEM, "cannot start '%s'", function->row.name);
    kin->source = (struct source){.ready = socket_ready, .owner = kin, .fd = -1};
    kin->timer = (struct source){.ready = timer_ready, .owner = kin, .fd = -1};
    kin->ipc = -1;
    kin->instance = instance;
    supervisor->keys.look = kin_look;
    supervisor->keys.context = supervisor;
    kin->keys = (struct kin_keys){.table = &supervisor->keys, .family = instance->id};
    kin->own_groups = manifest->fork && manifest->family.own_groups;
    if (kin->own_groups && !(kin->members = calloc(GROUPS_MAX, sizeof *kin->members)))
        return err_set(err, -ENOMEM, "cannot start '%s'", function->row.name);
    int r = page_make(kin, &page);
    if (r < 0)
        return err_set(err, r, "cannot start '%s': make its family's page", function->row.name);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start '%s': make its family's socket",
                       function->row.name);
    _cleanup_(closep) int theirs = sockets[1];
    kin->source.fd = sockets[0];
    if (setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return err_set(err, -errno, "cannot start '%s'", function->row.name);
    r = supervisor_watch(supervisor, &kin->source, sockets[0], EPOLLIN, err);
    if (r < 0)
        return r;
    ret_fds[0] = steal_fd(&theirs);
    ret_fds[1] = steal_fd(&page);
    instance->kin = steal_ptr(&kin);
    return 0;
}

bool kin_close(struct supervisor *supervisor, struct instance *instance)
{
    struct kin *kin = instance->kin;

    if (!kin)
        return false;
    bool burnt = kin_groups_end(supervisor, kin);
    instance->kin = NULL;
    wishes_end(supervisor, kin, INT64_MAX);
    kin_keys_drop(&kin->keys);
    closep(&kin->ipc);
    kin->ipc = -1;
    supervisor_unwatch(supervisor, &kin->source);
    supervisor_unwatch(supervisor, &kin->timer);
    closep(&kin->source.fd);
    closep(&kin->timer.fd);
    kin->source.fd = kin->timer.fd = -1;
    kin->next_dead = supervisor->dead_kins;
    supervisor->dead_kins = kin;
    return burnt;
}

void kins_bury(struct supervisor *supervisor)
{
    while (supervisor->dead_kins) {
        struct kin *kin = supervisor->dead_kins;
        supervisor->dead_kins = kin->next_dead;
        kin_free(kin);
    }
}
