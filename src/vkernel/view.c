/* The file system of a container's view: a table of nodes, and its operations on them. */
#include "vkernel/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A look-up holds for as long as a node does: for ever. */
#define FOREVER 86400.0
#define DIRECTORY_BYTES 4096
#define VALUE_FILE_BYTES 4096 /* as sysfs says it */

/* Its links are no nodes of the table. */
#define NODE_KERNEL 7

const struct view_node view_nodes[] = {
    [0] = {"", 0, 0, NULL},
    [1] = {"/", 1, S_IFDIR | 0755, NULL},
    [2] = {"kmsg", 1, S_IFREG | 0644, &view_kmsg},
    /* Everybody in the container: the policy is the group's, and takes nothing from others. */
    [3] = {"cpu.real_policy", 1, S_IFREG | 0666, &view_param, VIEW_POLICY},
    [4] = {"swappiness", 1, S_IFREG | 0644, &view_param, VIEW_SWAPPINESS},
    [5] = {"overcommit_memory", 1, S_IFREG | 0644, &view_param, VIEW_OVERCOMMIT_MEMORY},
    [6] = {"overcommit_ratio", 1, S_IFREG | 0644, &view_param, VIEW_OVERCOMMIT_RATIO},
    [NODE_KERNEL] = {VIEW_KERNEL, 1, S_IFDIR | 0555, NULL},
    [8] = {VIEW_NATIVE, NODE_KERNEL, S_IFDIR | 0555, NULL},
    [9] = {"sched_wakeup_granularity_ns", NODE_KERNEL, S_IFREG | 0644, &view_param,
           VIEW_GRANULARITY},
};
const size_t view_node_count = sizeof view_nodes / sizeof *view_nodes;

static const struct view_node *node_of(fuse_ino_t file)
{
    return file > 0 && file < view_node_count ? &view_nodes[file] : NULL;
}

static bool is_there(fuse_ino_t file)
{
    return node_of(file) || view_kernel_target(file);
}

static mode_t mode_of(fuse_ino_t file)
{
    return view_kernel_target(file) ? S_IFLNK | 0777 : view_nodes[file].mode;
}

static struct stat attributes(const struct view *view, fuse_ino_t file)
{
    const struct view_node *node = node_of(file);
    struct stat status = {.st_ino = file,
                          .st_mode = mode_of(file),
                          .st_nlink = S_ISDIR(mode_of(file)) ? 2 : 1,
                          .st_uid = view->options.uid,
                          .st_gid = view->options.gid};

    if (!node)
        status.st_size = (off_t)strlen(view_kernel_target(file));
    /* A copy by sendfile(2) goes as far as a size does. */
    else if (node->ops == &view_kmsg)
        status.st_size = (off_t)view->options.log_bytes;
    else if (node->ops == &view_param)
        status.st_size = VALUE_FILE_BYTES;
    return status;
}

/* A size is asked for again at each open: a copy of the log has cut it short. */
static double lifetime(fuse_ino_t file)
{
    return S_ISREG(mode_of(file)) ? 0 : FOREVER;
}

static bool is_shown(const struct view *view, fuse_ino_t file)
{
    const struct view_node *node = &view_nodes[file];

    return node->ops == &view_kmsg    ? view->log != NULL
           : node->ops == &view_param ? view->options.params >> node->param & 1
                                      : true;
}

static void on_init(void *user, struct fuse_conn_info *connection)
{
    (void)user;
    /* Pipes would be made for the first three. With the last one the kernel takes a file for empty
     * from "> file" on, and who copies it meanwhile has nothing: here it asks, on_setattr(). */
    connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                                    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ATOMIC_O_TRUNC);
    connection->want |= connection->capable & FUSE_CAP_CACHE_SYMLINKS;
}

/* 0: there is none of this name. */
static fuse_ino_t find(const struct view *view, fuse_ino_t parent, const char *name)
{
    for (fuse_ino_t file = 2; file < view_node_count; file++)
        if (view_nodes[file].parent == parent && strcmp(view_nodes[file].name, name) == 0 &&
            is_shown(view, file))
            return file;
    return parent == NODE_KERNEL ? view_kernel_find(name) : 0;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    const struct view *view = fuse_req_userdata(request);

    fuse_ino_t file = find(view, parent, name);
    if (file == 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    const struct fuse_entry_param entry = {.ino = file,
                                           .attr = attributes(view, file),
                                           .attr_timeout = lifetime(file),
                                           .entry_timeout = FOREVER};
    fuse_reply_entry(request, &entry);
}

static void on_readlink(fuse_req_t request, fuse_ino_t file)
{
    const char *target = view_kernel_target(file);

    if (target)
        fuse_reply_readlink(request, target);
    else
        fuse_reply_err(request, EINVAL);
}

/* Nothing is made here: what procfs says. */
static void on_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *info)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)info;
    fuse_reply_err(request, EACCES);
}

static void on_getattr(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    (void)info;
    if (!is_there(file)) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    const struct stat status = attributes(fuse_req_userdata(request), file);
    fuse_reply_attr(request, &status, lifetime(file));
}

/* "> file" empties it first, which means nothing here; nobody changes whose it is. */
static void on_setattr(fuse_req_t request, fuse_ino_t file, struct stat *wanted, int which,
                       struct fuse_file_info *info)
{
    (void)wanted;
    if (which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        fuse_reply_err(request, EPERM);
    else
        on_getattr(request, file, info);
}

static void on_open(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    const struct view_node *node = node_of(file);

    info->direct_io = 1;
    if (!node || !node->ops)
        fuse_reply_err(request, node ? EISDIR : ENOENT);
    else if (node->ops->open)
        node->ops->open(fuse_req_userdata(request), request, file, info);
    else
        fuse_reply_open(request, info);
}

static void on_read(fuse_req_t request, fuse_ino_t file, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    const struct view_node *node = node_of(file);

    if (node && node->ops && node->ops->read)
        node->ops->read(fuse_req_userdata(request), request, file, size, offset, info);
    else
        fuse_reply_err(request, EINVAL);
}

static void on_write(fuse_req_t request, fuse_ino_t file, const char *bytes, size_t size,
                     off_t offset, struct fuse_file_info *info)
{
    const struct view_node *node = node_of(file);

    if (node && node->ops && node->ops->write)
        node->ops->write(fuse_req_userdata(request), request, file, bytes, size, offset, info);
    else
        fuse_reply_err(request, EINVAL);
}

static void on_release(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    const struct view_node *node = node_of(file);

    if (node && node->ops && node->ops->release)
        node->ops->release(fuse_req_userdata(request), info);
    fuse_reply_err(request, 0);
}

static void on_seek(fuse_req_t request, fuse_ino_t file, off_t offset, int whence,
                    struct fuse_file_info *info)
{
    const struct view_node *node = node_of(file);

    if (node && node->ops && node->ops->seek)
        node->ops->seek(fuse_req_userdata(request), request, offset, whence, info);
    else
        fuse_reply_err(request, EINVAL);
}

static void on_poll(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info,
                    struct fuse_pollhandle *handle)
{
    const struct view_node *node = node_of(file);

    if (node && node->ops && node->ops->poll) {
        node->ops->poll(fuse_req_userdata(request), request, info, handle);
        return;
    }
    if (handle)
        fuse_pollhandle_destroy(handle);
    fuse_reply_err(request, ENOSYS);
}

/* The next name of a directory, from a number on; 0: there is none any more. */
static fuse_ino_t next_name(const struct view *view, fuse_ino_t directory, fuse_ino_t file,
                            const char **ret_name)
{
    for (; file < view_node_count; file++) {
        *ret_name = view_nodes[file].name;
        if (view_nodes[file].parent == directory && is_shown(view, file))
            return file;
    }
    if (directory != NODE_KERNEL)
        return 0;
    for (file = file < VIEW_LINKS ? VIEW_LINKS : file; (*ret_name = view_kernel_name(file)); file++)
        if (find(view, directory, *ret_name) == file) /* not one of our own */
            return file;
    return 0;
}

static void on_readdir(fuse_req_t request, fuse_ino_t directory, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    const struct view *view = fuse_req_userdata(request);
    char names[DIRECTORY_BYTES];
    size_t used = 0;

    (void)info;
    if (!node_of(directory) || view_nodes[directory].ops) {
        fuse_reply_err(request, ENOTDIR);
        return;
    }
    if (size > sizeof names)
        size = sizeof names;
    const char *name;
    /* An entry's offset is the number of the node behind it. */
    for (fuse_ino_t file = offset > 0 ? (fuse_ino_t)offset : 2;
         (file = next_name(view, directory, file, &name)); file++) {
        const struct stat status = attributes(view, file);
        size_t length =
            fuse_add_direntry(request, names + used, size - used, name, &status, (off_t)file + 1);
        if (length > size - used)
            break;
        used += length;
    }
    fuse_reply_buf(request, names, used);
}

const struct fuse_lowlevel_ops view_operations = {
    .init = on_init,
    .lookup = on_lookup,
    .readlink = on_readlink,
    .create = on_create,
    .getattr = on_getattr,
    .setattr = on_setattr,
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .release = on_release,
    .lseek = on_seek,
    .poll = on_poll,
    .readdir = on_readdir,
};
