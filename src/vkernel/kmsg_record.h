/* What the kernel-side program (kmsg.bpf.c) tells of one message: both sides' one layout. */
#pragma once

#define KMSG_TEXT_BYTES 512
#define KMSG_COMM_BYTES 16
/* In a ring for each container: about 200 messages that nobody has fetched yet. */
#define KMSG_RING_BYTES (128 << 10)
#define KMSG_GROUPS_MAX 4096

/* Where this kernel's structures have what the program reads: found out once (log_source.c). */
struct kmsg_offsets {
    unsigned task_stack, task_sighand, sighand_action;
    unsigned action_bytes; /* of one of them; its handler comes first */
};

enum kmsg_kind {
    KMSG_PRINTK, /* a text of the kernel, printed in the context of one of the group's tasks */
    KMSG_FAULT,  /* a task ends by a fault that the kernel did not print: it prints 10 in 5 s */
    KMSG_SECCOMP /* a task ends by its filter: the kernel tells this from a thread of its own */
};

struct kmsg_record {
    unsigned long long time_ns; /* CLOCK_MONOTONIC */
    unsigned long long address; /* of a fault */
    unsigned tid, pid;          /* as the host counts */
    int signal, code;           /* of a fault; `code` is the call's number for KMSG_SECCOMP */
    unsigned kind;              /* enum kmsg_kind */
    unsigned length;            /* of `text` */
    char comm[KMSG_COMM_BYTES];
    char text[KMSG_TEXT_BYTES];
};
