/*
 * The directory that stands for /proc/sys/kernel: for each name that the kernel has there a link to
 * the native one, which is mounted below it. Links cost nothing until they are looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "vkernel/view.h"

#define TARGET VIEW_NATIVE "/"
#define LINKS_MAX 1024

static DIR *native; /* until its names are read */
static char *targets[LINKS_MAX];
static size_t target_count;

int view_kernel_open(struct err *err)
{
    native = opendir(VIEW_KERNEL_PATH);
    return native ? 0 : err_set(err, -errno, "cannot open '%s'", VIEW_KERNEL_PATH);
}

static void add(const char *name)
{
    size_t bytes = sizeof TARGET + strlen(name);
    char *target = target_count < LINKS_MAX ? malloc(bytes) : NULL;

    if (!target)
        return;
    strcpy(target, TARGET);
    strcat(target, name);
    targets[target_count++] = target;
}

static void read_names(void)
{
    if (!native)
        return;
    for (const struct dirent *one; (one = readdir(native));)
        if (one->d_name[0] != '.')
            add(one->d_name);
    closedir(native);
    native = NULL;
}

fuse_ino_t view_kernel_find(const char *name)
{
    read_names();
    for (size_t i = 0; i < target_count; i++)
        if (strcmp(targets[i] + sizeof TARGET - 1, name) == 0)
            return VIEW_LINKS + i;
    return 0;
}

const char *view_kernel_target(fuse_ino_t link)
{
    return link >= VIEW_LINKS && link - VIEW_LINKS < target_count ? targets[link - VIEW_LINKS]
                                                                  : NULL;
}

const char *view_kernel_name(fuse_ino_t link)
{
    read_names();
    const char *target = view_kernel_target(link);

    return target ? target + sizeof TARGET - 1 : NULL;
}
