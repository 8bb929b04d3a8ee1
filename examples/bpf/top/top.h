/* What program and guest share. */
#pragma once

#define TASKS 512

struct task {
    unsigned long long ran_ns;
    char name[16];
};
