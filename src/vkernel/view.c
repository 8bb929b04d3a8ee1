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

const struct view_node view_nodes[] = {
    [0] = {"", 0, 0, NULL},
    [1] = {"/", 1, S_IFDIR | 0755, NULL},
    [2] = {"kmsg", 1, S_IFREG | 0644, &view_kmsg},
    /* Everybody in the container: the policy is the group's, and takes nothing from others. */
    [3] = {"cpu.real_policy", 1, S_IFREG | 0666, &view_param, VIEW_POLICY},
    [4] = {"params", 1, S_IFDIR | 0755, NULL},
    [5] = {"sched_wakeup_granularity_ns", 4, S_IFREG | 0644, &view_param, VIEW_GRANULARITY},
    [6] = {"swappiness", 4, S_IFREG | 0644, &view_param, VIEW_SWAPPINESS},
    [7] = {"overcommit_memory", 4, S_IFREG | 0644, &view_param, VIEW_OVERCOMMIT_MEMORY},
    [8] = {"overcommit_ratio", 4, S_IFREG | 0644, &view_param, VIEW_OVERCOMMIT_RATIO},
};
const size_t view_node_count = sizeof view_nodes / sizeof *view_nodes;

static const struct view_node *node_of(fuse_ino_t file)
{
    return file > 0 && file < view_node_count ? &view_nodes[file] : NULL;
}

static struct stat attributes(const struct view *view, fuse_ino_t file)
{
    const struct view_node *node = &view_nodes[file];
    struct stat status = {.st_ino = file,
                          .st_mode = node->mode,
                          .st_nlink = S_ISDIR(node->mode) ? 2 : 1,
                          .st_uid = view->options.uid,
                          .st_gid = view->options.gid};

    /* A copy by sendfile(2) goes as far as a size does. */
    if (node->ops == &view_kmsg)
        status.st_size = (off_t)view->options.log_bytes;
    if (node->ops == &view_param)
        status.st_size = VALUE_FILE_BYTES;
    return status;
}

/* A size is asked for again at each open: a copy of the log has cut it short. */
static double lifetime(fuse_ino_t file)
{
    return S_ISDIR(view_nodes[file].mode) ? FOREVER : 0;
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
    /* Pipes would be made for these. */
    connection->want &=
        ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    const struct view *view = fuse_req_userdata(request);

    for (fuse_ino_t file = 2; file < view_node_count; file++) {
        if (view_nodes[file].parent != parent || strcmp(view_nodes[file].name, name) != 0 ||
            !is_shown(view, file))
            continue;
        const struct fuse_entry_param entry = {.ino = file,
                                               .attr = attributes(view, file),
                                               .attr_timeout = lifetime(file),
                                               .entry_timeout = FOREVER};
        fuse_reply_entry(request, &entry);
        return;
    }
    fuse_reply_err(request, ENOENT);
}

static void on_getattr(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    (void)info;
    if (!node_of(file)) {
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
    /* An entry's offset is the number of the node behind it. */
    for (fuse_ino_t file = offset > 0 ? (fuse_ino_t)offset : 2; file < view_node_count; file++) {
        if (view_nodes[file].parent != directory || !is_shown(view, file))
            continue;
        const struct stat status = attributes(view, file);
        size_t length = fuse_add_direntry(request, names + used, size - used, view_nodes[file].name,
                                          &status, (off_t)file + 1);
        if (length > size - used)
            break;
        used += length;
    }
    fuse_reply_buf(request, names, used);
}

const struct fuse_lowlevel_ops view_operations = {
    .init = on_init,
    .lookup = on_lookup,
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
