/*
 * Module "vireo": msgget, msgsnd, msgrcv, msgctl. They are the kernel's own queues: the family has
 * an ipc namespace of its own, with which they go, and its memory limit counts what lies in them. A
 * guest's message begins with a type of 32 bits, the kernel's with one of 64.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>

#include "guest/family.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(msgget)(struct host *host, uint32_t key, uint32_t flags);
uint32_t VIREO(msgsnd)(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                       uint32_t flags);
uint32_t VIREO(msgrcv)(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                       uint32_t type, uint32_t flags);
uint32_t VIREO(msgctl)(struct host *host, uint32_t id, uint32_t command, uint32_t buffer);

/* The kernel's own limit of a message (msgmax), unless the machine has another. */
#define MESSAGE_MAX_BYTES 8192u
#define TYPE_BYTES 4u
/* MSG_EXCEPT, which musl's header shows to others alone. */
#define QUEUE_EXCEPT 020000

struct message {
    long type;
    char text[MESSAGE_MAX_BYTES];
};

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

static bool has_queues(const struct host *host)
{
    return host->family && (host->family->grants & GUEST_GRANT_IPC);
}

/* System call: msgget. */
uint32_t VIREO(msgget)(struct host *host, uint32_t key, uint32_t flags)
{
    if (!has_queues(host))
        return refuse(EPERM);
    if (flags & ~(uint32_t)(IPC_CREAT | IPC_EXCL | 0777))
        return refuse(EINVAL);
    int id = family_key_get(host->family, KIN_QUEUE, (int)key, 0, (int)flags);
    return id < 0 ? refuse(-id) : (uint32_t)id;
}

/* System call: msgsnd. */
static uint32_t send_once(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                          uint32_t flags)
{
    const uint8_t *from = host_memory(host, message, (uint64_t)TYPE_BYTES + bytes);
    struct message copy;
    int32_t type;
    long r;

    if (!has_queues(host))
        return refuse(EPERM);
    if (bytes > MESSAGE_MAX_BYTES || (flags & ~(uint32_t)IPC_NOWAIT))
        return refuse(EINVAL);
    if (!from)
        return refuse(EFAULT);
    memcpy(&type, from, sizeof type);
    copy.type = type;
    memcpy(copy.text, from + TYPE_BYTES, bytes);
    do
        r = signals_call(host, SYS_msgsnd, (int)id, (long)&copy, bytes, (int)flags, 0);
    while (r == -EINTR && !signals_wait(host));
    return r < 0 ? refuse((int)-r) : 0;
}

/* It is never begun again, whatever the handler says: signal(7). So with msgrcv(). */
uint32_t VIREO(msgsnd)(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                       uint32_t flags)
{
    uint32_t result = send_once(host, id, message, bytes, flags);

    signals_after(host, false);
    return result;
}

/* System call: msgrcv. */
static uint32_t receive_once(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                             uint32_t type, uint32_t flags)
{
    uint8_t *to = host_memory(host, message, (uint64_t)TYPE_BYTES + bytes);
    size_t room = bytes < MESSAGE_MAX_BYTES ? bytes : MESSAGE_MAX_BYTES;
    struct message copy;
    ssize_t n;

    if (!has_queues(host))
        return refuse(EPERM);
    if (flags & ~(uint32_t)(IPC_NOWAIT | MSG_NOERROR | QUEUE_EXCEPT))
        return refuse(EINVAL);
    if (bytes > INT32_MAX)
        return refuse(EINVAL);
    if (!to)
        return refuse(EFAULT);
    do
        n = signals_call(host, SYS_msgrcv, (int)id, (long)&copy, (long)room, (int32_t)type,
                         (int)flags);
    while (n == -EINTR && !signals_wait(host));
    if (n < 0)
        return refuse((int)-n);
    int32_t short_type = (int32_t)copy.type;
    memcpy(to, &short_type, sizeof short_type);
    memcpy(to + TYPE_BYTES, copy.text, (size_t)n);
    return (uint32_t)n;
}

uint32_t VIREO(msgrcv)(struct host *host, uint32_t id, uint32_t message, uint32_t bytes,
                       uint32_t type, uint32_t flags)
{
    uint32_t result = receive_once(host, id, message, bytes, type, flags);

    signals_after(host, false);
    return result;
}

/* What the guest is told of a queue: by IPC_STAT, and by FAMILY_STAT. */
struct guest_queue {
    uint32_t messages, bytes, bytes_max, sender, receiver;
};
struct guest_queue_whole {
    struct guest_ipc ipc;
    struct guest_queue queue;
    uint32_t reserved;
    int64_t sent, received, changed;
};

/* System call: msgctl. */
uint32_t VIREO(msgctl)(struct host *host, uint32_t id, uint32_t command, uint32_t buffer)
{
    const bool whole = command == FAMILY_STAT, asks = whole || command == IPC_STAT;
    void *to = host_memory(host, buffer,
                           whole ? sizeof(struct guest_queue_whole) : sizeof(struct guest_queue));
    struct msqid_ds queue;

    if (!has_queues(host))
        return refuse(EPERM);
    if (command != IPC_RMID && !asks)
        return refuse(command == IPC_SET ? EPERM : EINVAL);
    if (asks && !to)
        return refuse(EFAULT);
    if (!asks) {
        int r = family_key_remove(host->family, KIN_QUEUE, (int)id);
        return r < 0 ? refuse(-r) : 0;
    }
    if (msgctl((int)id, IPC_STAT, &queue) < 0)
        return refuse(errno);
    const struct guest_queue_whole told = {
        .ipc = family_ipc(&queue.msg_perm),
        .queue = {(uint32_t)queue.msg_qnum, (uint32_t)queue.__msg_cbytes,
                  (uint32_t)queue.msg_qbytes, (uint32_t)queue.msg_lspid, (uint32_t)queue.msg_lrpid},
        .sent = queue.msg_stime,
        .received = queue.msg_rtime,
        .changed = queue.msg_ctime,
    };
    if (whole)
        memcpy(to, &told, sizeof told);
    else
        memcpy(to, &told.queue, sizeof told.queue);
    return 0;
}
