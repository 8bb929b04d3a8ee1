/* Probes: the compilers of the build, each run on a small input. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/doctor.h"

#define WORD(text) ((char[]){text})

static void program_line(struct doctor *doctor, const char *part, const char *mechanism, int result,
                         const char *found, const char *missing)
{
    if (result == 0)
        doctor_line(doctor, DOCTOR_OK, part, mechanism, "%s", found);
    else
        doctor_line(doctor, DOCTOR_MISSING, part, "none", "%s: %s", missing,
                    result == -EIO ? "it fails" : strerror(-result));
}

/* wasi-libc's headers and library, clang's run time and wasm-ld are all needed for this to link. */
static void wasi_line(struct doctor *doctor)
{
    char *const compile[] = {WORD("clang"),     WORD("--target=wasm32-wasi"),
                             WORD("-x"),        WORD("c"),
                             WORD("-"),         WORD("-o"),
                             WORD("/dev/null"), NULL};
    char line[128];
    int r = doctor_program(compile, "#include <stdio.h>\nint main(void) { return puts(\"\"); }\n",
                           line, sizeof line);

    program_line(doctor, "C to WebAssembly", "clang, wasi-libc, lld", r,
                 "a small program compiles and links",
                 "C can't be built, .wasm can (clang, lld, wasi-libc, libclang-rt-dev-wasm32)");
}

static void native_line(struct doctor *doctor)
{
    char *const compile[] = {WORD("gcc"), WORD("-O2"), WORD("-x"),        WORD("c"), WORD("-"),
                             WORD("-c"),  WORD("-o"),  WORD("/dev/null"), NULL};
    char line[128];
    int r = doctor_program(compile, "int f(int a) { return a + 1; }\n", line, sizeof line);

    program_line(doctor, "C to machine code", "gcc", r, "a small function compiles",
                 "nothing can be built");
}

static void quick_line(struct doctor *doctor)
{
    /* It unlinks what it writes, even /dev/null: it is asked for its version. */
    char *const version[] = {WORD("tcc"), WORD("-v"), NULL};
    char line[128];
    int r = doctor_program(version, "", line, sizeof line);

    program_line(doctor, "first tier", "tcc", r, line,
                 "a module that was never seen waits for gcc (package tcc)");
}

static void translator_line(struct doctor *doctor)
{
    char *const version[] = {WORD("wasm2c"), WORD("--version"), NULL};
    char line[128];
    char found[192];
    int r = doctor_program(version, "", line, sizeof line);

    snprintf(found, sizeof found, "version %.100s", line);
    program_line(doctor, "WebAssembly to C", "wasm2c", r, found,
                 "nothing can be built (package wabt)");
}

static void python_line(struct doctor *doctor)
{
    char *const version[] = {WORD("/usr/bin/python3"), WORD("--version"), NULL};
    char line[128];
    int r = doctor_program(version, "", line, sizeof line);

    program_line(doctor, "Python functions", "warm fork of python3", r, line,
                 "Python functions can't be deployed (package python3)");
}

static void own_programs_line(struct doctor *doctor)
{
    static const char *const programs[] = {"vireo-supervisor", "vireo-gateway", "vireo-guest",
                                           "vireo-build"};

    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        _cleanup_(freep) char *path = cli_program_path(programs[i]);
        if (!path || access(path, X_OK) < 0)
            doctor_line(doctor, DOCTOR_REQUIRED, programs[i], "none", "%s: %s",
                        path ? path : programs[i], strerror(errno));
        else
            doctor_line(doctor, DOCTOR_OK, programs[i], "installed", "%s", path);
    }
}

void doctor_tools(struct doctor *doctor)
{
    wasi_line(doctor);
    translator_line(doctor);
    native_line(doctor);
    quick_line(doctor);
    python_line(doctor);
    own_programs_line(doctor);
}
