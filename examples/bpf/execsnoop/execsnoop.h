/* What program and guest share. */
#pragma once

struct event {
    int pid;
    int ppid;
    char comm[16];
    char filename[96];
};
