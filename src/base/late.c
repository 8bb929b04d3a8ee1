/* Functions of libraries that are loaded late. */
#include "base/late.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define EXIT_NO_LIBRARY 127

/* The section of LATE_FIND, by the linker's own names for where it begins and ends. */
extern struct late __start_late_functions[], __stop_late_functions[];

static bool find(void *library, struct late *late)
{
    if (!late->function)
        late->function = library ? dlsym(library, late->name) : NULL;
    return late->function;
}

int late_load(const char *library, struct err *err)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    bool found = handle;

    for (struct late *late = __start_late_functions; found && late < __stop_late_functions; late++)
        if (strcmp(late->library, library) == 0)
            found = find(handle, late);
    return found ? 0 : err_say(err, -ELIBACC, "cannot load '%s': %s", library, dlerror());
}

void *late_function(struct late *late)
{
    /* Once loaded it stays, and is found again without a system call. */
    if (!late->function && !find(dlopen(late->library, RTLD_NOW | RTLD_LOCAL), late)) {
        fprintf(stderr, "vireo: cannot load '%s': %s\n", late->library, dlerror());
        _exit(EXIT_NO_LIBRARY);
    }
    return late->function;
}
