/* Inside the broker: one instance's session, its objects, and what loads and attaches them. */
#pragma once

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/broker.h"
#include "bpf/image.h"

struct err;

struct object_map {
    int fd;
    struct broker_map shown;
    uint32_t flags;
    bool frozen;
    bool pinned;       /* it counts with the function's pins */
    bool buffer_given; /* its one consumer has it */
    bool known;        /* other sessions may have it: its buffer is leased (leases.c) */
    int lease;         /* of its buffer; 0: this session has none */
    int *events;       /* of a perf event array: a descriptor a processor */
    uint32_t event_count;
    void *operations;      /* of a struct_ops: its value, which is written when it is attached */
    uint32_t kernel_value; /* the kernel's type of that */
    bool written;
    int link; /* of a struct_ops that is attached; else -1 */
};

struct object_program {
    int fd;
    uint32_t kind;
    uint32_t attach_type;
    char name[64];
    char point[128];                   /* of its section */
    char place[BROKER_TARGET_MAX + 1]; /* where it is attached, as the policy has it */
    char kept[BROKER_NAME_MAX + 1];    /* the pin of its link; "": none */
    int *links;
    uint32_t link_count;
    int output; /* of an iterator that is being read; else -1 */
};

/* What one load made. Freed, nothing of it is left. */
struct object {
    uint32_t map_count, program_count;
    uint32_t guest_maps; /* the first of them have names */
    struct account *account;
    uint32_t usdt_count; /* numbers of its "__bpf_usdt_specs" that are used */
    int hold; /* of one that is shared: with its end the broker has one less; 0: it is not */
    uint32_t variable_count;
    struct broker_variable *variables;
    uint32_t field_count;
    struct broker_field *fields;
    struct object_map *maps;
    struct object_program *programs;
};

struct session {
    int socket;
    int pins;     /* to the broker, which keeps what outlives a session (pins.c) */
    int hooks;    /* to the broker, which has the tracepoints (hooks.c) */
    int shares;   /* to the broker, which keeps what several sessions have (shares.c) */
    int leases;   /* to the broker, which knows who reads what of that (leases.c) */
    int opener;   /* of events, as far as the policy goes (events.h); -1: none is needed */
    int group_fd; /* the instance's own control group */
    int charge_fds[BROKER_CHARGES_MAX]; /* to enter what counts its memory and time; -1: no more */
    int root_fd;           /* with `host`: the machine's root, for paths of uprobes; else -1 */
    uint64_t group_id;     /* as programs are told it; 0: none is known */
    struct budget *budget; /* the function's (budget.h) */
    pid_t broker;          /* whose end is ours */
    struct broker_instance instance;
    struct object *objects[BROKER_OBJECTS_MAX];
};

/* ---- session.c ---- */

/* Serves one instance until it ends. */
_Noreturn void session_run(struct session *session);

/* A request, and where its two parts are. */
struct request {
    struct broker_request head;
    const uint8_t *first, *second;
};
/* Each answers one request, and returns whether the session goes on. */
typedef bool session_serve(struct session *session, const struct request *request);

bool session_answer(const struct session *session, int error, const void *data, size_t bytes,
                    const int *fds, size_t fd_count);
bool session_answer_error(const struct session *session, int error, const struct err *err);
/* 0 with no data, or an error with its text. */
bool session_answer_result(const struct session *session, int result, const struct err *err);
/* The object of a number of the instance's, or NULL. */
struct object *session_object(const struct session *session, uint32_t number);
/* A map that the instance may name, or NULL. */
struct object_map *session_map(const struct session *session, uint32_t object, uint32_t map);
/* A name out of a request; false: it is none. */
bool session_name(const uint8_t *text, uint32_t bytes, char name[static BROKER_NAME_MAX + 1]);
/* Takes a new object in and answers with it; a negative result is answered instead. */
bool session_take(struct session *session, int result, struct object *object,
                  const struct err *err);
/* An image of `size` bytes is checked against what is left, and made. */
int session_load(const struct session *session, const uint8_t *bytes, size_t size,
                 struct object **ret_object, struct err *err);
extern uint8_t session_outgoing[BROKER_DATA_MAX];

/* session_maps.c, session_programs.c, session_shares.c */
/* What a map takes, as the policy counts it. */
uint64_t object_map_bytes(const struct object_map *map);
session_serve serve_share, serve_join;
session_serve serve_batch, serve_pin, serve_unpin, serve_open, serve_create;
session_serve serve_keep, serve_take_over;
session_serve serve_iterate, serve_detach, serve_replace, serve_statistics, serve_program;

/* ---- account.c: what a session's objects have of the policy's numbers ---- */

/* An object's own, to its end: `map_count` maps and all its programs. -ENOMEM. */
int account_open(struct object *object, uint32_t map_count, uint64_t map_bytes);
/* A program of `object` names maps of `other`, which counts as long from here on. */
void account_hold(struct object *object, const struct object *other);
void account_close(struct object *object); /* one that has none is fine */
/* Of all maps that one of its programs may keep. */
uint64_t account_map_bytes(const struct object *object);
/* The policy, less what there is. */
void account_left(const struct bpf_policy *policy, struct bpf_policy *ret_left);

/* ---- what the broker has for all functions ---- */

/*
 * Of `places` so many are used: what one function may have of them, at most `most`. A quarter of
 * what is free, so that many may take all they can, and there is some left for who comes
 * (dynamic thresholds: Choudhury and Hahne, 1998).
 */
static inline size_t quota_of_one(size_t places, size_t used, size_t most)
{
    size_t fair = (places - used) / 4;

    return fair == 0 ? 1 : fair < most ? fair : most;
}

/* ---- desk.c: a session asks the broker ---- */

/* Sends `request`, and `fd` unless it is -1, to one of the session's pins, hooks, shares and
 * leases: a socket, the caller's, over which the answer comes. -errno. */
int desk_ask(int desk, const void *request, size_t bytes, int fd);
/* What comes back over that, when no descriptor comes with it: all of `bytes`, or -EIO. */
int desk_answer(int socket, void *answer, size_t bytes);

/* ---- pins.c: maps that outlive the sessions of their function ---- */

/* The broker's end of the sessions' socket: answers one request. */
void pins_serve(int socket);
/* Those of a function that is gone. */
void pins_forget(uint64_t owner);
/* The function starts under this policy: what is pinned, and would not be allowed any more, goes.
 */
void pins_narrow(uint64_t owner, const struct bpf_policy *policy);
/* The type of a pin that is no map but what a program hangs on; key_bytes is the program's kind,
 * value_bytes its attach type. */
#define PIN_LINK UINT32_MAX
/* A session's: -ENOENT, -EEXIST, -EDQUOT or 0. The map that is got is the caller's. -EOPNOTSUPP:
 * without `host` no map is pinned that holds maps, programs or sockets, for nobody could count
 * them. */
int pin_get(const struct session *session, const char *name, struct object_map *ret_map);
int pin_put(const struct session *session, const char *name, const struct object_map *map,
            uint64_t bytes);
/* What a program hangs on, and where that is. */
int pin_get_link(const struct session *session, const char *name, struct object_map *ret_link,
                 char ret_place[static BROKER_TARGET_MAX + 1]);
int pin_put_link(const struct session *session, const char *name, const struct object_map *link,
                 const char *place, uint64_t bytes);
/* What a link holds is `bytes` from here on; *ret_before, unless it is NULL: what it was, and
 * without it the policy's number does not matter. -ENOENT, -EDQUOT: nothing has changed. */
int pin_recount(const struct session *session, const char *name, uint64_t bytes,
                uint64_t *ret_before);
int pin_remove(const struct session *session, const char *name);

/* ---- hooks.c: tracepoints, which functions without `host` share ---- */

#define HOOK_HOLDS_MAX 1024
#define HOOK_LEVELS 4 /* programs of one group at one tracepoint */

/* The broker's end of the sessions' socket: answers one request. */
void hooks_serve(int socket);
/* What is to be polled, how many; then those that are done with are undone. */
size_t hooks_poll(struct pollfd polls[static HOOK_HOLDS_MAX]);
void hooks_end(const struct pollfd *polls, size_t count);
/* What nobody has used for a while goes. Milliseconds until it is to be asked again; -1: no time.
 */
int hooks_tidy(void);
/* A session's: a descriptor, with whose end the program is attached no longer. -errno; -E2BIG: its
 * group has as many there as it may have. */
int hook_attach(const struct session *session, int program, const char *point);
/* attach.c: an event of "category/name" that is not enabled yet. */
int tracepoint_open(const char *point);
int event_enable(int event);

/* ---- release.c: closing what the kernel waits at ---- */

/* Starts the process that does it: the broker's, before there are sessions. -errno. */
int release_open(void);
/* They are that one's, and each -1, or as they were: -EAGAIN, what it has is not closed yet. */
int release_fds(int *fds, size_t count);

/* ---- shares.c: objects that several sessions have ---- */

#define SHARE_HOLDS_MAX 1024
void shares_serve(int socket);
size_t shares_poll(struct pollfd polls[static SHARE_HOLDS_MAX]);
void shares_hear(const struct pollfd *polls, size_t count);
/* A session's: 0 or -errno. -EEXIST: there is one of that name; -ENOENT: there is none; -EDQUOT:
 * the function has as many as it may. What is joined has maps alone. */
int share_put(const struct session *session, struct object *object, const char *name);
int share_join(const struct session *session, const char *name, struct object **ret_object);

/* ---- leases.c: who reads a buffer that several sessions have ---- */

/* The broker's end of the sessions' socket: answers one request. */
void leases_serve(int socket);
/* Those whose sessions have let go. */
void leases_sweep(void);
/* This session reads the map's buffer from here on, until map_clear(). 0 or -errno; -EBUSY: another
 * session does, or this one by another of its objects. */
int map_lease(const struct session *session, struct object_map *map);
/* maps.c: others may have it from here on; what is read here already is leased first. 0 or -errno.
 */
int map_make_known(const struct session *session, struct object_map *map);

/* ---- fetch.c: objects from the instance to the reader and back ---- */

/* The image of the ELF object in a sealed memfd, behind which are its settings; malloc'ed, the
 * caller's. What a function asks while two others of its are read waits, 15 s at most, and before
 * that until it owes nothing (budget.h). -errno. */
int fetch_image(const struct session *session, int object_fd, uint32_t bytes,
                uint32_t settings_bytes, uint8_t **ret_bytes, size_t *ret_size, struct err *err);

struct reader_places;
/* Places in an ELF file (reader.h), malloc'ed, the caller's: at least one. -ENOENT: it has none of
 * that name. `question` is an enum reader_question. */
int fetch_places(const struct session *session, int file_fd, uint32_t question, const char *name,
                 struct reader_places **ret_places, struct err *err);

/* ---- load.c ---- */

/* Loads an image that the policy has let pass. The kernel's reason is in `err`. `given`, unless it
 * is NULL, has the maps that are used as they are; they stay the caller's. */
int object_load(const struct session *session, const struct image *image,
                const struct object_map *const *given, struct object **ret_object, struct err *err);
/* load_program.c: one of its programs. */
int object_load_program(const struct session *session, struct object *object,
                        const struct image *image, uint32_t index, int types_fd, struct err *err);
/* Instructions for the verifier. */
struct checked {
    const char *name;    /* for people */
    const char *refused; /* what is said of it then, before the verifier's own words */
    const char *kernel_name, *license;
    const struct bpf_insn *code;
    uint32_t type, count;
};
struct bpf_insn;
struct bpf_prog_load_opts;
/* A descriptor, or -errno with the cause out of the verifier's log. */
int program_load_checked(const struct checked *program, struct bpf_prog_load_opts *options,
                         struct err *err);

/* ---- pointers.c ---- */

/* 0 if the program gives out no address of the kernel; -errno with the verifier's words. Without
 * CAP_PERFMON in effect. */
int program_check_pointers(const struct object *object, const struct image *image,
                           const struct image_program *program, struct err *err);

/* ---- load.c ---- */

/* An object that is one map of the caller's, which it takes. */
int object_of_map(struct object_map *map, struct object **ret_object);
/* An object with room for so many maps; they have no descriptor yet. */
int object_of_maps(uint32_t count, struct object **ret_object);
void object_free(struct object *object);
uint32_t processors(void);
/* Bytes of an element as it is exchanged. */
uint32_t shown_value_bytes(uint32_t type, uint32_t value_bytes);

/* ---- attach.c ---- */

int object_attach(const struct session *session, struct object *object, const char *name,
                  const char *target, struct err *err);
struct object_program *object_program_find(struct object *object, const char *name); /* or NULL */
struct object_map *object_map_find(struct object *object, const char *name);         /* or NULL */
/* 0 or -errno: the program is attached no longer; it may be again. */
int object_detach(struct object *object, const char *name);
/* The next bytes of what an iterator says, 0 at its end; `anew` begins again. -errno. */
int object_iterate(struct object *object, const char *name, bool anew, void *buffer, size_t room);

/* ---- attach_path.c: uprobes ---- */

/* "/path:function", "/path:function+16", "/path:0x1234", each with ",pid" behind it. */
int attach_uprobe(const struct session *session, struct object_program *program, const char *point);
/* "/path:provider:name", with ",pid" behind it; where its arguments are goes into the object's map
 * "__bpf_usdt_specs", as <bpf/usdt.bpf.h> looks for it. */
int attach_usdt(const struct session *session, struct object *object,
                struct object_program *program, const char *point);
/* ---- attach_operations.c: struct_ops ---- */

/* A struct_ops's map, by its name; -EPERM: the policy's attach points have not the kernel's
 * structure. */
int operations_attach(const struct session *session, struct object_map *map, struct err *err);
/* ---- attach_kernel.c: kprobes ---- */

/* "function", "function+0x10"; of a system call's section that one's name. */
int attach_kprobe(const struct session *session, struct object_program *program, const char *point);
/* A function, or a pattern of '*' and '?': -E2BIG: too many have it. */
int attach_kprobes(const struct session *session, struct object_program *program,
                   const char *point);
struct event_request;
/* attach.c: the program is run by this event (events.h). */
int open_and_link(struct object_program *program, const struct event_request *request);
/* events.c: what a file of the kernel's says. */
int read_number(const char *path, uint64_t *ret_number);
/* attach.c: a link is the program's; a negative errno is handed on. */
int object_program_keep(struct object_program *program, int fd);

/* ---- maps.c: what an instance does with its maps ---- */

/* `value` has room for the map's value; *ret_bytes of it are the answer. 0 or -errno. */
int map_operate(struct object *object, uint32_t map, uint32_t command, uint64_t flags,
                const void *key, uint32_t key_bytes, void *value, uint32_t value_bytes,
                uint32_t *ret_bytes);
/* Fills descriptors (they stay the object's) of a buffer from number `first` on. */
int map_buffer(struct object *object, uint32_t map, uint64_t first,
               int fds[static BROKER_BUFFERS_MAX], struct broker_buffer *ret_buffer);
void map_clear(struct object_map *map);

/* ---- confine.c ---- */

/* The broker's own rights, before it serves: capabilities, uid, filter. */
int confine_broker(uint32_t uid, struct err *err);
/* The opener's, whose broker is `broker`: CAP_SYS_ADMIN and perf_event_open(2). */
int confine_opener(uint32_t uid, pid_t broker, struct err *err);
/* A session's: no more processes, and without `host` no CAP_PERFMON but where it is needed: with it
 * the verifier lets programs give out pointers, and guesses of the processor go unguarded. */
int confine_session(bool host, struct err *err);
/* CAP_PERFMON is in effect from here on, or no longer; with `host` it always is. */
void session_trace(const struct session *session, bool on);
