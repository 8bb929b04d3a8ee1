/*
 * The ways in which a program in a container is spoken to: rows of one table. A way is plain
 * functions of a keeper (keeper.h), which has parsed the call and has the container; it fills the
 * call's answer. Nothing else asks which way it is.
 */
#pragma once

#include <stdio.h>

#include "contain/keeper.h"

struct talk {
    const char *name;
    bool output_is_answer; /* standard output is the answer, else it goes to the log */
    bool one_call;         /* a container serves one call */
    const char *library;   /* what it speaks by, loaded before there is a keeper; NULL: nothing */
    /* The program's variables besides, "K=V"; NULL-terminated; NULL: none. How it is called is not
     * the manifest's to say. */
    const char *const *env;
    const char *directory; /* where it starts, if the image has it and nobody says; NULL: / */
    /* Writes those that are usual, each with its NUL: the manifest's go before. NULL: none. */
    void (*usual)(const struct contain *contain, FILE *out);
    /* In the keeper, before the program starts: listening sockets and the like. NULL: nothing. */
    int (*open)(struct keeper *keeper, struct err *err);
    /* Started ahead of the first call (pool: started): returns when it can serve. NULL: at once. */
    int (*ready)(struct keeper *keeper, struct verdict *verdict);
    /* Between two calls, when keeper->talk_fd is readable. NULL: never. */
    void (*idle)(struct keeper *keeper);
    /* One call, from keeper->call to its answer. */
    void (*serve)(struct keeper *keeper, struct verdict *verdict);
};

extern const struct talk talk_stdio, talk_http, talk_lambda;

/* The port of 127.0.0.1 in the container's own network on which talk_http calls the program, and
 * the one of the Runtime API. */
#define TALK_HTTP_PORT 8080
#define TALK_LAMBDA_PORT 9001
