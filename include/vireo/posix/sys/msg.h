/*
 * <sys/msg.h>, which wasi-libc does not have: message queues of the family (grant ipc), of the
 * kernel's limits (8 KiB a message, 16 KiB a queue). They go with the instance.
 */
#ifndef VIREO_POSIX_SYS_MSG_H
#define VIREO_POSIX_SYS_MSG_H

#include <stddef.h>
#include <sys/ipc.h>

#include <vireo/family.h>

#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000

typedef unsigned long msgqnum_t, msglen_t;

/* What is known of a queue. */
struct msqid_ds {
    struct ipc_perm msg_perm;
    msgqnum_t msg_qnum;
    unsigned long __msg_cbytes;
    msglen_t msg_qbytes;
    pid_t msg_lspid, msg_lrpid;
    time_t msg_stime, msg_rtime, msg_ctime;
};

VIREO_IMPORT(msgget) int32_t vireo_import_msgget(int32_t key, int32_t flags);
VIREO_IMPORT(msgsnd)
int32_t vireo_import_msgsnd(int32_t id, const void *message, size_t bytes, int32_t flags);
VIREO_IMPORT(msgrcv)
int32_t vireo_import_msgrcv(int32_t id, void *message, size_t bytes, int32_t type, int32_t flags);
VIREO_IMPORT(msgctl)
int32_t vireo_import_msgctl(int32_t id, int32_t command, struct msqid_ds *buffer);

static inline int msgget(key_t key, int flags)
{
    return vireo_errno(vireo_import_msgget(key, flags));
}

static inline int msgsnd(int id, const void *message, size_t bytes, int flags)
{
    return vireo_errno(vireo_import_msgsnd(id, message, bytes, flags));
}

static inline ssize_t msgrcv(int id, void *message, size_t bytes, long type, int flags)
{
    return vireo_errno(vireo_import_msgrcv(id, message, bytes, (int32_t)type, flags));
}

/* IPC_RMID, IPC_STAT; IPC_SET is EPERM. */
static inline int msgctl(int id, int command, struct msqid_ds *buffer)
{
    command = command == IPC_STAT ? VIREO_IPC_STAT : command;
    return vireo_errno(vireo_import_msgctl(id, command, buffer));
}

#endif
