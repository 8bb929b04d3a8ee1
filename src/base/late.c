/* Functions of libraries that are loaded late. */
#include "base/late.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"

#define EXIT_NO_LIBRARY 127

int late_load(const char *library, struct err *err)
{
    /* By its name the loader finds it again without a system call. */
    if (!dlopen(library, RTLD_NOW | RTLD_LOCAL))
        return err_say(err, -ELIBACC, "cannot load '%s': %s", library, dlerror());
    return 0;
}

void *late_function(const char *library, const char *name)
{
    /* Once loaded it stays, and is found again. */
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *function = handle ? dlsym(handle, name) : NULL;

    if (!function) {
        fprintf(stderr, "vireo: cannot load '%s': %s\n", library, dlerror());
        _exit(EXIT_NO_LIBRARY);
    }
    return function;
}
