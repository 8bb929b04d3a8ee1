/*
 * An update is whole or not at all: what groups_write() replaces is kept until the last value is
 * written, and put back, the latest first, when one is refused. So it is for files of one line;
 * those with a line a device (throttles, rdma) keep what they were told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/groups.h"

/* As many as an update writes: each value of linux.resources once, and huge pages of each size. */
#define KEPT_MAX 48
#define VALUE_MAX 256

struct kept {
    int tree_fd; /* the tree's, not ours */
    char file[64], value[VALUE_MAX];
};

/* One thread, one update: the runtime is started anew for each. */
static struct kept kept[KEPT_MAX];
static size_t kept_count;
static bool keeping;

void groups_keep(void)
{
    keeping = true;
    kept_count = 0;
}

void groups_kept(bool undo)
{
    keeping = false;
    while (undo && kept_count > 0) {
        const struct kept *last = &kept[--kept_count];
        (void)fd_write_string(last->tree_fd, last->file, last->value);
    }
}

/* What stands in a file of one line; false: it has more, or can't be read. */
static bool value_now(int tree_fd, const char *file, char *ret_value)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    if (fd_read_file(tree_fd, file, VALUE_MAX - 1, &text, &size, NULL) < 0)
        return false;
    char *end = strchr(text, '\n');
    if (end && end[1] != '\0')
        return false;
    strcpy(ret_value, text);
    return true;
}

int groups_write(const struct cgroup_place_tree *tree, const char *file, const char *value,
                 struct err *err)
{
    struct kept *next = keeping && kept_count < KEPT_MAX && strlen(file) < sizeof next->file
                            ? &kept[kept_count]
                            : NULL;
    bool known = next && value_now(tree->fd, file, next->value);
    int r = fd_write_string(tree->fd, file, value);

    if (r < 0)
        return err_set(err, r, "cannot set '%s' to '%s'", file, value);
    if (known) {
        next->tree_fd = tree->fd;
        strcpy(next->file, file);
        kept_count++;
    }
    return 0;
}
