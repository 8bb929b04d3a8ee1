/*
 * What a start of a pVM costs: no spare prepared, clock from the decision (before a group and a
 * channel are taken) to the first byte of the answer, own control group and filter. A start counts
 * when the pVM has answered, has ended, was reaped, and its group was given back to the pool, which
 * cleans it. Uses the same functions as the supervisor, in the same order, without HTTP.
 *
 *   start_bench --guest build/vireo-guest --library LIB.so --uid N
 *       [--own] (own pid, mount, ipc, uts and user namespaces; else the template's)
 *       [--at-once N] [--every MS] [--seconds S] [--label TEXT]
 *       [--blank] (a fork of a blank is linked with the library, instead of a fork of its template)
 *       [--keep N] (one after another, each kept when it has answered)
 *
 * Prints one line: a Markdown table row, or with --json a JSON object. With --keep a line for each
 * ten starts: how many there are, milliseconds since the first began, KiB that MemAvailable fell,
 * KiB that their groups hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "guest/channel.h"
#include "pvm/pvm.h"

#define AT_ONCE_MAX 64
#define KEEP_MAX 1024
#define SAMPLES_MAX 2000000

struct flight {
    int64_t begin_ns;
    struct cgroup *group;
    struct pvm_channel channel;
    struct channel *memory;
    bool busy, answered;
    float latency_us;
};

struct bench {
    struct pvm_template *template;
    struct cgroup_pool *pool;
    struct pvm_channel_stock channels;
    struct cgroup_limits limits;
    bool own, blank;
    unsigned at_once;
    int epoll;
    bool keep;
    struct flight flights[KEEP_MAX]; /* AT_ONCE_MAX of them, unless they are kept */
    unsigned in_flight;
    uint64_t done, failed;
    float *samples_us;
};

static _Noreturn void die(const struct err *err, const char *what)
{
    fprintf(stderr, "start_bench: %s: %s\n", what,
            err && err->code ? err->message : strerror(errno));
    exit(1);
}

/* A GET without headers or body. */
static void write_request(struct channel *channel)
{
    static const char head[] = "GET\0/\0\0http://bench\0";
    uint32_t bytes = sizeof head; /* the array's own NUL is the empty remote address */

    memcpy(channel_request_text(channel, 0, bytes, 0), head, bytes);
    channel->slots[0].request =
        (struct channel_request){.head_bytes = bytes, .answer_max = RESPONSE_BODY_MAX_BYTES};
    channel->slots[0].state = CHANNEL_READY;
    channel->host_waits = 1;
    channel->request_sequence = 1;
    if (channel->guest_waits)
        syscall(__NR_futex, &channel->request_sequence, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void start(struct bench *bench, unsigned slot)
{
    struct flight *flight = &bench->flights[slot];
    struct err err = {0};

    flight->begin_ns = clock_now_ns();
    flight->answered = false;
    if (bench->pool && cgroup_pool_take(bench->pool, &bench->limits, &flight->group, &err) < 0)
        die(&err, "group");
    if (pvm_channel_take(&bench->channels, &flight->channel, &err) < 0)
        die(&err, "channel");
    struct pvm_fork_options fork = {
        .id = slot,
        .own_namespaces = bench->own,
        .one_call = !bench->keep,
        .group = flight->group,
        .channel = &flight->channel,
    };
    if (pvm_fork(bench->template, &fork, &err) < 0)
        die(&err, "fork");
    /* As the gateway does while the template forks. */
    flight->memory =
        mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, flight->channel.memory_fd, 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = slot};
    if (flight->memory == MAP_FAILED ||
        epoll_ctl(bench->epoll, EPOLL_CTL_ADD, flight->channel.event_fd, &event) < 0)
        die(NULL, "channel");
    write_request(flight->memory);
    flight->busy = true;
    bench->in_flight++;
}

static void answered(struct bench *bench, unsigned slot)
{
    struct flight *flight = &bench->flights[slot];

    if (flight->answered)
        return;
    if (atomic_load_explicit(&flight->memory->response_sequence, memory_order_acquire) != 1 ||
        flight->memory->slots[0].response.outcome != CHANNEL_ANSWERED)
        return;
    flight->answered = true;
    flight->latency_us = (float)(clock_now_ns() - flight->begin_ns) / 1000.f;
}

static void ended(struct bench *bench, unsigned slot, int status)
{
    struct flight *flight = &bench->flights[slot];

    answered(bench, slot); /* its event may be behind this one */
    if (bench->keep)
        die(NULL, "an instance that was to be kept ended");
    if (flight->answered && status == 0) {
        if (bench->done < SAMPLES_MAX)
            bench->samples_us[bench->done] = flight->latency_us;
        bench->done++;
    } else {
        bench->failed++;
        fprintf(stderr, "start_bench: a start failed: status %#x, outcome %u\n", status,
                flight->memory->slots[0].response.outcome);
    }
    munmap(flight->memory, CHANNEL_BYTES);
    pvm_channel_close(&flight->channel);
    if (flight->group)
        cgroup_pool_put(bench->pool, flight->group, false);
    flight->group = NULL;
    pvm_channel_stock_fill(&bench->channels);
    flight->busy = false;
    bench->in_flight--;
}

#define TEMPLATE_EVENT UINT32_MAX

static void pump(struct bench *bench, int timeout_ms)
{
    struct epoll_event events[128];
    struct pvm_event event;

    int n = epoll_wait(bench->epoll, events, ARRAY_LEN(events), timeout_ms);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 != TEMPLATE_EVENT) {
            answered(bench, events[i].data.u32);
            continue;
        }
        while (pvm_template_read(bench->template, &event) == 1) {
            if (event.type == PVM_TEMPLATE_GONE || event.type == PVM_NOT_STARTED) {
                errno = -event.error;
                die(NULL, "template");
            }
            if (event.type == PVM_ENDED)
                ended(bench, (unsigned)event.id, event.status);
        }
    }
}

static void run_back_to_back(struct bench *bench, int64_t until_ns)
{
    while (clock_now_ns() < until_ns) {
        for (unsigned i = 0; i < bench->at_once; i++) {
            if (!bench->flights[i].busy)
                start(bench, i);
        }
        pump(bench, 1000);
    }
    while (bench->in_flight)
        pump(bench, 1000);
}

static void run_spaced(struct bench *bench, int64_t until_ns, int every_ms)
{
    while (clock_now_ns() < until_ns) {
        start(bench, 0);
        while (bench->in_flight)
            pump(bench, 1000);
        const struct timespec pause = {.tv_sec = every_ms / 1000,
                                       .tv_nsec = every_ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
    }
}

static long memory_available_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");

    if (!file)
        die(NULL, "/proc/meminfo");
    while (!kib && fgets(line, sizeof line, file))
        sscanf(line, "MemAvailable: %ld", &kib);
    fclose(file);
    return kib;
}

static uint64_t groups_kib(const struct bench *bench, unsigned count)
{
    uint64_t sum = 0, bytes;

    for (unsigned i = 0; i < count; i++)
        if (bench->flights[i].group && cgroup_read_memory(bench->flights[i].group, &bytes) == 0)
            sum += bytes / 1024;
    return sum;
}

/* The clock stands while memory is read. */
static void run_kept(struct bench *bench, unsigned count)
{
    long before_kib = memory_available_kib();
    int64_t took_ns = 0;

    bench->keep = true;
    for (unsigned i = 0; i < count; i++) {
        int64_t begin_ns = clock_now_ns();
        start(bench, i);
        while (!bench->flights[i].answered)
            pump(bench, 1000);
        pvm_channel_stock_fill(&bench->channels);
        /* As the gateway: the mapping is all that it needs. */
        close(bench->flights[i].channel.memory_fd);
        bench->flights[i].channel.memory_fd = -1;
        took_ns += clock_now_ns() - begin_ns;
        if (i == 0 || (i + 1) % 10 == 0)
            printf("%u %.3f %ld %llu\n", i + 1, (double)took_ns / 1e6,
                   before_kib - memory_available_kib(),
                   (unsigned long long)groups_kib(bench, i + 1));
    }
    bench->done = count;
}

static int by_value(const void *a, const void *b)
{
    float one = *(const float *)a;
    float two = *(const float *)b;

    return (one > two) - (one < two);
}

static void give_back(struct cgroup *group, void *user)
{
    struct bench *bench = user;

    cgroup_pool_put(bench->pool, group, true);
}

static int make_template(struct bench *bench, struct pvm_template_options *options, struct err *err)
{
    static const uint8_t wall[PVM_WALL_BYTES];

    if (!bench->blank)
        return pvm_template_new(options, &bench->template, err);
    options->group_done = give_back;
    options->user = bench;
    return pvm_template_blank(options, wall, INT64_MAX, &bench->template, err);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"guest", required_argument, NULL, 'g'},
        {"library", required_argument, NULL, 'l'},
        {"uid", required_argument, NULL, 'u'},
        {"own", no_argument, NULL, 'o'},
        {"at-once", required_argument, NULL, 'n'},
        {"every", required_argument, NULL, 'e'},
        {"seconds", required_argument, NULL, 's'},
        {"label", required_argument, NULL, 'L'},
        {"json", no_argument, NULL, 'j'},
        {"no-groups", no_argument, NULL, 'G'},
        {"keep", required_argument, NULL, 'k'},
        {"blank", no_argument, NULL, 'b'},
        {NULL, 0, NULL, 0},
    };
    static struct bench bench = {.at_once = 1};
    const char *guest = NULL;
    const char *library = NULL;
    const char *label = "vireo";
    const char *function = "bench";
    unsigned keep = 0;
    int every_ms = 0;
    int seconds = 30;
    bool json = false;
    bool groups = true;
    uid_t uid = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'g':
            guest = optarg;
            break;
        case 'l':
            library = optarg;
            break;
        case 'u':
            uid = (uid_t)strtoul(optarg, NULL, 10);
            break;
        case 'o':
            bench.own = true;
            break;
        case 'n':
            bench.at_once = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'e':
            every_ms = (int)strtol(optarg, NULL, 10);
            break;
        case 's':
            seconds = (int)strtol(optarg, NULL, 10);
            break;
        case 'L':
            label = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'G':
            groups = false;
            break;
        case 'b':
            bench.blank = true;
            break;
        case 'k':
            keep = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            return 2;
        }
    }
    if (!guest || !library || !uid || bench.at_once < 1 || bench.at_once > AT_ONCE_MAX ||
        keep > KEEP_MAX) {
        fputs("usage: see the top of bench/start_bench.c\n", stderr);
        return 2;
    }

    struct err err = {0};
    struct manifest manifest;
    const struct cgroup_limits unlimited = {0}; /* as the supervisor's templates */
    struct cgroup_root *root = NULL;
    struct cgroup *group = NULL;
    _cleanup_(freep) char *bytes = NULL;
    size_t size = 0;
    int library_fd = -1;
    char name[64];

    bench.samples_us = calloc(SAMPLES_MAX, sizeof *bench.samples_us);
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    int guest_fd = open(guest, O_RDONLY | O_CLOEXEC);
    if (!bench.samples_us || bench.epoll < 0 || guest_fd < 0)
        die(NULL, guest);
    if (fd_read_file(AT_FDCWD, library, LIBRARY_MAX_BYTES, &bytes, &size, &err) < 0 ||
        fd_sealed_copy("bench-library", bytes, size, &library_fd, &err) < 0)
        die(&err, "library");
    manifest_default(&manifest);
    bench.limits = (struct cgroup_limits){.memory_bytes = manifest.limits.memory_bytes,
                                          .pids = manifest.limits.pids};
    /* As the supervisor: an empty network namespace, shared. */
    if (unshare(CLONE_NEWNET) < 0)
        die(NULL, "network namespace");
    snprintf(name, sizeof name, "vireo/bench-%d", (int)getpid());
    if (groups) {
        if (cgroup_root_open(name, &root, &err) < 0 ||
            cgroup_pool_new(root, bench.at_once * 2 + 16, &bench.pool, &err) < 0 ||
            cgroup_pool_take(bench.pool, &unlimited, &group, &err) < 0)
            die(&err, "groups");
    }
    struct pvm_template_options template = {
        .function = function,
        .manifest = &manifest,
        .guest_program_fd = guest_fd,
        .library_fd = library_fd,
        .uid = uid,
        .args = &function,
        .arg_count = 1,
        .group = group,
    };
    if (make_template(&bench, &template, &err) < 0)
        die(&err, "template");
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = TEMPLATE_EVENT};
    epoll_ctl(bench.epoll, EPOLL_CTL_ADD, pvm_template_fd(bench.template), &event);

    /* Steady state first: a second that does not count. */
    run_back_to_back(&bench, clock_now_ns() + 1000000000);
    bench.done = bench.failed = 0;
    int64_t begin_ns = clock_now_ns();
    int64_t until_ns = begin_ns + (int64_t)seconds * 1000000000;
    if (keep)
        run_kept(&bench, keep);
    else if (every_ms)
        run_spaced(&bench, until_ns, every_ms);
    else
        run_back_to_back(&bench, until_ns);
    double took_s = (double)(clock_now_ns() - begin_ns) / 1e9;

    size_t n = bench.done < SAMPLES_MAX ? bench.done : SAMPLES_MAX;
    qsort(bench.samples_us, n, sizeof *bench.samples_us, by_value);
    double p50 = n ? (double)bench.samples_us[n / 2] : 0;
    double p99 = n ? (double)bench.samples_us[n * 99 / 100] : 0;
    double rate = (double)bench.done / took_s;
    if (keep)
        fflush(stdout);
    else if (json)
        printf("{\"label\":\"%s\",\"n\":%zu,\"failed\":%llu,\"p50_us\":%.0f,\"p99_us\":%.0f,"
               "\"per_second\":%.0f}\n",
               label, n, (unsigned long long)bench.failed, p50, p99, rate);
    else
        printf("| %s | %zu | %llu | %.0f | %.0f | %.0f |\n", label, n,
               (unsigned long long)bench.failed, p50, p99, rate);

    pvm_template_free(bench.template);
    for (unsigned i = 0; i < keep; i++)
        cgroup_pool_put(bench.pool, bench.flights[i].group, true);
    if (group && !bench.blank)
        cgroup_pool_put(bench.pool, group, true);
    cgroup_pool_free(bench.pool);
    cgroup_root_close(root);
    return bench.failed ? 1 : 0;
}
