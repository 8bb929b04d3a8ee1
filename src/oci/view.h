/*
 * A container's files of its virtual kernel (/dev/kmsg and others): a file system that a process of
 * its own serves (vireo-view), made before the container's process and mounted into it before that
 * may run.
 */
#pragma once

#include "oci/launch.h"

struct cgroup_place;
struct err;

struct oci_view {
    int fuse;      /* the connection: while one has it, requests wait; -1: there is no view */
    int mount;     /* the file system, nowhere mounted yet; both come by oci_view_place() */
    int control;   /* to its process */
    int words;     /* what went wrong there; its end: it serves */
    pid_t between; /* process_apart() */
    bool log, overcommit;
    unsigned params; /* 1 << enum view_param: those that it has */
};
#define OCI_VIEW_NONE ((struct oci_view){.fuse = -1, .mount = -1, .control = -1, .words = -1})

/*
 * Starts it, where the virtual kernel has one; without the container's groups, which are made
 * meanwhile. The files are the container's root's. Needs root. The process ends when its file
 * system is mounted nowhere, or when `control` is closed before oci_view_place().
 */
int oci_view_start(struct oci_view *view, const struct oci_create *create, struct err *err);
/* Tells it of them. Needs a v2 group (the log is told apart by it). */
int oci_view_place(struct oci_view *view, const struct oci_create *create,
                   struct cgroup_place *groups, struct err *err);
/* Denies the container what the view stands for: before anything of the user's runs. */
int oci_view_guard(const struct oci_view *view, const struct oci_create *create,
                   const struct cgroup_place *groups, struct err *err);
/* Looks up what the container's init will, that it need not wait for answers. */
void oci_view_look(const struct oci_view *view);
/* Into the plan of the container's init, which mounts it over what is there. */
struct plan;
void oci_view_plan(struct oci_view *view, const struct oci_create *create, struct plan *plan);
/* Waits until its process serves it; what went wrong there. */
int oci_view_await(struct oci_view *view, struct err *err);
void oci_view_close(struct oci_view *view);

/* Whether the container has a kernel.pid_max that is its own. */
bool oci_view_own_pid_max(const struct oci_config *config);
