/* A limit for everything that comes from outside or grows: one place to look them up. */
#pragma once

#define NAME_MAX_BYTES 63             /* of a function; [a-z0-9][a-z0-9-]* */
#define VERSION_MAX_BYTES 31          /* of a function */
#define MANIFEST_MAX_BYTES (64 << 10) /* of vireo.yaml */
#define SOURCE_MAX_BYTES (64 << 20)   /* of a source tree, packed */
#define SOURCE_MAX_FILES 4096
#define WASM_MAX_BYTES (32 << 20)     /* of a module */
#define WASM_TABLE_MAX (1u << 20)     /* elements of one table, 24 bytes each in the instance */
#define LIBRARY_MAX_BYTES (128 << 20) /* of a built library */
#define FUNCTIONS_MAX 16384           /* in one registry */

#define REQUEST_HEAD_MAX_BYTES (32 << 10)  /* method, path, query and headers */
#define REQUEST_BODY_MAX_BYTES (6 << 20)   /* default and ceiling of a request's body */
#define RESPONSE_HEAD_MAX_BYTES (32 << 10) /* headers of an answer */
#define RESPONSE_BODY_MAX_BYTES (6 << 20)  /* default and ceiling of an answer's body */
#define REQUEST_HEADERS_MAX 128            /* fields in one request or answer */

#define GRANT_FILES_MAX 8                /* directories that one manifest may ask for */
#define GRANT_ENV_MAX 64                 /* environment variables in one manifest */
#define GRANT_ENV_TOTAL_BYTES (24 << 10) /* of them all: they go to the guest in one message */
#define SECRET_MAX_BYTES (8 << 10)       /* of a variable that comes from a file */
#define GRANT_LISTEN_MAX 8               /* addresses that one manifest may listen on */
#define GRANT_CONNECT_MAX 16             /* destinations in one manifest */
#define GRANT_QUEUE_MAX 8                /* functions that one manifest may send messages to */
#define GRANT_EXEC_MAX 8                 /* programs that one manifest may run */
#define ENDPOINT_MAX_BYTES 262           /* of "HOST:PORT" */
#define LINK_LIBRARIES_MAX 32            /* native libraries in one pVM */
#define DEPENDENCIES_MAX 12              /* libraries that one manifest names or needs */
#define VERSION_RANGE_MAX_BYTES 63       /* ">=1.2 <2" */
#define ENTRY_MAX_BYTES 127              /* of a manifest's entry */
#define IMPORTS_MAX 32                   /* modules that one manifest has imported ahead */
#define IMPORT_MAX_BYTES 127             /* of one's name */
#define RUN_ARGS_MAX 256                 /* arguments of `vireo run` */

#define PLATFORM_BYTES (16 << 20) /* that a function keeps, unless it is configured */
#define PLATFORM_MIN_BYTES (64 << 10)
#define PLATFORM_MAX_BYTES (64ull << 30)
#define PLATFORM_QUEUE 1000 /* messages of a function that wait, unless it is configured */
#define PLATFORM_QUEUE_MAX 1000000

#define LOG_RING_BYTES (8 << 20) /* of output kept for each function, unless it is configured */
#define LOG_RING_MIN_BYTES (16 << 10)
#define LOG_RING_MAX_BYTES (64 << 20)
#define LOG_RATE_BYTES                                                        \
    (1 << 20) /* a second of output kept for each function, unless configured \
               */
#define LOG_RATE_MAX_BYTES (1 << 30)

/* The uid and gid of vireo's own processes that are left without rights. No account, no container
 * and no range of /etc/subuid has it, so nobody but root can signal them: "nobody" (65534) is what
 * many services and containers run as. */
#define UID_WITHOUT_RIGHTS 0xfffe0001u
