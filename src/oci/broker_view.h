/* What a broker has to do with the view's process: it asks for the log, and stands in when that
 * process is gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vkernel/view_protocol.h"

struct view_line {
    int state_fd; /* the container's directory */
    int socket;   /* to the view; -1: not yet */
    struct view_answer answer;
};

/* syslog(2) as struct vk_group's `log`. -EIO: nobody answers. */
int64_t view_line_log(struct view_line *line, int type, int length, const char **ret_text);

/* The view has gone: what waits for it, and whatever comes, is EIO. Returns the connection to look
 * after, or -1 where this kernel can't tell again what it was asked: then the connection ends. */
int view_stand_in(int fuse);
/* Answers one request. False: nothing is mounted any more. */
bool view_refuse(int fuse);
