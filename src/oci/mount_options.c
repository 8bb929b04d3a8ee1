/* The options of a mount in config.json. */
#include <linux/mount.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/launch.h"
#include "oci/mount_options.h"

enum special {
    NOTHING,
    BIND,
    RBIND,
    REMOUNT,
    COPY_UP,
    NO_FOLLOW,
    COPY_LINK,
    TARGET_NO_FOLLOW,
    IDMAP,
    RIDMAP,
    IGNORED, /* says what is so anyway */
};

struct option {
    const char *name;
    uint64_t set, clear;
    uint64_t propagation;
    enum special special;
};

/* Of the attributes of a mount; each exists with "r" before it for the whole tree. A time stamp
 * policy is one of several values: the mask is cleared first. */
static const struct option attributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", 0, MOUNT_ATTR__ATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

static const struct option others[] = {
    {"bind", 0, 0, 0, BIND},
    {"rbind", 0, 0, 0, RBIND},
    {"remount", 0, 0, 0, REMOUNT},
    {"tmpcopyup", 0, 0, 0, COPY_UP},
    {"copy-symlink", 0, 0, 0, COPY_LINK},
    {"src-nofollow", 0, 0, 0, NO_FOLLOW},
    {"dest-nofollow", 0, 0, 0, TARGET_NO_FOLLOW},
    {"idmap", 0, 0, 0, IDMAP},
    {"ridmap", 0, 0, 0, RIDMAP},
    {"shared", 0, 0, MS_SHARED, NOTHING},
    {"rshared", 0, 0, MS_SHARED | MS_REC, NOTHING},
    {"slave", 0, 0, MS_SLAVE, NOTHING},
    {"rslave", 0, 0, MS_SLAVE | MS_REC, NOTHING},
    {"private", 0, 0, MS_PRIVATE, NOTHING},
    {"rprivate", 0, 0, MS_PRIVATE | MS_REC, NOTHING},
    {"unbindable", 0, 0, MS_UNBINDABLE, NOTHING},
    {"runbindable", 0, 0, MS_UNBINDABLE | MS_REC, NOTHING},
    {"defaults", 0, 0, 0, IGNORED},
    {"async", 0, 0, 0, IGNORED},
    {"nomand", 0, 0, 0, IGNORED},
    {"loud", 0, 0, 0, IGNORED},
    {"nolazytime", 0, 0, 0, IGNORED},
    {"noiversion", 0, 0, 0, IGNORED},
    {"auto", 0, 0, 0, IGNORED},
    {"noauto", 0, 0, 0, IGNORED},
    {"user", 0, 0, 0, IGNORED},
    {"nofail", 0, 0, 0, IGNORED},
};

/* Flags of superblocks, which the file system's own context takes by name. */
static const char *const superblock_flags[] = {"sync", "dirsync",  "lazytime",
                                               "mand", "iversion", "silent"};

static const struct option *find(const struct option *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* The later option wins, as with mount(8). */
static void change(uint64_t *set, uint64_t *clear, const struct option *option)
{
    *set = (*set & ~option->clear) | option->set;
    *clear = (*clear & ~option->set) | option->clear;
    /* The mask of the time stamps goes along whole, or the kernel refuses it. */
    if (option->clear == MOUNT_ATTR__ATIME)
        *clear |= MOUNT_ATTR__ATIME;
}

static void apply(const struct option *option, struct oci_mount_flags *flags)
{
    flags->bind |= option->special == BIND || option->special == RBIND;
    flags->recursive |= option->special == RBIND;
    flags->remount |= option->special == REMOUNT;
    flags->copy_up |= option->special == COPY_UP;
    flags->target_nofollow |= option->special == TARGET_NO_FOLLOW;
    flags->copy_link |= option->special == COPY_LINK;
    flags->nofollow |= option->special == NO_FOLLOW;
    flags->idmap |= option->special == IDMAP || option->special == RIDMAP;
    flags->recursive_idmap |= option->special == RIDMAP;
    if (option->propagation & MS_REC)
        flags->recursive_propagation = option->propagation & ~(uint64_t)MS_REC;
    else if (option->propagation)
        flags->propagation = option->propagation;
}

void oci_mount_flags_read(const struct oci_strings *options, const char **ret_data,
                          struct oci_mount_flags *ret_flags)
{
    *ret_flags = (struct oci_mount_flags){.data = ret_data};
    for (size_t i = 0; i < options->count; i++) {
        const char *name = options->list[i];
        const struct option *option = find(attributes, ARRAY_LEN(attributes), name);
        if (option) {
            change(&ret_flags->set, &ret_flags->clear, option);
            continue;
        }
        option = name[0] == 'r' ? find(attributes, ARRAY_LEN(attributes), name + 1) : NULL;
        if (option) {
            change(&ret_flags->recursive_set, &ret_flags->recursive_clear, option);
            continue;
        }
        option = find(others, ARRAY_LEN(others), name);
        if (option)
            apply(option, ret_flags);
        else
            ret_data[ret_flags->data_count++] = name;
    }
}

const char *const *oci_launch_mount_options(void)
{
    static const char
        *names[2 * ARRAY_LEN(attributes) + ARRAY_LEN(others) + ARRAY_LEN(superblock_flags) + 1];
    static char recursive[ARRAY_LEN(attributes)][16];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        recursive[i][0] = 'r';
        strncpy(recursive[i] + 1, attributes[i].name, sizeof recursive[i] - 2);
        names[n++] = attributes[i].name;
        names[n++] = recursive[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        names[n++] = others[i].name;
    for (size_t i = 0; i < ARRAY_LEN(superblock_flags); i++)
        names[n++] = superblock_flags[i];
    names[n] = NULL;
    return names;
}
