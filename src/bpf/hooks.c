/*
 * Tracepoints are the machine's: whatever hangs on one is run for everybody. So functions without
 * `host` share one program of the broker's own at each: it looks up the current control group, and
 * goes on (by a tail call) with that group's program, if there is one. What a neighbour's call
 * costs does not grow with the functions, and the kernel's 64 places at a tracepoint are not theirs
 * to take.
 *
 * Sessions ask over a socket that they share; each question comes with a socket for its answer,
 * which is the attachment from then on: when the session closes it, or ends, that is undone.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define HOOKS_MAX 1024
#define HOLDS_OF_ONE 128 /* function: the others have room too */

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
    int link;
};

struct hold {
    int socket; /* 0: free (standard input is none) */
    struct hook *hook;
    uint64_t group, owner;
};

static struct hook hooks[HOOKS_MAX];
static struct hold holds[HOOK_HOLDS_MAX];

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

/* Its descriptors are closed with it; -errno. */
static int link_point(const char *point, int program, bool enabled)
{
    _cleanup_(closep) int event = tracepoint_open(point);

    if (event < 0)
        return event;
    int link = bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
    if (link < 0)
        return -errno;
    int r = enabled ? event_enable(event) : 0;
    if (r < 0)
        close(link);
    return r < 0 ? r : link;
}

static void hook_drop(struct hook *hook)
{
    const int fds[] = {hook->link, hook->programs, hook->groups};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *hook = (struct hook){0};
}

static int hook_make(struct hook *hook, const char *point, uint32_t level)
{
    LIBBPF_OPTS(bpf_map_create_opts, sparse, .map_flags = BPF_F_NO_PREALLOC);

    *hook = (struct hook){.level = level, .link = -1, .programs = -1};
    memcpy(hook->point, point, sizeof hook->point);
    hook->groups = bpf_map_create(BPF_MAP_TYPE_HASH, "vireo_groups", sizeof(uint64_t),
                                  sizeof(uint32_t), HOOK_HOLDS_MAX, &sparse);
    if (hook->groups >= 0)
        hook->programs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "vireo_programs", sizeof(uint32_t),
                                        sizeof(uint32_t), HOOK_HOLDS_MAX, NULL);
    int r = hook->programs < 0 ? -errno : 0;
    _cleanup_(closep) int own = r == 0 ? load_own(hook) : -1;
    if (r == 0)
        r = own < 0 ? own : link_point(point, own, true);
    if (r < 0)
        hook_drop(hook);
    else
        hook->link = r;
    return r < 0 ? r : 0;
}

/* -ENOSPC: there are too many tracepoints. */
static int hook_get(const char *point, uint32_t level, struct hook **ret_hook)
{
    struct hook *room = NULL;

    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (hooks[i].point[0] && hooks[i].level == level && strcmp(hooks[i].point, point) == 0) {
            *ret_hook = &hooks[i];
            return 0;
        }
        if (!hooks[i].point[0] && !room)
            room = &hooks[i];
    }
    if (!room)
        return -ENOSPC;
    *ret_hook = room;
    return hook_make(room, point, level);
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

static void hold_end(struct hold *hold)
{
    const uint32_t number = (uint32_t)(hold - holds);

    (void)bpf_map_delete_elem(hold->hook->groups, &hold->group);
    (void)bpf_map_delete_elem(hold->hook->programs, &number);
    close(hold->socket);
    if (--hold->hook->users == 0)
        hook_drop(hold->hook);
    *hold = (struct hold){0};
}

static int hold_begin(const struct hook_request *request, int program, struct hold *hold,
                      struct hook *hook)
{
    const uint32_t number = (uint32_t)(hold - holds);
    /* How far it reads is held against the tracepoint's record where it is attached by itself: not
     * where it is called. */
    int tried = link_point(request->point, program, false);

    if (tried < 0)
        return tried;
    close(tried);
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
    int r = hook_get(request->point, level, &hook);
    if (r < 0)
        return r;
    r = hold_begin(request, program, hold, hook);
    if (r < 0 && hook->users == 0)
        hook_drop(hook);
    if (r < 0)
        return r;
    hook->users++;
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
    const int32_t answer = attach(&request, fds[1], fds[0]);
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
    _cleanup_(closep) int ours = desk_ask(session->hooks, &request, sizeof request, program);
    if (ours < 0)
        return ours;
    int r = desk_answer(ours, &answer, sizeof answer);
    if (r == 0)
        r = answer;
    return r < 0 ? r : steal_fd(&ours);
}
