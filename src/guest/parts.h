/*
 * Libraries of translated code in one pVM, linked with its program ("parts"): they lie in the
 * program's linear memory and table, and use its stack. A function of another library is bound at
 * its first call, by name and by type, so that a call never has other arguments than what is called
 * takes; addresses of variables and functions are put in place when the part is linked. What runs
 * at that (a part's own relocations, constructors) is translated code: only in an instance, behind
 * its filter.
 *
 * One thread. One open instance of a program in a process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/linker_tree.h"

struct err;
struct host;
struct library_slot;
struct parts;

/* None yet. -ENOMEM. */
int parts_new(struct parts **ret_parts, struct err *err);

/*
 * Links parts that may need each other with the program `host->library`, all or none; when its
 * instance is open they are put into it, else when it is opened. -ENOEXEC: no library of translated
 * code; -EEXIST: its name, or a name that it exports, is taken; -ENOENT: it wants an address that
 * nobody has; -E2BIG: too many; -ENOMEM: the memory's or the table's limit; -EFAULT: its code
 * trapped.
 */
int parts_link(struct host *host, const struct link_file *files, size_t count, struct err *err);

/*
 * Puts the first of `files` in the place of the part `name`, whose data and table it goes on with
 * (parts_replace.c); the others, which it needs, are linked beside. `frame`: from where on, towards
 * the outermost call, no code of the part may be on the call stack; NULL: nothing is on it.
 * -ENOENT: there is none of that name; -EBUSY: it is on the stack; -EPERM: it was not built against
 * the one that is linked, or what changed, by name; else as parts_link(). After a refusal nothing
 * has changed.
 */
int parts_replace(struct host *host, const char *name, const struct link_file *files, size_t count,
                  const void *frame, struct err *err);

/* Puts all parts into the program's instance, which was just opened. Errors of parts_link(). */
int parts_open(struct host *host, struct err *err);
/* Before the program's instance is closed. */
void parts_close(struct host *host);

/*
 * An update of the program: whether `library` can take the place of host->library with all that is
 * linked. -EPERM naming what it lacks, or what clashes.
 */
int parts_may_move(const struct host *host, const struct library *library, struct err *err);
/*
 * Its instance `before` has been replaced by the one that is open in `host`, which has its memory
 * now: the parts go on with that one. -EPERM: the new program has more functions in its table than
 * were left room for before the first part; nothing has changed then.
 */
int parts_move(struct host *host, const struct host *before, struct err *err);

/* Code of theirs is being started: nothing may be linked or replaced from within it. */
bool parts_are_busy(const struct host *host);
/* How many are linked. */
size_t parts_count(const struct host *host);
/* The program or the part whose code holds `address`, or NULL. Async-signal-safe. */
const struct library *parts_holder(const struct host *host, uintptr_t address);

/* Called by translated code whose slot is not bound yet: binds it, or traps. `from`: where what
 * called that function goes on. */
void vireo_link_bind(struct host *host, struct library_slot *slot, const void *from);
