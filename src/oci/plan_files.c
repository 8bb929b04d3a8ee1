/* The plan's list of files that a container may use: its virtual kernel's part of files. */
#include <errno.h>
#include <linux/landlock.h>
#include <string.h>

#include "base/err.h"
#include "base/landlock.h"
#include "oci/plan.h"
#include "vkernel/vkernel.h"

/* Room for what 4 lists of the longest value can hold, and for the root. */
#define PATHS_MAX (VKERNEL_FILE_KINDS * VKERNEL_VALUE_BYTES / 2 + 1)

static void add(struct plan *plan, struct init_path *list, const char *path, size_t length,
                uint64_t rights, bool optional)
{
    struct init_process *out = &plan->out->process;
    char *text = plan_take(plan, length + 1);

    memcpy(text, path, length);
    list[out->path_count++] = (struct init_path){text, rights, optional};
}

int plan_files(struct plan *plan, const struct vkernel *vkernel, struct err *err)
{
    struct init_process *out = &plan->out->process;
    int abi = vkernel_files_handled(vkernel, 1) ? landlock_version() : 0;

    if (abi < 0)
        return err_set(err, abi, "cannot limit the files (vkernel.files) without Landlock");
    if (!abi)
        return 0;
    struct init_path *list = plan_take(plan, PATHS_MAX * sizeof *list);
    out->paths = list;
    out->path_rights = vkernel_files_handled(vkernel, abi);
    for (enum vkernel_file_kind kind = 0; kind < VKERNEL_FILE_KINDS; kind++) {
        const char *paths = vkernel->files.paths[kind];
        for (const char *at = *paths && strcmp(paths, "none") != 0 ? paths : NULL; at;) {
            const char *path;
            size_t length;
            bool optional;
            at = vkernel_files_next(at, &path, &length, &optional);
            add(plan, list, path, length, vkernel_files_rights(kind, abi), optional);
        }
    }
    /* Without a word about it Landlock refuses to move files from one directory to another. */
    if (abi >= 2 && !(out->path_rights & LANDLOCK_ACCESS_FS_REFER)) {
        out->path_rights |= LANDLOCK_ACCESS_FS_REFER;
        add(plan, list, "/", 1, LANDLOCK_ACCESS_FS_REFER, false);
    }
    return 0;
}
