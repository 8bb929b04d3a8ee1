/*
 * What a container sees of its virtual kernel as files: a file system (FUSE) of a few files, served
 * by a process of its own (vireo-view) that has no rights: whatever needs some, the broker does.
 * One thread; requests come from the kernel, and say which file, never who.
 */
#pragma once

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vkernel/view_protocol.h"

struct err;
struct view;

/* What a file does; each answers the request, now or later. NULL: it has none of it. */
struct view_ops {
    void (*open)(struct view *view, fuse_req_t request, fuse_ino_t file,
                 struct fuse_file_info *info);
    void (*read)(struct view *view, fuse_req_t request, fuse_ino_t file, size_t size, off_t offset,
                 struct fuse_file_info *info);
    void (*write)(struct view *view, fuse_req_t request, fuse_ino_t file, const char *bytes,
                  size_t size, off_t offset, struct fuse_file_info *info);
    void (*release)(struct view *view, struct fuse_file_info *info);
    void (*seek)(struct view *view, fuse_req_t request, off_t offset, int whence,
                 struct fuse_file_info *info);
    void (*poll)(struct view *view, fuse_req_t request, struct fuse_file_info *info,
                 struct fuse_pollhandle *handle);
};

struct view_node {
    const char *name;
    fuse_ino_t parent; /* the number of a node is its place in the table, from 1 */
    mode_t mode;
    const struct view_ops *ops; /* NULL: a directory */
    int param;                  /* enum view_param of view_param's */
};

struct view_options {
    uid_t uid; /* whose the files are: the container's root */
    gid_t gid;
    size_t log_bytes;  /* 0: no log */
    unsigned params;   /* 1 << enum view_param: those that there are */
    bool overcommit;   /* the program that refuses memory is held */
    const char *group; /* the path of the container's control groups */
};

struct view_log;
struct view {
    struct view_options options;
    struct fuse_session *session;
    struct view_log *log;
};

extern const struct view_node view_nodes[];
extern const size_t view_node_count;
extern const struct fuse_lowlevel_ops view_operations;

/* ---- the log: view_log.c, and its file view_kmsg.c ---- */

extern const struct view_ops view_kmsg;

struct log_ring;
/* Needs the rights of log_source_open(). */
int view_log_open(struct view *view, struct err *err);
/* With VIEW_FD_GROUP; needs those of log_source_follow(). */
int view_log_begin(struct view *view, struct err *err);
struct log_ring *view_log_ring(struct view *view);
/* Where a reader begins after the last clear. */
uint64_t view_log_cleared(const struct view *view);
/* The container's own words; what is too much is counted and left out. */
void view_log_write(struct view *view, const char *text, size_t length);
/* Readable: view_log_serve(). -1: none. */
int view_log_fd(const struct view *view);
void view_log_serve(struct view *view);
/* Somebody asks over `socket` (struct view_ask). False: he has gone. */
bool view_log_answer(struct view *view, int socket);

/* New records: who waits gets them. */
void view_kmsg_wake(struct view *view);

/* ---- overcommit: overcommit_source.c ---- */

/* CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH. Held until the process ends. */
int view_overcommit_hold(struct err *err);
/* With VIEW_FD_GROUP: what is said of groups that are gone is taken out. */
void view_overcommit_sweep(void);

/* ---- parameters: view_params.c ---- */

extern const struct view_ops view_param;

/* Who has waited too long for the broker gets an error; how many ms until the next one has, for
 * poll(2): -1: nobody waits. */
int view_params_patience(void);
/* The broker says something. False: it has gone. */
bool view_params_serve(void);

/* ---- what stands for /proc/sys/kernel: view_kernel.c ---- */

#define VIEW_KERNEL_PATH "/proc/sys/kernel"
/* The number of the first link; the others follow. */
#define VIEW_LINKS 64
/* Opens it; which names the kernel has there is read when somebody looks. */
int view_kernel_open(struct err *err);
/* The number of the link of this name, 0: there is none; and what it says, NULL: there is none. */
fuse_ino_t view_kernel_find(const char *name);
const char *view_kernel_name(fuse_ino_t link);
const char *view_kernel_target(fuse_ino_t link);

/* Gives up everything but what it has open. */
int view_confine(struct err *err);
