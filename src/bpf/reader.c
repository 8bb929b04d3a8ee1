/*
 * The reader's loop, and what a child of it is enclosed in before it looks at an object: limits of
 * memory and time, and a filter that leaves nothing but memory, files of its empty root, and the
 * pipe that it writes to.
 */
#include "bpf/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/syscall_filter.h"
#include "bpf/object.h"
#include "guest/bpf.h"

#define CHILDREN_MAX 8
/* Of one function: an object may take ten seconds, and others come meanwhile. */
#define CHILDREN_OF_ONE 2
#define WAITING_MAX 128
#define WAITING_OF_ONE 16
#define CHILD_CPU_SECONDS 5
#define CHILD_WALL_SECONDS 10
#define CHILD_BYTES (UINT64_C(1) << 30)
#define CHILD_DESCRIPTORS 1100 /* RECORDS_MAX and a few */

/* In the place of the reader's socket, and behind it. */
#define CHILD_OBJECT_FD READER_FD
#define CHILD_OUTPUT_FD (READER_FD + 1)

/* A child's exit status that asks for the kernel's types to be parsed for those that follow. */
#define EXIT_WANTS_TYPES 3

static const int calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(uname),
    SCMP_SYS(eventfd2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(fcntl),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
};

static int load_filter(void)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;
    int r = syscall_filter_begin("reader", false, &filter, NULL);

    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, calls, ARRAY_LEN(calls));
    if (r == 0)
        r = syscall_filter_allow_data(filter);
    return syscall_filter_load(filter, r, "reader", NULL);
}

static int enclose(void)
{
    const struct rlimit memory = {CHILD_BYTES, CHILD_BYTES};
    const struct rlimit cpu = {CHILD_CPU_SECONDS, CHILD_CPU_SECONDS};
    const struct rlimit files = {CHILD_DESCRIPTORS, CHILD_DESCRIPTORS};

    alarm(CHILD_WALL_SECONDS);
    if (setrlimit(RLIMIT_AS, &memory) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0 ||
        setrlimit(RLIMIT_NOFILE, &files) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    return load_filter();
}

static _Noreturn void find_places(const void *file, const struct reader_request *request,
                                  int output_fd)
{
    static struct reader_places places;

    places.error = request->question == READER_USDT
                       ? usdt_find(file, request->bytes, request->symbol, &places)
                       : symbol_find(file, request->bytes, request->symbol, &places);
    if (places.error < 0)
        places.count = 0;
    _exit(fd_write_full(output_fd, &places,
                        offsetof(struct reader_places, places) +
                            places.count * sizeof places.places[0]) < 0);
}

static _Noreturn void child(int object_fd, int output_fd, const struct reader_request *request)
{
    uint32_t bytes = request->bytes;
    bool kernel_types = false;
    sigset_t none;

    /* Of other requests it must not hear, and of those that wait it has no pipe. */
    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(object_fd, CHILD_OBJECT_FD) < 0 || dup2(output_fd, CHILD_OUTPUT_FD) < 0 ||
        close_range(CHILD_OUTPUT_FD + 1, ~0u, 0) < 0)
        _exit(1);
    object_fd = CHILD_OBJECT_FD;
    output_fd = CHILD_OUTPUT_FD;
    void *object =
        mmap(NULL, (size_t)bytes + request->settings_bytes, PROT_READ, MAP_PRIVATE, object_fd, 0);
    if (object == MAP_FAILED || enclose() < 0)
        _exit(1);
    if (request->question != READER_IMAGE)
        find_places(object, request, output_fd);
    const struct object_settings settings = {(uint8_t *)object + bytes, request->settings_bytes};
    if (object_read(object, bytes, &settings, output_fd, &kernel_types) < 0)
        _exit(1);
    _exit(kernel_types ? EXIT_WANTS_TYPES : 0);
}

/* Those that read now; pid 0: a place that is free. */
static struct {
    pid_t pid;
    uint64_t owner;
} children[CHILDREN_MAX];

/* Those that wait for a place, in their order. */
static struct question {
    struct reader_request request;
    int fds[2]; /* object, pipe */
} waiting[WAITING_MAX];
static size_t waiting_count;

/* A place for one more of this function, or -1. */
static int place_for(uint64_t owner)
{
    int place = -1;
    unsigned of_one = 0;

    for (int i = 0; i < CHILDREN_MAX; i++) {
        of_one += children[i].pid > 0 && children[i].owner == owner;
        if (children[i].pid == 0)
            place = i;
    }
    return of_one < CHILDREN_OF_ONE ? place : -1;
}

static void start(int place, const struct question *question)
{
    pid_t pid = fork();

    if (pid == 0)
        child(question->fds[0], question->fds[1], &question->request);
    if (pid > 0) {
        children[place].pid = pid;
        children[place].owner = question->request.owner;
    }
}

/* Nobody reads its pipe any more. */
static bool is_abandoned(const struct question *question)
{
    struct pollfd pipe = {.fd = question->fds[1]};

    return poll(&pipe, 1, 0) > 0 && (pipe.revents & POLLERR);
}

/* Starts of those that wait whose function has a place. */
static void start_waiting(void)
{
    for (size_t i = 0; i < waiting_count;) {
        struct question *question = &waiting[i];
        bool abandoned = is_abandoned(question);
        int place = abandoned ? -1 : place_for(question->request.owner);
        if (!abandoned && place < 0) {
            i++;
            continue;
        }
        if (!abandoned)
            start(place, question);
        fd_close_all(question->fds, 2);
        memmove(question, question + 1, (--waiting_count - i) * sizeof *question);
    }
}

static int64_t processor_ns(const struct rusage *usage)
{
    const struct timeval *user = &usage->ru_utime, *kernel = &usage->ru_stime;

    return (user->tv_sec + kernel->tv_sec) * INT64_C(1000000000) +
           (user->tv_usec + kernel->tv_usec) * INT64_C(1000);
}

/* Its place is free, and the broker is told what it took. That never waits for us. */
static void forget(pid_t pid, const struct rusage *usage)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (children[i].pid == pid) {
            const struct reader_cost cost = {.owner = children[i].owner,
                                             .processor_ns = processor_ns(usage)};
            children[i].pid = 0;
            (void)fd_send(READER_FD, &cost, sizeof cost, NULL, 0);
        }
}

static void reap(void)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        forget(pid, &usage);
        /* Its next object will want them too; nobody waits for us now. */
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_WANTS_TYPES)
            (void)object_prepare();
    }
}

static bool may_wait(uint64_t owner)
{
    unsigned of_one = 0;

    for (size_t i = 0; i < waiting_count; i++)
        of_one += waiting[i].request.owner == owner;
    return waiting_count < WAITING_MAX && of_one < WAITING_OF_ONE;
}

/* Takes the descriptors of what has to wait. */
static void serve(const struct reader_request *request, int *fds, size_t fd_count)
{
    uint32_t most = request->question != READER_IMAGE ? READER_FILE_MAX : BROKER_OBJECT_MAX;

    if (fd_count != 2 || request->version != BROKER_VERSION || request->bytes == 0 ||
        request->bytes > most || request->settings_bytes > BROKER_DATA_MAX ||
        !memchr(request->symbol, '\0', sizeof request->symbol))
        return; /* the pipe's end says it */
    const struct question question = {*request, {fds[0], fds[1]}};
    int place = place_for(request->owner);
    if (place >= 0) {
        start(place, &question);
    } else if (may_wait(request->owner)) {
        waiting[waiting_count++] = question;
        fds[0] = fds[1] = -1;
    }
}

static void on_child(int number)
{
    (void)number; /* interrupts ppoll() */
}

int reader_main(bool prepare)
{
    struct sigaction action = {.sa_handler = on_child};
    sigset_t blocked, open;

    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 || sigaction(SIGCHLD, &action, NULL) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return 1;
    if (prepare)
        (void)object_prepare();
    for (;;) {
        struct pollfd poll = {.fd = READER_FD, .events = POLLIN};
        struct reader_request request;
        int fds[FD_MESSAGE_MAX];
        size_t fd_count = 0;

        reap();
        start_waiting();
        if (ppoll(&poll, 1, NULL, &open) <= 0)
            continue;
        ssize_t n = fd_receive(READER_FD, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EMSGSIZE))
            return 0;
        if (n == sizeof request)
            serve(&request, fds, fd_count);
        fd_close_all(fds, fd_count);
    }
}
