/* What a function's author asks for: vireo.yaml, checked. docs/manifest.md lists the keys. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allow/allow.h"
#include "base/limits.h"
#include "bpf/policy.h"
#include "vkernel/vkernel.h"

struct err;

#define MANIFEST_TIMEOUT_MS 10000 /* when nothing says otherwise */

enum manifest_isolation { MANIFEST_INSTANCE, MANIFEST_REQUEST };

/* What runs the function's source: docs/python.md. */
enum manifest_runtime {
    MANIFEST_RUNTIME_NONE, /* it is built into a library */
    MANIFEST_RUNTIME_PYTHON,
};
const char *manifest_runtime_name(enum manifest_runtime runtime);
/* "module:function", where both may have dots. */
bool manifest_entry_is_of_module(const char *text);

/* What an instance is made of: docs/linking.md. */
enum manifest_recycle {
    MANIFEST_RECYCLE_NONE,  /* a template of the function itself */
    MANIFEST_RECYCLE_BLANK, /* a blank that it shares with others of its application */
    MANIFEST_RECYCLE_REUSE, /* the same, in the place of an ended one */
};

/* Who may have a library linked: docs/linking.md. */
enum manifest_loader {
    MANIFEST_LOADER_ANY, /* pVMs of any application */
    MANIFEST_LOADER_APPLICATION,
    MANIFEST_LOADER_SELF,  /* what the image itself names */
    MANIFEST_LOADER_BLANK, /* a pVM that has no function yet */
};
const char *manifest_loader_name(enum manifest_loader loader);

/* What an image asks of the other one when a library is linked. */
struct manifest_library {
    char signer[65];                            /* hex; "": any key that is trusted */
    char versions[VERSION_RANGE_MAX_BYTES + 1]; /* "": any */
    enum manifest_loader loader;
};

struct manifest_dependency {
    char name[NAME_MAX_BYTES + 1];
    char versions[VERSION_RANGE_MAX_BYTES + 1]; /* "": any */
    char signer[65];                            /* hex; "": any key that is trusted */
    char hash[65];                              /* hex; "": not resolved yet */
};

struct manifest_file {
    char path[256]; /* as the function sees it: absolute, no ".."; "/" by `vireo run` only */
    char host[256]; /* directory on the host; empty: a private tmp of `size_bytes` */
    uint64_t size_bytes;
    bool writable;
};

struct manifest_env {
    char name[64];
    char value[1024];
    /* Not empty: a secret. The value is in this file of the host, absolute, and only the supervisor
     * reads it, each time it starts a template. */
    char file[256];
};

/* How a program in a container is called. */
enum manifest_talk { MANIFEST_STDIO, MANIFEST_HTTP, MANIFEST_LAMBDA };
const char *manifest_talk_name(enum manifest_talk talk);

#define MANIFEST_WORDS_MAX 128
/* A function in a container; word_count 0: it is none. */
struct manifest_container {
    char command[4096]; /* NUL-terminated words */
    uint32_t command_bytes, word_count;
    char directory[256]; /* the program's; "": "/" */
    enum manifest_talk talk;
    bool talk_said;
    bool started; /* pool: started: its program may start before the first call */
};

struct manifest {
    char name[NAME_MAX_BYTES + 1]; /* "" when neither file nor option gave one */
    char version[VERSION_MAX_BYTES + 1];
    /* "": found by the build: handler, else main; of an interpreter's "module:function". */
    char entry[ENTRY_MAX_BYTES + 1];
    enum manifest_runtime runtime;
    char imports[IMPORTS_MAX][IMPORT_MAX_BYTES + 1]; /* what its template imports */
    uint32_t import_count;
    char sources[64][128]; /* relative paths or patterns (*.c); none: every *.c of the folder */
    uint32_t source_count;
    bool http_cgi; /* http: cgi */
    enum manifest_isolation isolation;

    struct {
        uint64_t memory_bytes;             /* default 64 MiB; 1 MiB..4 GiB */
        uint32_t cpu_millis;               /* thousandths of a CPU; 0: no limit */
        uint32_t pids;                     /* default 16 */
        uint32_t timeout_ms;               /* default 10,000; 1..3,600,000 */
        uint64_t stack_bytes;              /* default 1 MiB */
        uint32_t request_bytes;            /* default and ceiling REQUEST_BODY_MAX_BYTES */
        uint32_t answer_bytes;             /* default and ceiling RESPONSE_BODY_MAX_BYTES */
        uint64_t io_bytes_per_second;      /* 0: no limit */
        uint32_t io_operations_per_second; /* 0: no limit */
    } limits;

    struct {
        uint32_t instances_max; /* 0: not said; see manifest_settle() */
        uint32_t spares;        /* prepared instances kept ready; default 0 */
        uint32_t queue_max;     /* calls that may wait; default 256 */
        uint32_t idle_ms;       /* an idle instance ends after it; default 300,000 */
    } pool;

    struct manifest_file files[GRANT_FILES_MAX]; /* grants: files: */
    uint32_t file_count;
    struct manifest_env env[GRANT_ENV_MAX]; /* grants: env: */
    uint32_t env_count;
    char listen[GRANT_LISTEN_MAX][64];                       /* grants: listen: ADDRESS:PORT each */
    uint32_t listen_count;                                   /* not 0: the function is a server */
    char connect[GRANT_CONNECT_MAX][ENDPOINT_MAX_BYTES + 1]; /* grants: connect: HOST:PORT each */
    uint32_t connect_count;
    struct bpf_policy bpf;                           /* grants: bpf, and the section bpf */
    bool fork, ipc;                                  /* grants: fork, ipc */
    char queue[GRANT_QUEUE_MAX][NAME_MAX_BYTES + 1]; /* grants: queue: names of functions */
    uint32_t queue_count;
    char exec[GRANT_EXEC_MAX][NAME_MAX_BYTES + 1]; /* grants: exec: functions in containers */
    uint32_t exec_count;
    bool allow_said; /* allow: is there; else the layers are the default */
    uint32_t layers; /* ALLOW_BIT() of each layer that it may use */
    struct {
        uint64_t slack_bytes; /* for variables that later versions add; 0: no live update */
    } update;
    struct {
        uint32_t depth;  /* generations below the root; default 16 */
        bool own_groups; /* each member has a control group below the family's; default no */
    } family;
    bool given; /* the source has a vireo.yaml: set by the build, not written */
    bool link;  /* grants: link: libraries may be linked while it runs */

    enum manifest_recycle recycle;
    char application[NAME_MAX_BYTES + 1]; /* whose part it is; "": its own name */
    struct manifest_library library;
    struct manifest_dependency dependencies[DEPENDENCIES_MAX];
    uint32_t dependency_count;
    bool spares_by_rate; /* pool: policy: rate */
    struct manifest_container container;
    struct vkernel vkernel; /* its own part of the kernel: docs/vkernel.md */
};

/* It has connections of its own: with the platform alone its places are for HTTP. */
static inline bool manifest_connects(const struct manifest *manifest)
{
    return manifest->connect_count > 0 && (manifest->layers & ALLOW_BIT(ALLOW_IO));
}

/* The defaults, with no name. */
void manifest_default(struct manifest *manifest);

/*
 * Parses and checks vireo.yaml. Unknown keys, duplicate keys, wrong types, anchors, aliases, and
 * values out of range are refused with line and column:
 *     cannot read 'vireo.yaml': line 4, column 3: unknown key 'memroy' (did you mean 'memory'?)
 * `where` is what the message calls the file. -EINVAL, -EFBIG. *ret_manifest is untouched on
 * failure.
 */
int manifest_parse(const char *text, size_t size, const char *where, struct manifest *ret_manifest,
                   struct err *err);

/*
 * Checks what several values must satisfy together (the stack fits in the memory, ...): parsing did
 * it; whoever lays other values over a manifest does it again. -EINVAL.
 */
int manifest_check(const struct manifest *manifest, struct err *err);

/*
 * Checks it so and gives what was not said its value: 4 instances, or 32 under isolation: request,
 * where one that runs serves a single call. After the last value was laid over it, for the answer
 * depends on several.
 */
int manifest_settle(struct manifest *manifest, struct err *err);

/* The application that it is part of. */
static inline const char *manifest_application(const struct manifest *manifest)
{
    return manifest->application[0] ? manifest->application : manifest->name;
}

/* Adds one, as the build does for what its libraries need in turn. */
int manifest_add_dependency(struct manifest *manifest, const struct manifest_dependency *dependency,
                            struct err *reason);

/* An empty list of that key: -EINVAL, with the reason, where one that is left out is the default,
 * so that nobody who wants to allow nothing allows all of that. */
int manifest_bpf_check_list(const char *key, struct err *reason);

/* Adds or sets one value of the section bpf, as an operator's configuration has it, too. */
int manifest_bpf_set(struct bpf_policy *policy, const char *key, const char *value,
                     struct err *reason);

/* As canonical YAML that manifest_parse() reads back to the same struct; malloc'ed, the caller's.
 */
int manifest_format(const struct manifest *manifest, char **ret_text, struct err *err);

/*
 * What an operator lets manifests ask for at most (docs/configuration.md, allow_grants: limits).
 * Zeroed: whatever a manifest may have.
 */
#define MANIFEST_CEILINGS 32
#define MANIFEST_CEILING_TMP (MANIFEST_CEILINGS - 1) /* of all private folders together */
struct manifest_ceilings {
    uint64_t given; /* a bit for each of `most`, which are in the order of the manifest's keys */
    uint64_t most[MANIFEST_CEILINGS];
};

/*
 * Sets one, by the manifest's name for it ("memory", "instances", "bytes_per_second"), or "tmp".
 * -ENOENT: there is no such; -EINVAL: not a value that a manifest may have.
 */
int manifest_ceilings_set(struct manifest_ceilings *ceilings, const char *name, const char *value,
                          struct err *reason);

/* -EPERM, naming limit and ceiling, when a settled manifest asks for more. */
int manifest_ceilings_hold(const struct manifest_ceilings *ceilings,
                           const struct manifest *manifest, struct err *err);
/* What it leaves unlimited (0 of cpus and io) is given the ceiling. */
void manifest_ceilings_fill(const struct manifest_ceilings *ceilings, struct manifest *manifest);

/* Each checks one value as a person writes it ("64MiB", "0.5", "2s", "instance") and stores it. */
int manifest_set_name(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_memory(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_cpus(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_timeout(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_slack(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_talk(struct manifest *manifest, const char *value, struct err *err);
int manifest_set_directory_of_program(struct manifest *manifest, const char *value,
                                      struct err *err);
/* Adds a word to the command. */
int manifest_add_word(struct manifest *manifest, const char *word, struct err *reason);
int manifest_set_isolation(struct manifest *manifest, const char *value, struct err *err);
/* "NAME=value" into env, replacing one of that name (--param). */
int manifest_set_env(struct manifest *manifest, const char *pair, struct err *err);
/* The machine's directory `host` as `path`, which may be "/" and end in "/" (`vireo run --dir`). It
 * takes the place of one that the manifest has there. */
int manifest_set_directory(struct manifest *manifest, const char *host, const char *path,
                           bool writable, struct err *err);

/* "64 MiB" from bytes, for people: the largest unit that divides it. */
void manifest_bytes_text(uint64_t bytes, char *text, size_t size);
