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

/*
 * Loads it whole, now: for a process that may open no file any more when it calls its functions,
 * as its forks may not. -ELIBACC: it is not there.
 */
int late_load(const char *library, struct err *err);

/* Never NULL: a library that is not there ends the program, as the loader would have (127). */
void *late_function(const char *library, const char *name);

#define LATE_FIND(result, name, parameters) \
    static result(*function) parameters;    \
    if (!function)                          \
    function = (result(*) parameters)late_function(LATE_LIBRARY, #name)

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
