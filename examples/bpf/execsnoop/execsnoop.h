/* What program and guest share. */
#pragma once

enum event_kind { EVENT_EXEC, EVENT_EXIT };

struct event {
    int kind;
    int pid;
    int ppid;
    int status; /* of an end, as of wait(2) */
    unsigned long long ran_ns;
    char comm[16];
    char filename[96];
};
