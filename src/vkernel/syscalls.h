/*
 * A table of system calls: what becomes of each, by its number and its arguments, and the one
 * filter that is compiled from it. Tables come from texts (a manifest, a profile), from the wall of
 * a pVM, or from an engine's profile; two of them are merged into one in which the stricter wins.
 *
 * A table belongs to who made it; no function here keeps a pointer to one. Any thread.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct vk_table;

/* The strictest first, as the kernel ranks the actions of two filters. */
enum vk_action {
    VK_KILL,     /* the whole process, by SIGSYS */
    VK_TRAP,     /* SIGSYS that can be caught; engines' profiles only */
    VK_ERRNO,    /* it returns an error and does nothing */
    VK_EMULATED, /* our broker answers it: it never runs in the kernel */
    VK_NOTIFY,   /* an engine's own listener decides */
    VK_LOG,      /* as native, and the kernel logs it; engines' profiles only */
    VK_NATIVE,
};

struct vk_verdict {
    uint8_t action; /* enum vk_action */
    uint16_t error; /* VK_ERRNO: positive, at most VK_ERRNO_MAX */
};
#define VK_ERRNO_MAX 4095

enum vk_compare { VK_EQ, VK_NE, VK_LT, VK_LE, VK_GT, VK_GE, VK_ANY_OF, VK_NONE_OF };

/*
 * What one argument must be, unsigned. VK_EQ and VK_NE look at the bits of `mask` alone. `low`: the
 * low half is compared and the high half is not looked at, as the kernel does with an int.
 */
struct vk_condition {
    uint8_t argument; /* 0 to 5 */
    uint8_t compare;  /* enum vk_compare */
    bool low;
    uint64_t mask, value;
};

#define VK_CONDITIONS_MAX 12
/* Holds when all of its conditions do; without any, always. */
struct vk_rule {
    struct vk_verdict verdict;
    uint8_t condition_count;
    struct vk_condition conditions[VK_CONDITIONS_MAX];
};

#define VK_RULES_MAX 64  /* of one call */
#define VK_CALLS_MAX 512 /* numbers that a table can tell apart; above, all are alike */
/* What the kernel takes at most (BPF_MAXINSNS). */
#define VK_PROGRAM_MAX 4096

/*
 * A table in which every call has this verdict, and every call of another architecture (i386, x32)
 * ends the process. -ENOMEM.
 */
int vk_table_new(struct vk_verdict otherwise, struct vk_table **ret_table);
void vk_table_free(struct vk_table *table);

/*
 * What becomes of one call: of `rules`, copied, the first that holds; the last must have no
 * condition. -EINVAL (number, argument, comparison or error out of range), -ENOMEM.
 */
int vk_table_put(struct vk_table *table, unsigned number, const struct vk_rule *rules,
                 size_t count);

/* The same, appended behind those that are there, whose last, unconditional one stays the last. */
int vk_table_add(struct vk_table *table, unsigned number, const struct vk_rule *rule);

/* The rules of one call; `ret_own` tells whether it is named in the table. Good until it changes.
 */
const struct vk_rule *vk_table_rules(const struct vk_table *table, unsigned number,
                                     size_t *ret_count, bool *ret_own);

/* What becomes of one call, as the filter will decide it. */
struct vk_verdict vk_table_verdict(const struct vk_table *table, unsigned number,
                                   const uint64_t arguments[static 6]);

/* Whether any call has this action under any circumstance. */
bool vk_table_has(const struct vk_table *table, enum vk_action action);

/*
 * One table that answers every call as the stricter of the two does, for all arguments; of two
 * errors floor's. One exception: what `ours` has *emulated* stays so, for it does not run natively
 * (and could not be had by two filters, where the error would win). -EBUSY: `floor` has a listener
 * of its own and `ours` has emulated calls; -E2BIG: too many conditions together; -ENOMEM.
 */
int vk_table_merge(const struct vk_table *floor, const struct vk_table *ours,
                   struct vk_table **ret_table, struct err *err);

/*
 * The filter, of at most `max` instructions: neighbours that are alike become one leaf of a tree of
 * comparisons, which is balanced by weight so that hot calls are near its root. What a call costs
 * does not grow with the table. Returns the count, or -E2BIG.
 */
int vk_table_compile(const struct vk_table *table, struct sock_filter *ret_program, size_t max);

/* ---- texts ---- */

/* The number of a call of x86-64 by its name, or by its number in digits; -ENOENT. */
int vk_call_number(const char *name);
/* Into `text`: its name, else its number in digits. */
#define VK_CALL_NAME_BYTES 40
void vk_call_name(unsigned number, char text[static VK_CALL_NAME_BYTES]);

/*
 * RULE [; RULE]..., each ACTION [if CONDITION [and CONDITION]...]:
 *     errno EPERM if arg0 == 16; native
 *     kill if arg2 & 0x4
 * ACTION is native, kill, emulated, errno NAME or errno NUMBER; CONDITION argN OP VALUE with == !=
 * < <= > >=, argN & MASK (any of these bits), argN !& MASK (none), or argN & MASK == VALUE. Where
 * the last rule has a condition, native follows. An argument that the kernel may read as an int is
 * no way round: where the upper half changes the answer, the stricter one is taken.
 * Returns the count, or -EINVAL with the reason alone.
 */
int vk_rules_parse(const char *text, struct vk_rule *ret_rules, size_t max, struct err *reason);
/* As vk_rules_parse() reads it, but for conditions on the low half: "low0". */
void vk_rules_format(const struct vk_rule *rules, size_t count, char *text, size_t size);
/* One action: "errno EPERM". */
int vk_verdict_parse(const char *text, struct vk_verdict *ret_verdict, struct err *reason);
void vk_verdict_format(struct vk_verdict verdict, char *text, size_t size);

/* ---- profiles ---- */

/* The names, ended by NULL: none, podman, strict. */
extern const char *const vk_profiles[];
/* -ENOENT, -ENOMEM. */
int vk_profile_table(const char *name, struct vk_table **ret_table);
/* The wall of functions in containers: their virtual kernels only make it stricter. */
#define VK_CONTAINER_PROFILE "podman"
/*
 * That profile without keyctl(2): add_key(2) it has not, and a user's keyrings are one for all
 * containers of a function, so that one call could leave a word there for the next. -ENOMEM.
 */
int vk_container_table(struct vk_table **ret_table);
