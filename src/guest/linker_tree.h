/*
 * Native libraries of one pVM that use each other: each exports many symbols, and leaves undefined
 * what others of the tree or the guest itself export. Functions are bound at their first call
 * (unless the library asks for BIND_NOW), data when the library is linked. No two libraries may
 * export the same name, so that the order of linking says nothing about who is called.
 *
 * Linking runs no code of a library. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct library;
struct link_tree;
struct update_times;

struct link_tree_options {
    /* The address of a function that the guest itself gives to native libraries, or 0. */
    uintptr_t (*host)(const char *name);
    /*
     * A function was called that no library of the tree has, by the code before `return_address`.
     * Does not return: the call has nowhere to go.
     */
    void (*missing)(const char *name, uintptr_t return_address) __attribute__((noreturn));
};

/* One library that is to be linked. */
struct link_file {
    int fd; /* sealed memfd; stays the caller's */
    /* Its length, from who sealed and checked it; 0: the memfd is asked, and whether it is sealed.
     */
    uint64_t bytes;
    char name[NAME_MAX_BYTES + 1]; /* for messages, and unique in its tree */
};

/* An empty tree. -ENOMEM. */
int link_tree_new(const struct link_tree_options *options, struct link_tree **ret_tree,
                  struct err *err);
/* Unmaps all of it. NULL is fine. */
void link_tree_free(struct link_tree *tree);

/*
 * Links libraries that may need each other, all or none: after a refusal the tree is what it was.
 * -ENOEXEC: not a library that may be linked, or it says what is not true of itself (truncated, a
 * symbol or relocation outside of its image, ...); -EEXIST: it exports what another one has, or its
 * name is taken; -ENOENT: it needs data that nobody has; -E2BIG: too many.
 */
int link_tree_add(struct link_tree *tree, const struct link_file *files, size_t count,
                  struct err *err);

/* The library of this name, or NULL. */
struct library *link_tree_find(const struct link_tree *tree, const char *name);
/* The library whose image holds `address`, or NULL. Async-signal-safe. */
struct library *link_tree_holder(const struct link_tree *tree, uintptr_t address);
/* What a symbol of any of its libraries is bound to, or 0. */
uintptr_t link_tree_symbol(const struct link_tree *tree, const char *name);

/*
 * Takes a library out and unmaps it. The caller has seen to it that nothing calls it or points to
 * it any more; functions that were bound to it are bound anew at their next call.
 */
void link_tree_remove(struct link_tree *tree, struct library *library);
/*
 * Replaces a library by another version of it while nothing of it is on a stack (linker_replace.c):
 * its variables are copied by name, and what points into it, in the tree's data and in the heap of
 * native code, points to the same of the new one. -EPERM naming what was removed, what changed its
 * type, or what is pointed to and gone; else as link_tree_add(). After a refusal nothing has
 * changed. The old one is unmapped. `going_back`: as in symbol_map_compare(). *ret_times (NULL is
 * fine) has what its phases took: the tables are those of what lies where in both.
 */
int link_tree_replace(struct link_tree *tree, struct library *old, const struct link_file *file,
                      bool going_back, struct update_times *ret_times, struct err *err);
/*
 * The same, but the old one stays the caller's, mapped as it was, outside of the tree: to be closed
 * (library_close()), or put back. The new one is in *ret_next, the tree's.
 */
int link_tree_put(struct link_tree *tree, struct library *old, const struct link_file *file,
                  bool going_back, struct library **ret_next, struct update_times *ret_times,
                  struct err *err);
/* Puts back what link_tree_put() took out, with what `current`, in its place since then, has by now
 * in the variables of both; `current` is the caller's then. After a refusal nothing has changed. */
int link_tree_put_back(struct link_tree *tree, struct library *current, struct library *before,
                       struct err *err);
/* How many functions were bound at their first call so far. */
uint64_t link_tree_bound(const struct link_tree *tree);
