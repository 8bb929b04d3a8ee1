/*
 * Libraries that are loaded when their first function is called. A verb that starts a function here
 * would else wait for the thirty libraries that libcurl needs, twice as long as for all else of its
 * own start.
 *
 * A file that lists a library's functions defines LATE_LIBRARY, its file name, and has a line for
 * each: callers include the library's own header, and see no difference.
 */
#pragma once

struct err;

struct late {
    const char *library, *name;
    void *function; /* NULL: not found yet */
};

/*
 * Loads it whole, now, with all its functions that are listed: for a process that may open no file
 * any more when it calls them, and whose forks share what finding them writes. -ELIBACC: it, or one
 * of them, is not there.
 */
int late_load(const char *library, struct err *err);

/* Never NULL: a library that is not there ends the program, as the loader would have (127). */
void *late_function(struct late *late);

/* All of a program's lie beside each other, for late_load(). */
#define LATE_FIND(result, name, parameters)                                                   \
    static struct late late                                                                   \
        __attribute__((section("late_functions"), aligned(8))) = {LATE_LIBRARY, #name, NULL}; \
    result(*function) parameters = (result(*) parameters)late_function(&late)

#define LATE(result, name, parameters, arguments) \
    result name parameters                        \
    {                                             \
        LATE_FIND(result, name, parameters);      \
        return function arguments;                \
    }

#define LATE_VOID(name, parameters, arguments) \
    void name parameters                       \
    {                                          \
        LATE_FIND(void, name, parameters);     \
        function arguments;                    \
    }
