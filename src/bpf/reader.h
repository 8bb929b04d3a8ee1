/*
 * vireo-bpf: the reader of eBPF objects. It holds no right at all; for each object it forks a child
 * that reads that one and ends. A request is one message on READER_FD: struct reader_request with
 * two descriptors, the object (a sealed memfd) and a pipe for the image.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define READER_FD 3

struct reader_request {
    uint32_t version; /* BROKER_VERSION */
    uint32_t bytes;
};

/*
 * Serves until its socket ends. Returns the program's exit status. `prepare`: the kernel's type
 * information is parsed before the first object comes; else after the first that needed it.
 */
int reader_main(bool prepare);
