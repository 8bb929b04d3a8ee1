/*
 * The supervisor: root, no HTTP. It owns the registry, the templates, the control groups and the
 * life of every instance; its two gateways ask over their sockets. One thread runs the loop and
 * owns everything here; builds and the registry's writes, which wait for compilers and disks, are
 * done by job threads (supervisor_jobs.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <yaml.h>

#include "allow/allow.h"
#include "allow/audit.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/limits.h"
#include "base/notify.h"
#include "build/build.h"
#include "cgroup/cgroup.h"
#include "faas/kin_rate.h"
#include "faas/protocol.h"
#include "faas/registry.h"
#include "faas/supervisor_config.h"
#include "faas/supervisor_kin_keys.h"
#include "faas/supervisor_spares.h"
#include "pvm/pvm.h"
#include "pvm/spawn.h"

struct err;
struct supervisor;
struct job;
struct json_object;
struct kin;
struct pvm_waiter;
struct linkage;
struct round;
struct secrets;
struct control_updated;

/* Something that the loop waits for; embedded in what it belongs to. */
struct source {
    void (*ready)(struct supervisor *supervisor, struct source *source, uint32_t events);
    void *owner;
    int fd; /* -1: not watched */
};

enum gateway_role { GATEWAY_CALLS, GATEWAY_ADMIN, GATEWAY_ROLES };

/* A message that did not fit the socket yet. Owns its descriptors. */
struct outgoing {
    struct outgoing *next;
    int fds[3];
    size_t fd_count, size;
    char bytes[];
};

struct gateway {
    struct source source;  /* its socket */
    struct source process; /* its pidfd */
    struct outgoing *first, *last;
    size_t outgoing_count;
    struct source timer; /* when it is to be started again */
    unsigned failures;   /* starts that failed or ended within a second, in a row */
    uint64_t restarts;
    int64_t started_ns;
};

/* A template and the function's generation that it belongs to. */
struct template_slot {
    struct source source;
    struct pvm_template *pvm;
    struct cgroup *group;
    struct function *function; /* NULL once the function is gone */
    uint32_t generation;
    unsigned instances;
    uint32_t forks;     /* ever made */
    int64_t started_ns; /* clock_now_ns() */
    bool retired;       /* no more forks: freed when its last instance ends */
    bool live;          /* the library of its instances can be replaced while they run */
    bool interprets;    /* an interpreter that has imported the function: tenant code runs in it */
    uid_t uid;
    int uid_lock; /* of a template that was a spare: of the uid that it has instead; else -1 */
    char signer[BUILD_HASH_TEXT];                    /* of its library */
    char image_directory[CONTAINER_DIRECTORY_BYTES]; /* of a container's template; "" */
    char name[NAME_MAX_BYTES + 1], version[VERSION_MAX_BYTES + 1]; /* the library's */
    uint32_t grants;                                               /* GUEST_GRANT_* */
    struct vkernel *vkernel; /* of its instances; NULL: nothing was said */
    struct secrets *secrets; /* which files its secret variables came from; no values; or NULL */
    struct kin_rate kin_messages; /* of its instances' families */
    struct template_slot *next;   /* in supervisor.templates, or of the dead ones */
};

/* What stands round its instances, for people: an image's root, or an interpreter's, or nothing. */
static inline const char *template_wall(const struct template_slot *slot)
{
    return slot->image_directory[0] || slot->interprets ? "container" : "process";
}

/* An instance that the gateway wants and that waits for a template, or until its template has
 * forked others. */
struct wish {
    struct wish *next;
    uint64_t token;
    int64_t begin_ns;
    bool cold; /* there was no template when it came */
};

enum server_state {
    SERVER_STARTING, /* its template is */
    SERVER_RUNNING,
    SERVER_WAITING, /* until restart_at_ns: it ended, or could not be started */
    SERVER_ENDING,
};

/* What a function with a grant to listen has besides: supervisor_servers.c. */
struct server {
    enum server_state state;
    bool updated; /* its instance has the version that is about to be the function's */
    int listeners[GRANT_LISTEN_MAX]; /* of the manifest's `listen`; -1: not open */
    struct source output;            /* the read end of its outputs' pipe */
    bool output_watched;
    int output_budget; /* bytes that are read before the others' turn */
    uint64_t output_dropped;
    uint64_t instance_id;
    int64_t started_ns, restart_at_ns;
    uint64_t starts;
    unsigned failures; /* in a row */
    char last[256];    /* why it is not running, or did not */
    struct server *next_dead;
};

struct function {
    struct registry_function row;
    struct manifest manifest;
    struct cgroup_limits limits; /* of each instance's group */
    bool quick;                  /* of the first tier: supervisor_tier.c */
    bool stays_quick;            /* and can't be optimised */
    bool proved;
    struct library_proof proof; /* of what is proved */
    struct pvm_bounds bounds;   /* the same, for its sandbox */
    uint32_t calls;             /* of it: a bit for each enum allow_served that it calls */
    struct fall *fall;          /* it runs one rung lower: supervisor_fall.c; NULL: it does not */
    uint32_t generation;
    struct template_slot *current; /* NULL: not started yet */
    bool starting;                 /* a job starts a template of it */
    bool updating;                 /* its instances are: none is started meanwhile */
    struct wish *first_wish, *last_wish;
    struct server *server; /* NULL: it has no grant to listen */
    char *refused; /* why the operator's configuration does not let it be served; NULL: it does */
    struct vk_log *log;                   /* what the kernel did to its pVMs; NULL: nothing yet */
    struct function *next_id, *next_name; /* hash chains */
};

struct instance {
    struct instance *next; /* hash chain by token, or free list */
    uint64_t token;        /* the gateway's name */
    uint64_t id;           /* ours: index and a count of reuses; the pVM's name for people */
    struct template_slot *slot;
    struct cgroup *group;
    struct kin *kin;         /* of a family: supervisor_kin.c; NULL: it is none */
    bool cold;               /* its template was started for it */
    bool recycled;           /* it is in the place of an ended one */
    bool bpf;                /* its group is nobody's after it: programs may hang on it */
    bool told;               /* likewise: the scheduler was told of it */
    bool stopped;            /* on the gateway's wish */
    bool killed;             /* on an administrator's */
    struct linkage *linkage; /* NULL: it has no control socket */
    struct vk_state *vk;     /* its virtual kernel, where it is not its template's */
    uint32_t generation;     /* of its function, when its library came */
    bool updated;            /* it has the library of an update that is not committed yet */
    bool server;             /* the one of a server: the gateway knows nothing of it */
    bool used;
};

/* Why a function stands lower than it might, for the counter of falls; describe has the words. */
enum fall_kind {
    FALL_UNPROVED,     /* a deploy's source was translated instead */
    FALL_UNTRANSLATED, /* nor could it be translated: it is contained */
    FALL_DEMOTED,      /* what it calls is not allowed any more: from proved to translated */
    FALL_REFUSED,      /* the same, and there is no rung below: it is not served */
    FALLS
};

/* Control groups kept ready: a burst of starts this long makes none. */
#define SPARE_GROUPS 64
#define FUNCTION_BUCKETS 4096
#define INSTANCE_BUCKETS 4096
#define INSTANCES_MAX 8192
#define WISHES_MAX 8192

/* The first uids of the range are the gateways'; one-shot sandboxes have the last 1,024. */
#define GATEWAY_UIDS 16
/* Their uids, behind the two gateways'. */
enum { UID_CONNECTOR = 2, UID_PLATFORM, UID_BROKER, UID_READER };

struct supervisor;
struct spawned;
/* A process that serves functions which have a socket to it: supervisor_broker.c. */
struct broker {
    const char *what;
    struct source process, socket, timer; /* its pidfd; ours to it; when it is started again */
    int64_t started_ns;
    unsigned failures; /* in a row */
    int (*spawn)(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                 struct err *err);
    bool (*serves)(const struct function *function);
    void (*started)(struct supervisor *supervisor); /* may be NULL */
};

struct supervisor {
    struct supervisor_config config;
    int epoll, lock_fd, guest_fd, contain_fd, gateway_fd;
    int containers_fd; /* STATE/containers */
    struct container_spares spares;
    int listen_fd, admin_fd, admin_tcp_fd, admin_token_fd;
    uid_t uid_first;
    uint32_t uid_count;
    int uid_lock_fd;  /* they are ours while it is open */
    char *state_path; /* config.state_dir, made absolute */

    struct registry *registry; /* the quick job thread's, once the loop runs */
    struct store *store;
    struct sign_key *key;
    struct cgroup_root *groups;
    struct cgroup_pool *pool;
    struct pvm_channel_stock channels;

    struct function *by_id[FUNCTION_BUCKETS], *by_name[FUNCTION_BUCKETS];
    unsigned function_count;
    struct template_slot *templates;
    /* Freed when the loop has gone through its events: one of them may be a dead slot's. */
    struct template_slot *dead;
    struct instance instances[INSTANCES_MAX];
    struct instance *free_instances;
    struct instance *by_token[INSTANCE_BUCKETS];
    unsigned instance_count;
    unsigned wish_count;
    uint64_t starts[GATEWAY_CONTAINER + 1], starts_failed; /* by enum gateway_start_kind */
    uint64_t falls[FALLS];

    struct gateway gateways[GATEWAY_ROLES];
    int telemetry[GATEWAY_ROLES]; /* the two ends, kept so that a gateway can be started again */
    struct source signals;
    struct notify notify; /* the service manager */
    struct jobs *jobs;
    struct source jobs_source;
    struct source servers_timer;
    struct server *dead_servers; /* freed as dead templates are */
    int64_t servers_due_ns;      /* when it is set to; 0: it is not */
    uint64_t server_tokens;      /* ever given */
    int host_network_fd;         /* the machine's network namespace; ours is empty */
    struct broker connector, platform, bpf;
    struct spawned bpf_reader;
    int bpf_programs[2]; /* vireo-broker, vireo-bpf; -1 where the operator allows no eBPF */
    int connector_fd, platform_fd; /* their programs */
    int platform_data_fd;          /* STATE/platform; -1: no function may use it */
    struct kin *dead_kins;         /* freed as dead templates are */
    struct kin_key_table keys;
    uint64_t ipc_refused, ipc_same_key, forks_refused, member_groups_refused;
    struct audit *audit;             /* the quick job thread's, once the loop runs */
    struct audit_batch *audit_batch; /* counts that are not written yet */
    struct source audit_timer;
    struct source spares_timer; /* of containers by rate */
    uint32_t allowed;           /* a bit for each enum allow_served */
    bool allowed_known;
    char demoted[ALLOW_SERVED][200]; /* why it is not allowed */
    struct pvm_waiter *pvm_waiters;
    unsigned pvm_waiter_count;
    struct linkage *dead_linkages; /* freed as dead templates are */
    struct vk_state *dead_vks;     /* likewise */
    struct round *rounds;          /* updates that wait for instances: supervisor_update.c */
    struct round *dead_rounds;
    bool stopping, stopped;
    int64_t stop_at_ns;
};

/* ---- supervisor.c ---- */
int supervisor_watch(struct supervisor *supervisor, struct source *source, int fd, uint32_t events,
                     struct err *err);
/* Other events of one that is watched. */
void supervisor_rewatch(struct supervisor *supervisor, struct source *source, uint32_t events);
void supervisor_unwatch(struct supervisor *supervisor, struct source *source);

/* ---- supervisor_functions.c ---- */
struct function *function_find(struct supervisor *supervisor, const char *name);
struct function *function_find_id(struct supervisor *supervisor, uint32_t id);
/* Takes over `row` (cleared on failure too) and tells the calls gateway. */
int function_set(struct supervisor *supervisor, struct registry_function *row,
                 const struct manifest *manifest, struct function **ret_function, struct err *err);
/* Whether an update must carry something over: it asked for that (update: slack:), and has a
 * handler's memory from call to call, or is a server. */
bool function_has_state(const struct function *function);
void function_drop(struct supervisor *supervisor, const char *name);
void function_tell(struct supervisor *supervisor, const struct function *function);
void templates_bury(struct supervisor *supervisor); /* frees the dead ones */
void function_free_all(struct supervisor *supervisor);

/*
 * Starts a template of this library. It takes milliseconds, so only job threads do it: what it
 * makes is nobody's but the caller's until template_adopt() or template_discard(). It dies with the
 * thread that started it, which lives as long as the daemon. `listeners` are the manifest's.
 */
int template_open(struct supervisor *supervisor, const char *name, const char *library_hash,
                  const struct manifest *manifest, bool quick, uid_t uid, const int *listeners,
                  struct template_slot **ret_slot, struct err *err);
/* Ends one that was not adopted. Any thread. NULL is fine. */
void template_discard(struct supervisor *supervisor, struct template_slot *slot);
/* The loop's from now; it becomes the function's current one, in place of the one before. */
int template_adopt(struct supervisor *supervisor, struct template_slot *slot,
                   struct function *function, struct err *err);
void template_retire(struct supervisor *supervisor, struct template_slot *slot);
/* Ends a template with all of its instances, which are told as ended. */
void template_end(struct supervisor *supervisor, struct template_slot *slot);
/* Ends every template and instance; functions stay. */
void templates_retire_all(struct supervisor *supervisor);

/* The limits of its instances' groups anew: what it is proved to need, or its manifest's. */
void function_limits(struct supervisor *supervisor, struct function *function);

/* ---- supervisor_instances.c ---- */
void instance_start(struct supervisor *supervisor, const struct gateway_start *wish);
/* Starts what waited for the function's template, or says why it can't be had. */
void wishes_grant(struct supervisor *supervisor, struct function *function);
void wishes_refuse(struct supervisor *supervisor, struct function *function, int error,
                   const char *reason);
void instance_stop(struct supervisor *supervisor, const struct gateway_stop *wish);
/* Where no control group can do it nothing happens: `vireo doctor` says so. */
void instance_ground(struct supervisor *supervisor, const struct gateway_ground *wish);
struct instance *instance_by_id(struct supervisor *supervisor, uint64_t id);
/* Ends one; what follows is as of an end by itself. */
void instance_end(struct supervisor *supervisor, struct instance *instance);
void instance_end_all(struct supervisor *supervisor, struct template_slot *slot);
/*
 * The instance of a server, on these standard streams; server_ended() follows it. -EAGAIN, ...:
 * none was started, and nothing follows.
 */
int instance_start_server(struct supervisor *supervisor, struct function *function,
                          const int stdio[3], uint64_t *ret_id, struct err *err);
/* What a template says: ended and failed instances. */
void template_ready(struct supervisor *supervisor, struct source *source, uint32_t events);

/* ---- supervisor_gateways.c ---- */
int gateways_open(struct supervisor *supervisor, struct err *err);
int gateway_start(struct supervisor *supervisor, enum gateway_role role, struct err *err);
/* Sends, or queues what does not fit. The descriptors are duplicated when queued: they stay the
 * caller's. */
void gateway_send(struct supervisor *supervisor, enum gateway_role role, const void *message,
                  size_t size, const int *fds, size_t fd_count);
void gateways_close(struct supervisor *supervisor);

/* ---- supervisor_admin.c ---- */
void admin_message(struct supervisor *supervisor, const struct admin_request *request, int *fd);
/* The answer to a deploy that is done. */
void admin_deployed(struct supervisor *supervisor, const struct job *job, const char *name);
void admin_reply(struct supervisor *supervisor, uint64_t token, int error, const char *message,
                 const char *json);

/* The JSON of what an administrator asks for. */
void json_add_text(struct json_object *object, const char *key, const char *value);
void json_add_number(struct json_object *object, const char *key, uint64_t value);

/* ---- supervisor_pvms.c: a pVM is an instance ("8193"), or what one forked ("8193.4") ---- */
void pvms_list(struct supervisor *supervisor, uint64_t token);
/* These answer by themselves, or return -errno: -ENOENT, -EINVAL, -ESRCH, -EBUSY. */
int pvm_kill_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err);
/* The answer comes when it has ended. */
int pvm_wait_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err);
/* An instance has ended: who waits for it is told. */
void pvms_ended(struct supervisor *supervisor, uint64_t id, int status);
void pvms_close(struct supervisor *supervisor);
/* `vireo fork`: the answer comes when the pVM has forked. */
int pvm_fork_wish(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err);
/* All members' processes: those of the instance's group and of groups below. */
int pvm_pids(const struct instance *instance, pid_t *pids, size_t max);
/* The instance that is called so by people. -EINVAL: that is no pVM's name; -ENOENT: there is none,
 * or it is a member's. `err` may be NULL. */
int instance_named(struct supervisor *supervisor, const char *name, struct instance **ret_instance,
                   struct err *err);

/* ---- supervisor_vk.c ---- */
/* What an instance has of the kernel for itself. Good until it changes. */
const struct vkernel *vk_of(const struct instance *instance);
/* It was asked to start; and has ended. */
void vk_started(struct supervisor *supervisor, struct instance *instance);
void vk_ended(struct supervisor *supervisor, struct instance *instance);
void vks_bury(struct supervisor *supervisor);
/* ---- supervisor_vk_log.c ---- */
/* Its process has ended, and why is known. */
void vk_log_ended(const struct instance *instance, const struct gateway_ended *ended);
struct json_object;
/* {known, lines: [{id, function, number, time_us, from, text}]} of a pVM or a function, which may
 * be unknown; "": of all. The caller's. */
struct json_object *vk_log_json(struct supervisor *supervisor, const char *of);
/* ADMIN_PVM_VK: answers, or -errno. */
int pvm_vk_wish(struct supervisor *supervisor, const struct admin_request *request,
                struct err *err);

/* ---- supervisor_update.c ---- */
/* A job's library for the instances of its function: 1: job_updated() follows; 0: there is nothing
 * to do. */
int update_begin(struct supervisor *supervisor, struct job *job, struct err *err);
void update_answered(struct supervisor *supervisor, struct instance *instance,
                     const struct control_updated *message);
void update_gone(struct supervisor *supervisor, const struct instance *instance);
/* Right before function_set(): those that were updated are of its new generation. */
void update_commit(struct supervisor *supervisor, struct function *function);
/* It could not be committed (job->err): those that were updated go back. 1: job_updated() follows,
 * 0: there are none. */
int update_undo(struct supervisor *supervisor, struct job *job);
void rounds_bury(struct supervisor *supervisor); /* frees the dead ones */

/* ---- supervisor_containers.c ---- */
/* Opens STATE/containers, and empties it. */
int containers_open(struct supervisor *supervisor, struct err *err);
/* An empty directory of this uid for the files of an image; its name is given back by
 * container_forget(), after a failure too. Job threads. */
int container_directory(struct supervisor *supervisor, uid_t uid,
                        char name[static CONTAINER_DIRECTORY_BYTES], char *path, size_t path_size,
                        struct err *err);
/* Removes the directory; takes as long as it has files. */
void container_forget(struct supervisor *supervisor, const char *name);

/* ---- supervisor_jobs.c ---- */
/* Has container_forget() done by a thread. */
void jobs_container_gone(struct supervisor *supervisor, const char *directory);
/* Has an image loaded into the cache, then link_image_ready(). */
int jobs_image(struct supervisor *supervisor, const struct admin_request *request, const char *hash,
               int64_t begin_ns, struct err *err);
int jobs_open(struct supervisor *supervisor, struct err *err);
void jobs_close(struct supervisor *supervisor);
/* A deploy; takes the descriptor of the packed source over. */
int jobs_deploy(struct supervisor *supervisor, const struct admin_request *request, int *source_fd,
                struct err *err);
int jobs_remove(struct supervisor *supervisor, const struct admin_request *request,
                struct err *err);
/* Back to the version before. */
int jobs_rollback(struct supervisor *supervisor, const struct admin_request *request,
                  struct err *err);
/* Has a template of the function started, for its wishes or in place of an old one. */
void jobs_template(struct supervisor *supervisor, struct function *function);
/* Nothing of this uid lives any more. */
void jobs_uid_purged(struct supervisor *supervisor, uid_t uid);

/* A request about the allow-list, or counts to be written (`rows`, taken over). */
struct audit_batch;
int jobs_audit(struct supervisor *supervisor, const struct admin_request *request,
               struct audit_batch *rows, struct err *err);

/* ---- supervisor_fall.c ---- */

/*
 * Proved code that calls an entry of the allow-list which is not allowed any more is from its next
 * start on what it is when translated; with the entry allowed again it is proved code again. Each
 * function after a change of what is allowed; or one that was set.
 */
void functions_fall(struct supervisor *supervisor);
void function_fall(struct supervisor *supervisor, struct function *function);
/* Why it is lower than it was proved to be; NULL: it is not. */
const char *function_fallen(const struct function *function);
/* Counts what a deploy's ladder (build_result.ladder) says: a function that is not proved fell. */
void fall_count(struct supervisor *supervisor, const char *ladder);
void function_fall_clear(struct function *function);

/* ---- supervisor_tier.c ---- */

/*
 * What a deploy has built of the first tier: its source is kept until it is optimised. From the
 * job's thread; nothing happens with another result.
 */
int tier_keep_source(struct supervisor *supervisor, const struct build_result *result,
                     const void *tar, size_t size, struct err *err);
/* Whether it is of the first tier; what has come in the place of that is written into the row. Any
 * thread. */
bool tier_row(struct supervisor *supervisor, struct registry_function *row);
/* The same for a function that was set. */
void tier_set(struct supervisor *supervisor, struct function *function);
/* One that is to be optimised; NULL: there is none. */
struct function *tier_next(struct supervisor *supervisor);

/* ---- supervisor_purge.c ---- */
/*
 * Removes libraries that no function has had for so long; none at all as long as no function is
 * registered. Only from the thread that commits: a deploy stores its library again there before it
 * registers it.
 */
int purge_store(struct supervisor *supervisor, uint32_t age_seconds, struct err *err);
/* Frees the uids that wait since a former daemon. At the start, before threads. */
void purge_uids(struct supervisor *supervisor);

/* ---- supervisor_state.c ---- */
/* Makes config.state_dir or takes one that nobody else can write to, and its lock, key and store.
 */
int state_open(struct supervisor *supervisor, struct err *err);
/* Takes the block of uids that it had, else a new one. */
int state_take_uids(struct supervisor *supervisor, struct err *err);

/* ---- supervisor_blanks.c ---- */
/*
 * pvm_template_blank() of a function's wall, which is its own where it writes to the machine,
 * listens or has secrets (`secrets`: the files that they came from, or NULL): the group in
 * `options` goes back to the pool with the blank. A thread of jobs.
 */
int blank_open(struct supervisor *supervisor, struct pvm_template_options *options,
               const struct secrets *secrets, struct pvm_template **ret_pvm, struct err *err);
