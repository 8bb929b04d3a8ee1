/*
 * An instance of a Python function: what a fork of the template gives up before any code of the
 * tenant runs in it, and its calls. python.h.
 *
 * System calls of a start: a write to each v1 group, setsid, sethostname, move_mount for each
 * private folder, mmap of the channel, dup3, close_range, sched_setattr and a prctl for huge
 * pages where its manifest says so, capset with prctl, getrandom, seccomp.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guest/call.h"
#include "guest/channel.h"
#include "guest/control_serve.h"
#include "guest/family.h"
#include "guest/lockdown.h"
#include "guest/python/python.h"
#include "guest/seccomp.h"
#include "guest/wait.h"

#define EXPORTED __attribute__((visibility("default")))

static struct guest_call call;
static char request_head[REQUEST_HEAD_MAX_BYTES + 1];
static uint32_t number; /* of the call that is served */
static bool one_call;

/* Nothing here is of a family, and nothing is linked while it runs. */
void family_log(const struct family *family, const void *data, uint64_t bytes)
{
    (void)family, (void)data, (void)bytes;
}

void control_serve(struct template_state *state, struct channel *channel)
{
    (void)state, (void)channel;
}

/* Not to be returned from: the host sees the status. */
static _Noreturn void give_up(void)
{
    _exit(GUEST_EXIT_SETUP);
}

static void enter_groups(const struct python_fds *fds)
{
    for (size_t i = 0; i < fds->task_count; i++) {
        /* "0" is the writer; alone in its thread group it is moved without a grace period. */
        if (write(fds->tasks[i], "0", 1) != 1)
            give_up();
    }
}

/* Signals and priorities of a process group pass through pid namespaces: to the template and to its
 * other forks, which have the same user. */
static void leave_process_group(void)
{
    if (setsid() < 0)
        give_up();
}

/* Its name among its siblings is the host's name. */
static void take_name(const struct guest_setup *setup, uint64_t id)
{
    char name[64];
    int n = snprintf(name, sizeof name, "%.40s-%llu", setup->function, (unsigned long long)id);

    if (sethostname(name, (size_t)n) < 0)
        give_up();
}

/* Private folders: empty, and in its mount namespace alone. */
static void mount_folders(const struct guest_setup *setup, const struct python_fds *fds)
{
    size_t at = 0;

    for (uint32_t i = 0; i < setup->file_count; i++) {
        if (!setup->files[i].tmpfs_bytes)
            continue;
        if (move_mount(fds->tmp[at++], "", AT_FDCWD, setup->files[i].path,
                       MOVE_MOUNT_F_EMPTY_PATH) < 0)
            give_up();
    }
}

/* What imports have opened goes too: through it siblings could talk. */
static struct channel *keep_descriptors(const struct python_fds *fds)
{
    struct channel *channel =
        mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds->memory, 0);

    if (channel == MAP_FAILED || dup3(fds->event, GUEST_EVENT_FD, O_CLOEXEC) < 0 ||
        syscall(SYS_close_range, GUEST_EVENT_FD + 1, ~0u, 0) < 0)
        give_up();
    return channel;
}

/* Of each OpenSSL that an import has loaded: RAND_add(3). */
static void (*openssl_add[2])(const void *, int, double);

void python_find_openssl(void)
{
    static const char *const libraries[] = {"libcrypto.so.3", "libcrypto.so.1.1"};

    for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
        void *library = dlopen(libraries[i], RTLD_NOLOAD | RTLD_LAZY);
        if (library)
            *(void **)&openssl_add[i] = dlsym(library, "RAND_add");
    }
}

/*
 * What the C side of libraries has drawn from the kernel before the fork, and would give each
 * sibling alike. OpenSSL sees a fork by its process id, which two namespaces may both have.
 */
static void renew_secrets(void)
{
    struct {
        unsigned char openssl[48];
        unsigned int random;
        long drand;
    } fresh;

    if (getrandom(&fresh, sizeof fresh, 0) != sizeof fresh)
        give_up();
    srandom(fresh.random);
    srand48(fresh.drand);
    for (size_t i = 0; i < ARRAY_LEN(openssl_add); i++)
        if (openssl_add[i])
            openssl_add[i](fresh.openssl, sizeof fresh.openssl, sizeof fresh.openssl);
    explicit_bzero(&fresh, sizeof fresh);
}

/* As guest/instance.c. */
static void set_scheduling(const struct guest_setup *setup)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {
        .size = sizeof attributes, .policy = setup->sched_policy, .runtime = setup->slice_ns};

    if (setup->sched_said)
        syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void python_become(const struct guest_setup *setup, const struct guest_fork *message,
                   const struct python_fds *fds)
{
    sigset_t none;

    enter_groups(fds);
    leave_process_group();
    take_name(setup, message->id);
    mount_folders(setup, fds);
    call.channel = keep_descriptors(fds);
    one_call = (message->flags & GUEST_FORK_ONE_CALL) != 0;
    set_scheduling(setup);
    if (setup->huge_pages && prctl(PR_SET_THP_DISABLE, 1, setup->huge_pages - 1, 0, 0) < 0)
        give_up();
    renew_secrets();
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Those of its own user namespace. The filter of the template stays below this one. */
    if (lockdown_capabilities(0) < 0 ||
        seccomp_load_program(setup->filter, setup->filter_count, false) < 0)
        give_up();
}

EXPORTED int python_next(struct python_request *ret_request)
{
    struct channel *channel = call.channel;
    uint32_t slot;

    for (;;) {
        uint32_t done = number++;
        while (atomic_load_explicit(&channel->request_sequence, memory_order_acquire) == done) {
            if (channel_wait_begin(&channel->guest_waits, &channel->request_sequence, done))
                syscall(SYS_futex, &channel->request_sequence, FUTEX_WAIT, done, NULL, NULL, 0);
            atomic_store_explicit(&channel->guest_waits, 0, memory_order_relaxed);
        }
        if (wait_take(channel, number, &slot))
            break;
        wait_publish(channel, number); /* withdrawn */
    }
    if (call_parse(&call, channel, slot, request_head) < 0)
        give_up();
    /* Its parts lie behind one another: parsing left the NULs where they were. */
    const struct call_text *last =
        call.header_count > 0 ? &call.header_values[call.header_count - 1] : &call.remote;
    *ret_request = (struct python_request){
        .head = request_head,
        .body = call.body,
        .head_bytes = (uint32_t)(last->data + last->bytes + 1 - request_head),
        .body_bytes = call.body_bytes,
        .header_count = call.header_count,
        .answer_max = call.answer_max,
    };
    return 0;
}

/* The pairs of `head`. -EINVAL when one is none that HTTP allows. */
static int put_headers(const char *head, uint32_t bytes)
{
    const char *end = head + bytes;

    while (head < end) {
        const char *value = memchr(head, '\0', (size_t)(end - head));
        const char *nul = value ? memchr(value + 1, '\0', (size_t)(end - value - 1)) : NULL;
        if (!nul)
            return -EINVAL;
        int r = call_response_header(&call, head, (size_t)(value - head), value + 1,
                                     (size_t)(nul - value - 1));
        if (r < 0)
            return r;
        head = nul + 1;
    }
    return 0;
}

EXPORTED int python_answer(uint32_t outcome, uint32_t status, const char *head, uint32_t head_bytes,
                           const uint8_t *body, uint32_t body_bytes)
{
    char message[CHANNEL_MESSAGE_BYTES + 1] = "";

    if (outcome == CHANNEL_ANSWERED && put_headers(head, head_bytes) < 0) {
        outcome = CHANNEL_IMPROPER;
        snprintf(message, sizeof message, "a header that HTTP does not allow");
    } else if (outcome == CHANNEL_ANSWERED && body_bytes > call.answer_max) {
        outcome = CHANNEL_TOO_LARGE;
    } else if (outcome != CHANNEL_ANSWERED) {
        snprintf(message, sizeof message, "%.*s", (int)body_bytes, (const char *)body);
    }
    call.status = status;
    call.answer = (uint8_t *)(uintptr_t)body;
    call.answer_bytes = outcome == CHANNEL_ANSWERED ? body_bytes : 0;
    if (outcome == CHANNEL_ANSWERED && (status < 200 || status > 599)) {
        call.has_bad_status = true;
        call.bad_status = status;
        call.status = 0;
    }
    call_respond(&call, (enum channel_outcome)outcome, outcome == CHANNEL_FAILED ? -1 : 0,
                 one_call ? CHANNEL_FINISHED : 0, message);
    wait_publish(call.channel, number);
    if (one_call) {
        /* The end of a process takes as long as a call: who waits for the answer goes first. */
        sched_yield();
        _exit(0);
    }
    return 0;
}

EXPORTED void python_log(const char *text, uint32_t bytes)
{
    call_log(&call, text, bytes);
}
