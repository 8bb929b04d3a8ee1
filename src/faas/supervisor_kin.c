/*
 * Families: what their members say to the supervisor (guest/kin.h). It knows which keys of queues
 * and shared memory each family has made, so that one who asks for another's is refused by name;
 * it moves members into groups of their own where the manifest says so, and asks members to fork.
 * All that comes is a claim of the instance whose socket it came by, and can harm that one alone.
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
#include "faas/supervisor.h"
#include "guest/kin.h"
#include "pvm/members.h"

/* Messages of one family before the others' turn. */
#define MESSAGES_PER_ROUND 32
/* And of one family in all: beyond it is not listened to for a moment, and its own members wait. */
#define MESSAGES_BURST 512u
#define MESSAGES_PER_SECOND 1000u
/* And of all families of one function's template, of which a pool may have a thousand. */
#define FUNCTION_MESSAGES_BURST 2048u
#define FUNCTION_MESSAGES_PER_SECOND 4000u
#define DEAF_NS 100000000
/* Lines of the log about one family. */
#define LOG_EVERY_NS KIN_SECOND_NS
/* A pVM that is asked to fork does so at once, unless it is stopped. */
#define FORK_WAIT_NS 2000000000
#define FORKS_WAITING_MAX 16
/* Members with a group of their own. */
#define GROUPS_MAX 64

/*
 * Moving a process may make the loop wait 10 ms: so many at once, and then so many a second, of one
 * family and of all. Who comes beyond stays in its parent's group.
 */
#define MOVES_BURST 16u
#define MOVES_PER_SECOND 2u
#define ALL_MOVES_BURST 32u
#define ALL_MOVES_PER_SECOND 10u

/* A member with its own group, as long as it lives. */
struct kin_member {
    struct source source; /* its pidfd */
    struct kin *kin;
    pid_t pid; /* 0: the place is free */
};

/* `vireo fork` of a member. */
struct kin_wish {
    uint64_t token; /* 0: the place is free */
    pid_t pid;
    int64_t until_ns;
};

struct kin {
    struct source source; /* the socket */
    struct source timer;  /* of wishes */
    struct instance *instance;
    struct kin_page *page;
    struct kin_keys keys;
    struct kin_rate moves, messages;
    bool deaf; /* until the timer */
    struct kin_log {
        int64_t logged_ns;
        uint64_t unlogged;
    } key_log, same_log, fork_log, group_log;
    bool own_groups;
    struct kin_member *members; /* GROUPS_MAX of them, with own_groups */
    struct kin_wish wishes[FORKS_WAITING_MAX];
    struct kin *next_dead;
};

/* ---- answers ---- */

static void answer(struct kin *kin, uint32_t ticket, int error)
{
    struct kin_answer *place = &kin->page->answers[ticket % KIN_ANSWERS];

    atomic_store(&place->error, error);
    atomic_store(&place->ticket, ticket);
    syscall(SYS_futex, &place->ticket, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* The member's name for people, by the process that the kernel says sent it. */
static const char *member_name(const struct kin *kin, pid_t sender, char *text, size_t size)
{
    pid_t inner = pvm_inner_pid(sender);

    if (inner > 1)
        snprintf(text, size, "%llu.%d", (unsigned long long)kin->instance->id, (int)inner);
    else
        snprintf(text, size, "%llu", (unsigned long long)kin->instance->id);
    return text;
}

/* At most one line a second of a sort and family; what is left out is counted. */
static bool may_log(struct kin_log *log)
{
    int64_t now_ns = clock_now_ns();

    if (log->logged_ns && now_ns - log->logged_ns < LOG_EVERY_NS) {
        log->unlogged++;
        return false;
    }
    log->logged_ns = now_ns;
    return true;
}

static const char *kind_name(const struct kin_message *message)
{
    return message->kind == KIN_QUEUE ? "message queue" : "shared memory";
}

/* Of another family; NULL: nobody has it, or this one does. */
static const struct instance *key_holder(const struct supervisor *supervisor, const struct kin *kin,
                                         const struct kin_message *message)
{
    uint64_t family =
        kin_key_holder(&supervisor->keys, kin->instance->id, message->kind, message->key);

    return family ? &supervisor->instances[family % INSTANCES_MAX] : NULL;
}

/*
 * The key that another family has, too, is made here as the kernel makes it: in this family's
 * namespace. It is no refusal, for who comes second would learn of the first, and could be kept
 * from its own keys by anybody; but it is counted, and told where the two are of different
 * functions.
 */
static void key_made(struct supervisor *supervisor, struct kin *kin,
                     const struct kin_message *message, pid_t sender)
{
    const struct instance *holder = key_holder(supervisor, kin, message);
    char name[48];
    int r = kin_key_add(&kin->keys, message->kind, message->key, message->value);

    answer(kin, message->ticket, -r);
    if (r < 0 || !holder)
        return;
    supervisor->ipc_same_key++;
    if (holder->slot->uid == kin->instance->slot->uid || !may_log(&kin->same_log))
        return;
    log_line(LOG_NOTICE,
             "pVM %s of '%s' (uid %u) made %s %#x, which pVM %llu of '%s' (uid %u) has, too: "
             "each has its own (%llu more like it not shown)",
             member_name(kin, sender, name, sizeof name), kin->instance->slot->name,
             kin->instance->slot->uid, kind_name(message), (unsigned)message->key,
             (unsigned long long)holder->id, holder->slot->name, holder->slot->uid,
             (unsigned long long)kin->same_log.unlogged);
    kin->same_log.unlogged = 0;
}

static void key_sought(struct supervisor *supervisor, struct kin *kin,
                       const struct kin_message *message, pid_t sender)
{
    const struct instance *holder = key_holder(supervisor, kin, message);
    char name[48];

    if (holder) {
        supervisor->ipc_refused++;
        if (may_log(&kin->key_log)) {
            log_line(LOG_WARNING,
                     "pVM %s of '%s' (uid %u) asked for %s %#x of pVM %llu of '%s' (uid %u): "
                     "refused (%llu more like it not shown)",
                     member_name(kin, sender, name, sizeof name), kin->instance->slot->name,
                     kin->instance->slot->uid, kind_name(message), (unsigned)message->key,
                     (unsigned long long)holder->id, holder->slot->name, holder->slot->uid,
                     (unsigned long long)kin->key_log.unlogged);
            kin->key_log.unlogged = 0;
        }
    }
    answer(kin, message->ticket, holder ? EPERM : 0);
}

static void fork_refused(struct supervisor *supervisor, struct kin *kin,
                         const struct kin_message *message, pid_t sender)
{
    const struct function *function = kin->instance->slot->function;
    char name[48];

    supervisor->forks_refused++;
    if (!function || !may_log(&kin->fork_log))
        return;
    log_line(LOG_WARNING, "pVM %s of '%s': fork refused at %u %s (%llu more like it not shown)",
             member_name(kin, sender, name, sizeof name), kin->instance->slot->name,
             message->kind ? function->manifest.family.depth : function->manifest.limits.pids,
             message->kind ? "generations (family: depth)" : "members (limits: pids)",
             (unsigned long long)kin->fork_log.unlogged);
    kin->fork_log.unlogged = 0;
}

/* ---- groups of their own ---- */

static void member_leave(struct supervisor *supervisor, struct kin_member *member)
{
    supervisor_unwatch(supervisor, &member->source);
    closep(&member->source.fd);
    member->source.fd = -1;
    member->pid = 0;
}

static void member_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct kin_member *member = source->owner;

    (void)events;
    /* Its children were born in it, and may live on: then the end of the family removes it. */
    if (cgroup_member_remove(member->kin->instance->group, member->pid) == 0)
        member_leave(supervisor, member);
    else
        supervisor_unwatch(supervisor, &member->source);
}

static bool may_move(struct kin *kin)
{
    static struct kin_rate all; /* the loop's */
    int64_t now_ns = clock_now_ns();

    return kin_rate_allows(&kin->moves, MOVES_BURST, MOVES_PER_SECOND, now_ns) &&
           kin_rate_allows(&all, ALL_MOVES_BURST, ALL_MOVES_PER_SECOND, now_ns);
}

/* Its limits stand above it all the same; what it may not expect is to be counted by itself. */
static int group_refused(struct supervisor *supervisor, struct kin *kin, pid_t pid, int error)
{
    char name[48];

    if (!kin->own_groups) /* a liar's */
        return error;
    supervisor->member_groups_refused++;
    if (!may_log(&kin->group_log))
        return error;
    log_line(LOG_WARNING,
             "pVM %s of '%s' stays in its parent's control group: at most %u members have their "
             "own, %u at once and %u a second get one (%llu more like it not shown)",
             member_name(kin, pid, name, sizeof name), kin->instance->slot->name, GROUPS_MAX,
             MOVES_BURST, MOVES_PER_SECOND, (unsigned long long)kin->group_log.unlogged);
    kin->group_log.unlogged = 0;
    return error;
}

static int member_born(struct supervisor *supervisor, struct kin *kin, pid_t pid)
{
    struct kin_member *member = NULL;
    struct err err = {0};

    for (size_t i = 0; kin->own_groups && i < GROUPS_MAX && !member; i++)
        if (kin->members[i].pid == 0)
            member = &kin->members[i];
    if (!member || !kin->instance->group || !may_move(kin))
        return group_refused(supervisor, kin, pid, -EAGAIN);
    _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    int r = cgroup_member_make(kin->instance->group, pid, &err);
    if (r < 0) {
        cgroup_member_remove(kin->instance->group, pid);
        supervisor->member_groups_refused++;
        log_line(LOG_WARNING, "%s", err.message);
        return r;
    }
    member->pid = pid;
    member->kin = kin;
    member->source = (struct source){.ready = member_ended, .owner = member, .fd = -1};
    return supervisor_watch(supervisor, &member->source, steal_fd(&pidfd), EPOLLIN, NULL);
}

size_t kin_groups(const struct instance *instance, pid_t *pids, size_t max)
{
    const struct kin *kin = instance->kin;
    size_t count = 0;

    for (size_t i = 0; kin && kin->own_groups && i < GROUPS_MAX && count < max; i++)
        if (kin->members[i].pid)
            pids[count++] = kin->members[i].pid;
    return count;
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
    case KIN_KEY_MADE:
        key_made(supervisor, kin, message, sender);
        break;
    case KIN_KEY_REMOVED:
        kin_key_remove(&kin->keys, message->kind, message->value);
        break;
    case KIN_KEY_SOUGHT:
        key_sought(supervisor, kin, message, sender);
        break;
    case KIN_FORK_REFUSED:
        fork_refused(supervisor, kin, message, sender);
        break;
    case KIN_FORKED:
        forked(supervisor, kin, message, sender);
        break;
    case KIN_BORN:
        answer(kin, message->ticket, -member_born(supervisor, kin, sender));
        break;
    default:
        break; /* a later guest's word, or a liar's */
    }
}

static bool may_speak(struct kin *kin)
{
    int64_t now_ns = clock_now_ns();

    return kin_rate_allows(&kin->messages, MESSAGES_BURST, MESSAGES_PER_SECOND, now_ns) &&
           kin_rate_allows(&kin->instance->slot->kin_messages, FUNCTION_MESSAGES_BURST,
                           FUNCTION_MESSAGES_PER_SECOND, now_ns);
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
    kin->instance = instance;
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
    bool burnt = false;

    if (!kin)
        return false;
    instance->kin = NULL;
    for (size_t i = 0; kin->own_groups && i < GROUPS_MAX; i++) {
        if (kin->members[i].pid == 0)
            continue;
        burnt |= cgroup_member_remove(instance->group, kin->members[i].pid) < 0;
        member_leave(supervisor, &kin->members[i]);
    }
    wishes_end(supervisor, kin, INT64_MAX);
    kin_keys_drop(&kin->keys);
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
