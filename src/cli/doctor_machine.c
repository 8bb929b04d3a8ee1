/* Probes: the CPU, ids, KVM and eBPF. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/doctor.h"

/* /etc/subuid is read up to this size. */
#define SUBUID_MAX_BYTES (1u << 20)

/* x86-64-v2 of the psABI: SSE3, SSSE3, SSE4.1, SSE4.2, POPCNT, CMPXCHG16B, LAHF in 64-bit mode. */
static bool cpu_is_v2(void)
{
    unsigned a, b, c, d;
    const unsigned needed =
        bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT | bit_CMPXCHG16B;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed)
        return false;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_LAHF_LM);
}

/* "user:first:count" of /etc/subuid; 0 or -ENOENT. */
static int subuid_range(const char *user, unsigned long *ret_first, unsigned long *ret_count)
{
    _cleanup_(freep) char *text = NULL;
    char *save = NULL;
    size_t size;

    int r = fd_read_file(AT_FDCWD, "/etc/subuid", SUBUID_MAX_BYTES, &text, &size, NULL);
    if (r < 0)
        return r;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        size_t length = strlen(user);
        char *end;
        if (strncmp(line, user, length) != 0 || line[length] != ':')
            continue;
        unsigned long first = strtoul(line + length + 1, &end, 10);
        if (*end != ':' || first == 0)
            continue;
        unsigned long count = strtoul(end + 1, &end, 10);
        if (*end != '\0' || count == 0)
            continue;
        *ret_first = first;
        *ret_count = count;
        return 0;
    }
    return -ENOENT;
}

static void subuid_line(struct doctor *doctor)
{
    const struct passwd *self = getpwuid(geteuid());
    const char *user = geteuid() == 0 ? "vireo" : self ? self->pw_name : "?";
    unsigned long first, count;
    char mechanism[64];

    if (subuid_range(user, &first, &count) == 0) {
        snprintf(mechanism, sizeof mechanism, "/etc/subuid %lu-%lu", first, first + count - 1);
        doctor_line(doctor, DOCTOR_OK, "uids", mechanism, "reserved for '%s'", user);
    } else if (geteuid() == 0) {
        doctor_line(doctor, DOCTOR_OK, "uids", "/etc/subuid",
                    "none is reserved for 'vireo' yet: the daemon adds a range at its first start");
    } else {
        doctor_line(doctor, DOCTOR_FALLBACK, "uids", "the caller's own",
                    "no range is reserved for '%s': root inside a sandbox is you outside", user);
    }
}

/* Debian's own: above 2 perf_event_open(2) is for CAP_SYS_ADMIN, which vireo-broker has not. */
static void paranoid_line(struct doctor *doctor)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/perf_event_paranoid", 16, &text, &size, NULL) < 0)
        return;
    if (atoi(text) <= 2)
        doctor_line(doctor, DOCTOR_OK, "events of eBPF", "perf_event_open",
                    "tracepoints, kprobes and samples can be had");
    else
        doctor_line(doctor, DOCTOR_FALLBACK, "events of eBPF", "opener",
                    "beside vireo-broker a process with CAP_SYS_ADMIN opens them where the kernel "
                    "is Debian's (not with sysctl kernel.perf_event_paranoid=2)");
}

/* The shortest program: return 0. */
static int try_bpf(void)
{
    struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_CGROUP_SKB,
        .insns = (uint64_t)(uintptr_t)code,
        .insn_cnt = ARRAY_LEN(code),
        .license = (uint64_t)(uintptr_t) "GPL",
    };

    _cleanup_(closep) int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    return fd < 0 ? -errno : 0;
}

void doctor_machine(struct doctor *doctor)
{
    struct utsname name;

    if (uname(&name) == 0)
        doctor_line(doctor, strcmp(name.machine, "x86_64") == 0 ? DOCTOR_OK : DOCTOR_REQUIRED,
                    "machine", name.machine, "%s %s", name.sysname, name.release);
    if (cpu_is_v2())
        doctor_line(doctor, DOCTOR_OK, "CPU", "x86-64-v2", "SSE4.2 and POPCNT in functions' code");
    else
        doctor_line(doctor, DOCTOR_REQUIRED, "CPU", "none",
                    "x86-64-v2 is needed: rounding instructions of SSE4.1 and POPCNT");
    subuid_line(doctor);

    paranoid_line(doctor);
    int r = try_bpf();
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_MISSING, "counters and policy",
                r == 0 ? "eBPF" : "none", "%s%s",
                r == 0 ? "programs can be loaded" : "bpf: ", r == 0 ? "" : strerror(-r));
}
