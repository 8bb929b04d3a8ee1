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

/* One that is not run on an input: it is asked for its version. */
static void version_line(struct doctor *doctor, const char *part, const char *mechanism,
                         char *const *version, const char *missing)
{
    char line[128];
    int r = doctor_program(version, "", line, sizeof line);

    program_line(doctor, part, mechanism, r, line, missing);
}

static void version_lines(struct doctor *doctor)
{
    /* tcc unlinks what it writes, even /dev/null. */
    char *const tcc[] = {WORD("tcc"), WORD("-v"), NULL};
    char *const wasm2c[] = {WORD("wasm2c"), WORD("--version"), NULL};
    char *const python[] = {WORD("/usr/bin/python3"), WORD("--version"), NULL};

    version_line(doctor, "WebAssembly to C", "wasm2c", wasm2c,
                 "nothing can be built (package wabt)");
    version_line(doctor, "first tier", "tcc", tcc,
                 "a module that was never seen waits for gcc (package tcc)");
    version_line(doctor, "Python functions", "warm fork of python3", python,
                 "Python functions can't be deployed (package python3)");
}

/* The programs of vireo that others start, and what is not there without one. */
static const struct {
    const char *name;
    enum doctor_status without;
    const char *loss;
} own_programs[] = {
    {"vireo-supervisor", DOCTOR_REQUIRED, "there is no daemon"},
    {"vireo-gateway", DOCTOR_REQUIRED, "there is no daemon"},
    {"vireo-guest", DOCTOR_REQUIRED, "no function runs"},
    {"vireo-build", DOCTOR_REQUIRED, "nothing can be built"},
    {"vireo-verify", DOCTOR_MISSING, "nothing is proved: C is translated"},
    {"vireo-contain", DOCTOR_MISSING, "no function runs in a container"},
    {"vireo-connector", DOCTOR_MISSING, "no function connects to others"},
    {"vireo-platform", DOCTOR_MISSING, "no function has keys, SQL, messages or HTTP"},
    {"vireo-broker", DOCTOR_MISSING, "no module loads eBPF programs"},
    {"vireo-bpf", DOCTOR_MISSING, "no module loads eBPF programs"},
    {"vireo-runtime", DOCTOR_MISSING, "there is no OCI runtime"},
    {"vireo-view", DOCTOR_MISSING, "containers have no kernel log or parameters of their own"},
    {"vireo-sched", DOCTOR_MISSING, "there is no BPF scheduler: fifo is EEVDF slices"},
};

static void own_program_lines(struct doctor *doctor)
{
    for (size_t i = 0; i < ARRAY_LEN(own_programs); i++) {
        const char *name = own_programs[i].name;
        _cleanup_(freep) char *path = cli_program_path(name);
        if (path && access(path, X_OK) == 0)
            doctor_line(doctor, DOCTOR_OK, name, "installed", "%s", path);
        else
            doctor_line(doctor, own_programs[i].without, name, "none", "%s: %s: %s",
                        own_programs[i].loss, path ? path : name, strerror(errno));
    }
}

void doctor_tools(struct doctor *doctor)
{
    wasi_line(doctor);
    native_line(doctor);
    version_lines(doctor);
    own_program_lines(doctor);
}
