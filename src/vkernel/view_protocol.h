/* What the view's process and the container's brokers say to each other. */
#pragma once

#include <stdint.h>

#define VIEW_PROGRAM "vireo-view"
/* In the container's directory: where brokers ask for the log. */
#define VIEW_SOCKET "view.sock"
/* Locked (flock(2)) for as long as the view's process holds the program that refuses memory. */
#define VIEW_OVERCOMMIT "overcommit.lock"
/* And what was logged, in turns, for who looks from outside: "NUMBER TIME_US WHO TEXT" a line. */
#define VIEW_LOG_FIRST "kernel.log.0"
#define VIEW_LOG_SECOND "kernel.log.1"
#define VIEW_LOG_FILE_BYTES (128 << 10)

/* What stands for /proc/sys/kernel, and where in it the kernel's own is. */
#define VIEW_KERNEL ".kernel"
#define VIEW_NATIVE ".native"

/* The descriptors that it is started with: LISTEN and both LOGs are there with a log alone,
 * OVERCOMMIT, which it only keeps, with --overcommit. */
enum {
    VIEW_FD_FUSE = 3,
    VIEW_FD_BROKER, /* what needs rights is asked for here */
    VIEW_FD_LISTEN,
    VIEW_FD_GROUP,
    VIEW_FD_LOG,
    VIEW_FD_LOG_SECOND,
    VIEW_FD_OVERCOMMIT,
    VIEW_FD_END
};

/* The first message on VIEW_FD_BROKER, with the v2 group's descriptor: the process starts while the
 * groups are made. Its end instead: there will be no container. */
#define VIEW_GROUP_BYTES 4096
struct view_place {
    uint32_t params;              /* 1 << enum view_param: those that there are */
    char group[VIEW_GROUP_BYTES]; /* the path of the container's control groups */
};

/* syslog(2): its type and length; the answer is the value, and text for some types. */
struct view_ask {
    int32_t type, length;
};
#define VIEW_TEXT_MAX (64 << 10)
struct view_answer {
    int64_t value; /* or -errno */
    char text[VIEW_TEXT_MAX];
};

/* Parameters: what the view asks of the broker that has its other end, and the answer. */
enum view_param {
    VIEW_POLICY,
    VIEW_GRANULARITY,
    VIEW_SWAPPINESS,
    VIEW_OVERCOMMIT_MEMORY,
    VIEW_OVERCOMMIT_RATIO,
};
#define VIEW_VALUE_BYTES 64
struct view_wish {
    uint32_t number;
    uint32_t param; /* enum view_param */
    uint32_t is_write, length;
    char value[VIEW_VALUE_BYTES];
};
struct view_granted {
    uint32_t number;
    int32_t error; /* an errno; 0: it is done, or here it is */
    uint32_t length;
    char value[VIEW_VALUE_BYTES];
};
