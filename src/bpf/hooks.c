/*
 * Tracepoints are the machine's: whatever hangs on one is run for everybody. So functions without
 * `host` share one program of the broker's own at each: it looks up the current control group, and
 * goes on (by a tail call) with that group's program, if there is one. What a neighbour's call
 * costs does not grow with the functions, and the kernel's 64 places at a tracepoint are not theirs
 * to take. What a function leaves stays for a while, so that attaching in a loop makes nothing
 * anew; what is made anew is its time (budget.h), and closed by another process (release.c).
 *
 * Sessions ask over a socket that they share; each question comes with a socket for its answer,
 * which is the attachment from then on: when the session closes it, or ends, that is undone.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"
#include "bpf/budget.h"

#define HOOKS_MAX 1024
#define HOLDS_OF_ONE 128 /* function: the others have room too */
/* A hook that nobody uses stays so long: who comes again finds it. */
#define IDLE_NS INT64_C(2000000000)
#define RETRY_NS INT64_C(10000000)

struct hook_request {
    uint64_t group, owner;
    char point[128];
};

/* What hangs on a tracepoint; a group's second program there is at the next level, another hook. */
struct hook {
    char point[128]; /* "": free */
    uint32_t level, users;
    int groups;   /* control group -> place in `programs` */
    int programs; /* by the hold's number */
    int event, link;
    uint64_t owner;     /* of whom it is to pay for: who made it, or uses it since */
    int64_t dropped_ns; /* of one that nobody uses: when it goes */
};

struct hold {
    int socket; /* 0: free (standard input is none) */
    struct hook *hook;
    uint64_t group, owner;
};

static struct hook hooks[HOOKS_MAX];
static struct hold holds[HOOK_HOLDS_MAX];
static size_t idle_count; /* hooks that are there and that nobody uses */

/* ---- a hook ---- */

static int load_own(const struct hook *hook)
{
    const struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_cgroup_id},
        {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 0, .off = -8},
        {.code = BPF_LD | BPF_IMM | BPF_DW,
         .dst_reg = 1,
         .src_reg = BPF_PSEUDO_MAP_FD,
         .imm = hook->groups},
        {0},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -8},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 5},
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 3, .src_reg = 0},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6},
        {.code = BPF_LD | BPF_IMM | BPF_DW,
         .dst_reg = 2,
         .src_reg = BPF_PSEUDO_MAP_FD,
         .imm = hook->programs},
        {0},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
        /* Not one of ours: nothing is recorded. */
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int fd =
        bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "vireo_hook", "GPL", code, ARRAY_LEN(code), NULL);

    return fd < 0 ? -errno : fd;
}

/* Its own program hangs there until its descriptors are closed; -errno. */
static int hook_link(struct hook *hook)
{
    hook->event = tracepoint_open(hook->point);
    if (hook->event < 0)
        return hook->event;
    _cleanup_(closep) int own = load_own(hook);
    if (own < 0)
        return own;
    int r = event_enable(hook->event);
    if (r < 0)
        return r;
    /* The last step: a hook that has a link is found by others. */
    hook->link = bpf_link_create(own, hook->event, BPF_PERF_EVENT, NULL);
    return hook->link < 0 ? -errno : 0;
}

/* -EAGAIN: what was dropped before is not closed yet. */
static int hook_drop(struct hook *hook)
{
    const int all[] = {hook->link, hook->event, hook->programs, hook->groups};
    int fds[ARRAY_LEN(all)];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] >= 0)
            fds[count++] = all[i];
    int r = release_fds(fds, count);
    if (r == 0) {
        *hook = (struct hook){0};
        idle_count--;
    }
    return r;
}

static void hook_leave(struct hook *hook, int64_t for_ns)
{
    hook->dropped_ns = clock_now_ns() + for_ns;
}

int hooks_tidy(void)
{
    if (idle_count == 0)
        return -1;
    int64_t now_ns = clock_now_ns(), next_ns = INT64_MAX;

    for (size_t i = 0; i < HOOKS_MAX; i++) {
        struct hook *hook = &hooks[i];
        if (!hook->point[0] || hook->users > 0)
            continue;
        if (hook->dropped_ns <= now_ns && hook_drop(hook) == 0)
            continue;
        int64_t at_ns = hook->dropped_ns > now_ns ? hook->dropped_ns : now_ns + RETRY_NS;
        next_ns = at_ns < next_ns ? at_ns : next_ns;
    }
    return next_ns == INT64_MAX ? -1 : (int)((next_ns - now_ns) / 1000000 + 1);
}

static int hook_make(struct hook *hook, const struct hook_request *request, uint32_t level)
{
    LIBBPF_OPTS(bpf_map_create_opts, sparse, .map_flags = BPF_F_NO_PREALLOC);

    *hook = (struct hook){
        .level = level, .owner = request->owner, .event = -1, .link = -1, .programs = -1};
    memcpy(hook->point, request->point, sizeof hook->point);
    idle_count++;
    hook->groups = bpf_map_create(BPF_MAP_TYPE_HASH, "vireo_groups", sizeof(uint64_t),
                                  sizeof(uint32_t), HOOK_HOLDS_MAX, &sparse);
    if (hook->groups >= 0)
        hook->programs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "vireo_programs", sizeof(uint32_t),
                                        sizeof(uint32_t), HOOK_HOLDS_MAX, NULL);
    int r = hook->programs < 0 ? -errno : hook_link(hook);
    if (r < 0)
        hook_leave(hook, 0);
    return r;
}

/* One more hook, or `hook` if there is one. What a function uses counts beside what it is to pay
 * for, who has left or taken it over: when the one who pays leaves, it is another's of its users.
 */
static bool may_have(uint64_t owner, const struct hook *hook)
{
    bool has[HOOKS_MAX] = {false};
    size_t count = 0, used = 0;

    for (size_t i = 0; i < HOOK_HOLDS_MAX; i++)
        if (holds[i].socket > 0 && holds[i].owner == owner)
            has[holds[i].hook - hooks] = true;
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        has[i] = has[i] || (hooks[i].point[0] && hooks[i].owner == owner);
        used += hooks[i].point[0] != '\0';
        count += has[i];
    }
    return (hook && has[hook - hooks]) || count < quota_of_one(HOOKS_MAX, used, HOLDS_OF_ONE);
}

/* -ENOSPC: there are too many tracepoints; -EDQUOT: of this function, with those that it has left.
 */
static int hook_get(const struct hook_request *request, uint32_t level, struct hook **ret_hook)
{
    struct hook *room = NULL, *found = NULL;

    for (size_t i = 0; i < HOOKS_MAX && !found; i++) {
        struct hook *hook = &hooks[i];
        if (hook->link > 0 && hook->level == level && strcmp(hook->point, request->point) == 0)
            found = hook;
        else if (!hook->point[0] && !room)
            room = hook;
    }
    if (!may_have(request->owner, found))
        return -EDQUOT;
    if (!found && !room)
        return -ENOSPC;
    *ret_hook = found ? found : room;
    return found ? 0 : hook_make(room, request, level);
}

/* ---- holds ---- */

static bool level_is_used(const struct hook_request *request, uint32_t level)
{
    for (size_t i = 0; i < HOOK_HOLDS_MAX; i++)
        if (holds[i].socket > 0 && holds[i].group == request->group &&
            holds[i].hook->level == level && strcmp(holds[i].hook->point, request->point) == 0)
            return true;
    return false;
}

static bool has_many(uint64_t owner)
{
    size_t count = 0, used = 0;

    for (size_t i = 0; i < HOOK_HOLDS_MAX; i++) {
        used += holds[i].socket > 0;
        count += holds[i].socket > 0 && holds[i].owner == owner;
    }
    return count >= quota_of_one(HOOK_HOLDS_MAX, used, HOLDS_OF_ONE);
}

/* Who is to pay for it has left, with the last of its holds: it is another's who uses it. */
static void hook_pass_on(struct hook *hook, uint64_t from)
{
    uint64_t next = from;

    if (hook->owner != from)
        return;
    for (size_t i = 0; i < HOOK_HOLDS_MAX; i++) {
        if (holds[i].socket <= 0 || holds[i].hook != hook)
            continue;
        if (holds[i].owner == from)
            return;
        next = holds[i].owner;
    }
    hook->owner = next;
}

/* What it takes is of the function's time. */
static void hold_end(struct hold *hold)
{
    const int64_t began = processor_ns();
    const uint32_t number = (uint32_t)(hold - holds);

    (void)bpf_map_delete_elem(hold->hook->groups, &hold->group);
    (void)bpf_map_delete_elem(hold->hook->programs, &number);
    close(hold->socket);
    const struct hold was = *hold;
    *hold = (struct hold){0};
    if (--was.hook->users == 0) {
        idle_count++;
        hook_leave(was.hook, IDLE_NS);
    } else
        hook_pass_on(was.hook, was.owner);
    budget_count_of(was.owner, clock_now_ns(), processor_ns() - began);
}

/*
 * How far it reads is held against the tracepoint's record where it is attached, not where it is
 * called. So it is tried at the hook's event, to the end: one that has a program takes no other,
 * which the kernel says (EEXIST) of one that it would have taken.
 */
static int check_reach(const struct hook *hook, int program)
{
    if (ioctl(hook->event, PERF_EVENT_IOC_SET_BPF, program) == 0)
        return -EIO;
    return errno == EEXIST ? 0 : -errno;
}

static int hold_begin(const struct hook_request *request, int program, struct hold *hold,
                      struct hook *hook)
{
    const uint32_t number = (uint32_t)(hold - holds);
    int r = check_reach(hook, program);

    if (r < 0)
        return r;
    if (bpf_map_update_elem(hook->programs, &number, &program, BPF_ANY) < 0)
        return -errno;
    if (bpf_map_update_elem(hook->groups, &request->group, &number, BPF_NOEXIST) < 0) {
        int error = -errno;
        (void)bpf_map_delete_elem(hook->programs, &number);
        return error;
    }
    return 0;
}

static int attach(const struct hook_request *request, int program, int socket)
{
    struct hold *hold = NULL;
    struct hook *hook;
    uint32_t level = 0;

    while (level < HOOK_LEVELS && level_is_used(request, level))
        level++;
    for (size_t i = 0; i < HOOK_HOLDS_MAX && !hold; i++)
        hold = holds[i].socket > 0 ? NULL : &holds[i];
    if (level == HOOK_LEVELS || !hold)
        return level == HOOK_LEVELS ? -E2BIG : -ENOSPC;
    if (has_many(request->owner))
        return -EDQUOT;
    int r = hook_get(request, level, &hook);
    if (r < 0)
        return r;
    if (hook->users == 0)
        hook->owner = request->owner;
    r = hold_begin(request, program, hold, hook);
    if (r < 0 && hook->users == 0)
        hook_leave(hook, IDLE_NS);
    if (r < 0)
        return r;
    if (hook->users++ == 0)
        idle_count--;
    *hold = (struct hold){
        .socket = socket, .hook = hook, .group = request->group, .owner = request->owner};
    return 0;
}

void hooks_serve(int socket)
{
    struct hook_request request;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(socket, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);

    if (n != sizeof request || fd_count != 2) {
        fd_close_all(fds, fd_count);
        return;
    }
    request.point[sizeof request.point - 1] = '\0';
    const int64_t began = processor_ns();
    const int32_t answer = attach(&request, fds[1], fds[0]);
    budget_count_of(request.owner, clock_now_ns(), processor_ns() - began);
    (void)fd_send(fds[0], &answer, sizeof answer, NULL, 0);
    close(fds[1]);
    if (answer < 0)
        close(fds[0]);
}

size_t hooks_poll(struct pollfd polls[static HOOK_HOLDS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < HOOK_HOLDS_MAX; i++)
        if (holds[i].socket > 0)
            polls[count++] = (struct pollfd){.fd = holds[i].socket, .events = POLLIN};
    return count;
}

void hooks_end(const struct pollfd *polls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; polls[i].revents && j < HOOK_HOLDS_MAX; j++)
            if (holds[j].socket == polls[i].fd)
                hold_end(&holds[j]);
}

/* ---- a session's side ---- */

int hook_attach(const struct session *session, int program, const char *point)
{
    struct hook_request request = {.group = session->group_id, .owner = session->instance.owner};
    int32_t answer;

    if (strlen(point) >= sizeof request.point)
        return -EINVAL;
    memcpy(request.point, point, strlen(point));
    if (budget_wait(session->budget, session->socket) < 0)
        return -EPIPE;
    _cleanup_(closep) int ours = desk_ask(session->hooks, &request, sizeof request, program);
    if (ours < 0)
        return ours;
    int r = desk_answer(ours, &answer, sizeof answer);
    if (r == 0)
        r = answer;
    return r < 0 ? r : steal_fd(&ours);
}
