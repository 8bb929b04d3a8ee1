/*
 * Verifies many entries of one module, for tests/verify/run:
 *
 *     verify_tool proved|refused FILE.bc ENTRY...
 *
 * prints "ok FILE ENTRY (N ms)", of CPU, where the verdict is the one that is expected, else "not
 * ok".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "verify/verify.h"

#include <fcntl.h>

int main(int argc, char **argv)
{
    _cleanup_(freep) char *bytes = NULL;
    struct err err = {0};
    size_t size;
    int status = 0;

    if (argc < 4)
        return 2;
    if (fd_read_file(AT_FDCWD, argv[2], 64 << 20, &bytes, &size, &err) < 0) {
        printf("not ok %s: %s\n", argv[2], err.message);
        return 1;
    }
    const struct verify_input input = {bytes, size, argv[2]};
    const char *file = strrchr(argv[2], '/') ? strrchr(argv[2], '/') + 1 : argv[2];
    for (int i = 3; i < argc; i++) {
        struct verify_options options = {
            .inputs = &input, .input_count = 1, .entry = argv[i], .buffer_max = 6 << 20};
        _cleanup_(freep) char *json = NULL;
        clock_t begin = clock();
        int verdict = verify_run(&options, &json, &err);
        bool wanted =
            verdict == (strcmp(argv[1], "proved") == 0 ? VERIFY_PROVED : VERIFY_NOT_PROVED);
        /* Who is refused for a contradiction had been proved: that is a defect, too. */
        bool contradicted = json && strstr(json, "second look");
        wanted = wanted && !contradicted;
        printf("%s %s %s (%lld ms)%s\n", wanted ? "ok" : "not ok", file, argv[i],
               (long long)(clock() - begin) * 1000 / CLOCKS_PER_SEC,
               contradicted ? ": its proof is contradicted" : "");
        if (!wanted && getenv("VERIFY_SHOW"))
            printf("%s\n", json ? json : err.message);
        status |= !wanted;
        fflush(stdout);
    }
    return status;
}
