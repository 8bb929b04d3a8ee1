/* What program and guest share. */
#pragma once

struct event {
    int pid;
    char comm[16];
    char path[108];
};
