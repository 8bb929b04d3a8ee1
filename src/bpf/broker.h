/*
 * vireo-broker: loads the eBPF programs of functions. It has the capabilities to load and attach
 * them and no others, and reads no ELF and no type information of a function: vireo-bpf does, which
 * has no rights, and gives flat arrays, which are checked against the function's policy here.
 *
 *   who starts it to the broker    BROKER_FD: struct broker_instance and up to five descriptors:
 *                                  the broker's end of a SEQPACKET pair whose other end the
 *                                  instance has, the instance's own v2 control group (a directory),
 *                                  those by which a session is charged to it, and with `host` the
 *                                  machine's root
 *   instance to broker and back    over that pair: guest/bpf.h
 *   broker to reader               BROKER_READER_FD: reader.h
 *
 * Each instance is served by a child of its own, which ends with it: what the kernel has of it then
 * has no descriptor left, and is gone.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "bpf/policy.h"
#include "guest/bpf.h"

#define BROKER_FD 3
#define BROKER_READER_FD 4
#define BROKER_CHARGES_MAX 2

/* Where the broker's root has them. */
#define BROKER_TRACING_ALL "/tracing"
#define BROKER_TRACING BROKER_TRACING_ALL "/events"
#define BROKER_FUNCTIONS BROKER_TRACING_ALL "/available_filter_functions"
#define BROKER_SOURCES "/sys/bus/event_source/devices"
#define BROKER_GROUPS "/cgroup"

struct broker_instance {
    uint32_t version;            /* BROKER_VERSION */
    uint8_t has_group, has_root; /* 1: its descriptor comes with the message */
    uint8_t charge_count;        /* so many of them come, at most BROKER_CHARGES_MAX */
    uint8_t unused;
    /* Whose pins it has: a number that is never another function's. With `forget` nothing is
     * served, and no descriptor comes: that function is gone, and its pins go. */
    uint64_t owner;
    uint32_t forget, reserved;
    char function[NAME_MAX_BYTES + 1];
    char directory[256]; /* with `host`: where paths of uprobes begin that are not absolute */
    struct bpf_policy policy;
};

/* `uid` is what it runs as. Serves until its socket ends. Returns the program's exit status. */
int broker_main(uint32_t uid);
