/*
 * A key-value server that speaks RESP, as redis-cli and redis-benchmark do. One thread, one loop:
 * each round waits once, reads once from every client that has something, and writes once to each
 * that was answered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENTS_MAX 960         /* a pVM has 1,024 descriptors */
#define ARGUMENTS_MAX 4096      /* of one command */
#define BULK_MAX (1u << 20)     /* bytes of one argument */
#define REQUEST_MAX (4u << 20)  /* bytes of one command */
#define ANSWERS_MAX (16u << 20) /* bytes that wait for a client that does not read */

struct text {
    const char *data;
    uint32_t bytes;
};

/* ---- buffer.c: bytes that grow ---- */

struct buffer {
    char *data;
    uint32_t start, end, capacity; /* data[start..end) is what is there */
    bool failed;                   /* there was no memory: what was added since is lost */
};

/* Room for `bytes` behind the end. False: there is no memory. */
bool buffer_room(struct buffer *buffer, uint32_t bytes);
void buffer_add(struct buffer *buffer, const void *data, uint32_t bytes);
void buffer_free(struct buffer *buffer);

/* ---- answer.c: RESP, of the server ---- */

void answer_simple(struct buffer *out, const char *word); /* +OK */
void answer_error(struct buffer *out, const char *words); /* -ERR ... */
void answer_number(struct buffer *out, int64_t number);
void answer_bulk(struct buffer *out, const char *data, uint32_t bytes);
void answer_none(struct buffer *out);
void answer_array(struct buffer *out, uint32_t count);
/* Digits of `number` into `text`; how many. */
uint32_t number_text(int64_t number, char text[21]);

/* ---- request.c: RESP, of the client ---- */

/*
 * One command at `data`: 1, its arguments in `arguments`, which point into data, and its length in
 * *ret_bytes; 0: it is not whole yet; -1: it is none, and *ret_error says why.
 */
int request_parse(const char *data, uint32_t bytes, struct text *arguments, uint32_t *ret_count,
                  uint32_t *ret_bytes, const char **ret_error);

/* ---- table.c: the keys ---- */

enum kind { KIND_STRING, KIND_LIST };

struct item {
    uint32_t bytes;
    char data[];
};

/* A ring of items: both ends are near. */
struct list {
    struct item **items;
    uint32_t first, count, capacity;
};

struct entry {
    struct entry *next;
    uint32_t hash;
    uint32_t key_bytes;
    int64_t expires_ms; /* of the real-time clock; 0: never */
    uint8_t kind;
    uint32_t bytes, capacity; /* of a string */
    union {
        char *data;
        struct list list;
    };
    char key[];
};

struct table {
    struct entry **buckets;
    uint32_t mask;
    uint32_t count;
    uint32_t swept;      /* the bucket that is looked at next for what has expired */
    bool expiring, seen; /* there may be a key that expires; one was seen in this pass */
    uint64_t expired;
};

extern struct table keys;

/* The key, unless it has expired: then it is gone. */
struct entry *table_find(struct text key);
/* The key, made as an empty string when it is not there. NULL: there is no memory. */
struct entry *table_get(struct text key);
bool table_remove(struct text key);
void table_clear(void);
/* When it expires; 0: never. */
void entry_expire(struct entry *entry, int64_t at_ms);
/* Removes what has expired in the next `buckets` buckets. */
void table_sweep(uint32_t buckets);

/* Makes it a string of these bytes. False: there is no memory, nothing has changed. */
bool entry_set(struct entry *entry, const char *data, uint32_t bytes);
/* Makes an empty string an empty list. */
void entry_become_list(struct entry *entry);
bool list_push(struct list *list, bool front, struct text text);
/* The caller's; NULL: it is empty. */
struct item *list_pop(struct list *list, bool front);
const struct item *list_at(const struct list *list, uint32_t index);

/* ---- snapshot.c ---- */

/* Writes every key to the file; 0 or -1 with errno. */
int snapshot_write(const char *path);
/* Reads one that is there; how many keys, or -1 with errno (EBADMSG: it is damaged). */
long snapshot_read(const char *path);

/* ---- command.c, command_key.c, command_list.c, command_server.c ---- */

struct client {
    int fd; /* -1: the place is free */
    bool closing;
    struct buffer in, out;
};

struct call {
    struct client *client;
    struct buffer *out;
    const struct text *arguments;
    uint32_t count;
};

struct command {
    const char *name;
    int arguments; /* with its name; negative: at least so many */
    void (*run)(const struct call *call);
};

extern const struct command key_commands[], list_commands[], server_commands[];

void commands_init(void);
/* Answers a command. */
void command_run(struct client *client, const struct text *arguments, uint32_t count);
/* Answers for commands of one file that others have too. */
void answer_memory(struct buffer *out);
void answer_wrong_kind(struct buffer *out);
void answer_syntax(struct buffer *out);
/* A whole number of 64 bits, or an answer that it is none. */
bool number_of(const struct call *call, struct text text, int64_t *ret_number);
bool text_is(struct text text, const char *word); /* whatever the case */

/* ---- main.c ---- */

struct server {
    int64_t now_ms; /* of this round */
    int64_t started_ms, saved_ms;
    int saver; /* the child that writes a snapshot; 0: none */
    bool save_failed;
    uint32_t clients;
    uint64_t connections, commands;
    char path[256]; /* of the snapshot; "" when no folder was granted */
};

extern struct server server;

/* Forks the child that writes the snapshot. 0 or -1 with errno. */
int save_begin(void);
