/* What parts.c and parts_replace.c share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/linker.h"
#include "guest/parts.h"

struct part {
    struct library *library; /* NULL: it is being replaced, and has nothing meanwhile */
    void *instance;          /* NULL: not in an instance of the program */
    uint32_t memory_base, table_base;
    uint32_t table_elements; /* that are its own there */
    char name[NAME_MAX_BYTES + 1];
};

struct parts {
    struct part all[LINK_LIBRARIES_MAX];
    size_t count;
    size_t first;        /* of those that are being put in place */
    uint32_t table_base; /* where what is not the program's begins in its table */
    char reason[160];
    int error;
    bool busy; /* code of theirs runs that puts them in place */
};

/* Who exports a symbol: the program (part NULL) or a part. */
struct part_owner {
    const struct library_symbol *symbol;
    const struct part *part;
};

const struct library_symbol *part_symbol(const struct library *library, const char *name);
bool part_owner_find(const struct host *host, const char *name, struct part_owner *ret_owner);
/* Maps one library; nothing of it has run. -ENOEXEC: it is no part; -EEXIST: it exports what
 * another has. The library is the caller's. */
int part_open(const struct host *host, const struct link_file *file, struct part *ret_part,
              struct err *err);
/* -ENOENT: it wants an address that nobody has. */
int part_check_wants(const struct host *host, const struct part *part, struct err *err);
/* Puts the addresses that it wants into it: on the call stack. Failing sets host->parts->error. */
void part_fill_addresses(struct host *host, const struct part *part);
/* Where the part is put, before it is instantiated. */
void part_set_place(const struct host *host, const struct part *part);
/* Its functions of others are bound anew at their next call. */
void part_unbind(const struct library *library);
/* An element of the table that is a function of `instance`: the same of `owner`, which has taken
 * its place; one that it has no more is a trap when it is called. */
void part_move_element(const struct library *before, const void *instance,
                       const struct library *library, void *owner, void *element);
/* Takes out and closes the last parts until `count` are there. */
void parts_drop(struct host *host, size_t count);
