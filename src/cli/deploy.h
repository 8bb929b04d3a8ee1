/* A source sent to the daemon, and its outcome: what `vireo deploy` and `vireo update` share. */
#pragma once

struct json_object;

struct deploy_upload {
    const char *verb;                         /* for messages */
    const char *source;                       /* a path */
    const struct container_source *container; /* the source is one; NULL: it is built */
    const char *name;                         /* for messages */
    const char *target; /* the page, with its query; NULL: there was no memory for it */
    /* Shows the daemon's object of the function on standard output. */
    void (*report)(struct json_object *function, unsigned long long ms);
};

/* Packs and sends it, shows the stages as they come and the outcome; an exit code. */
int deploy_upload(const struct deploy_upload *upload);

/* Has a library, by its name or the file of one, linked into a pVM, instead of `replaces` or beside
 * what is there (NULL); an exit code. */
int link_library(const char *pvm, const char *library, const char *replaces);
