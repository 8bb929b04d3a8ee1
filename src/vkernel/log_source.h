/*
 * Where the messages of one control group come from: a program in the kernel (kmsg.bpf.c), loaded
 * once for the machine. It is there as long as anybody holds it: who needs it looks for it, and
 * loads it where nobody has.
 */
#pragma once

struct err;
struct kmsg_record;
struct log_source;

/* The program. CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN (to look for the loaded one). The caller's. */
int log_source_open(struct log_source **ret_source, struct err *err);
/*
 * From now the messages of the v2 group `cgroup_fd` and of what is below it (save the groups below
 * that have a source of their own). CAP_BPF, CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH; none of them
 * afterwards.
 */
int log_source_follow(struct log_source *source, int cgroup_fd, struct err *err);
void log_source_free(struct log_source *source);

/* Readable when there is something. */
int log_source_fd(const struct log_source *source);
/* Every message that there is. 0 or -errno. */
int log_source_read(struct log_source *source,
                    void (*each)(const struct kmsg_record *record, void *user), void *user);
