/* A library is linked into this instance, or put in the place of another: control_link.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "guest/control_link.h"
#include "guest/host.h"
#include "guest/linker.h"
#include "guest/parts.h"

/* The first of `files` in the place of another one; the others, which it needs, beside. */
static int replace_library(struct link_tree *tree, const struct library *own, const char *replaces,
                           const struct link_file *files, uint32_t count, struct err *err)
{
    struct library *old = link_tree_find(tree, replaces);
    if (!old || old == own)
        return err_say(err, -ENOENT, "no library '%s' is linked", replaces);
    int r = count > 1 ? link_tree_add(tree, files + 1, count - 1, err) : 0;
    if (r < 0)
        return r;
    r = link_tree_replace(tree, old, &files[0], false, NULL, err);
    for (uint32_t i = 1; r < 0 && i < count; i++)
        link_tree_remove(tree, link_tree_find(tree, files[i].name));
    return r;
}

int control_link(struct host *host, struct link_tree *tree, const struct control_link *message,
                 const int *fds, size_t fd_count, const void *frame,
                 struct control_linked *ret_answer)
{
    struct link_file files[CONTROL_LIBRARIES_MAX] = {0};
    char replaces[NAME_MAX_BYTES + 1];
    int64_t begin_ns = clock_now_ns();
    struct err err = {0};
    int r = 0;

    *ret_answer = (struct control_linked){.type = CONTROL_LINKED, .token = message->token};
    if (message->count > CONTROL_LIBRARIES_MAX || message->count != fd_count)
        r = err_say(&err, -EBADMSG, "cannot link library: it did not come whole");
    else if (!tree && !host->parts)
        r = err_say(&err, -EPERM, "cannot link library: this pVM is linked with none");
    else if ((uint64_t)begin_ns > message->deadline_ns)
        r = err_say(&err, -ETIME, "cannot link library: it was asked for too long ago");
    for (uint32_t i = 0; r == 0 && i < message->count; i++) {
        files[i].fd = fds[i];
        files[i].bytes = message->libraries[i].bytes;
        memcpy(files[i].name, message->libraries[i].name, sizeof files[i].name);
        files[i].name[sizeof files[i].name - 1] = '\0';
    }
    memcpy(replaces, message->replaces, sizeof replaces);
    replaces[sizeof replaces - 1] = '\0';
    /* The program goes on behind its update point, with addresses of the old one in its frames. */
    if (r == 0 && replaces[0] && tree && frame)
        r = err_say(&err, -EPERM,
                    "a server of native code is updated as a whole: no library of it alone");
    else if (r == 0 && replaces[0])
        r = tree ? replace_library(tree, host->library, replaces, files, message->count, &err)
                 : parts_replace(host, replaces, files, message->count, frame, &err);
    else if (r == 0)
        r = tree ? link_tree_add(tree, files, message->count, &err)
                 : parts_link(host, files, message->count, &err);
    ret_answer->error = r;
    ret_answer->link_ns = (uint64_t)(clock_now_ns() - begin_ns);
    snprintf(ret_answer->message, sizeof ret_answer->message, "%.255s", err.message);
    return r;
}
