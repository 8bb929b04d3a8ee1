/*
 * The ladder: prove it, else translate it, else contain it. Each step's reason is kept: the author
 * is told which rung the function stands on, and what would bring it higher.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build_internal.h"

/* From the highest rung down. What an operator signs for stands on none. */
static const char *const RUNGS[] = {"proved", "sfi", "container"};

static size_t rung_of(const char *name)
{
    size_t at = 0;

    while (at < ARRAY_LEN(RUNGS) && strcmp(RUNGS[at], name) != 0)
        at++;
    return at;
}

bool build_is_as_safe(const char *safety, const char *require)
{
    if (!require || !*require)
        return true;
    return rung_of(safety) < ARRAY_LEN(RUNGS) && rung_of(require) < ARRAY_LEN(RUNGS) &&
           rung_of(safety) <= rung_of(require);
}

bool build_has_ladder(const struct build *build)
{
    /* An update in place goes on with the state of translated code. */
    const struct library_demands *demands = &build->note.demands;

    /* What is not there yet can't be proved with it. */
    if (demands->link || demands->dependency_count > 0)
        return false;
    return (build->options->ladder || build->source.has_ir) && !build->options->native &&
           !build->source.module && !build->source.library && !build->options->base_map;
}

void build_ladder_note(struct build *build, const char *rung, const char *reason)
{
    size_t used = strlen(build->ladder);
    size_t room = sizeof build->ladder - used;
    char line[512];

    int n = snprintf(line, sizeof line, "%s\t%s\t%.400s", rung, reason ? "refused" : "taken",
                     reason ? reason : "");
    /* One line each, whatever a compiler said. */
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            *at = ' ';
    if (n > 0 && (size_t)n + 1 < room)
        snprintf(build->ladder + used, room, "%s\n", line);
}

/* "proof", the bounds, the hashes: what describe shows without opening the library. */
void build_ladder_note_proof(struct build *build)
{
    const struct library_proof *proof = &build->note.proof;
    size_t used = strlen(build->ladder), room = sizeof build->ladder - used;
    char ir[BUILD_HASH_TEXT], report[BUILD_HASH_TEXT];

    sodium_bin2hex(ir, sizeof ir, proof->ir_hash, sizeof proof->ir_hash);
    sodium_bin2hex(report, sizeof report, proof->report_hash, sizeof proof->report_hash);
    snprintf(build->ladder + used, room,
             "proof\t%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\t%s %s\n", proof->instructions,
             proof->stack_bytes, proof->static_bytes, proof->cpu_ms, ir, report);
}

/* In a line of its own: what the object says, which is not in the library's note. */
static void note_calls(struct build *build)
{
    size_t used = strlen(build->ladder), room = sizeof build->ladder - used;

    if (build->calls[0] && strlen(build->calls) + sizeof "calls\t\n" <= room)
        snprintf(build->ladder + used, room, "calls\t%s\n", build->calls);
}

bool build_ladder_line(const char *ladder, const char *key, char *to, size_t size)
{
    size_t length = strlen(key);

    for (const char *line = ladder; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, key, length) != 0 || line[length] != '\t')
            continue;
        const char *value = line + length + 1;
        snprintf(to, size, "%.*s", (int)strcspn(value, "\n"), value);
        return true;
    }
    return false;
}

bool build_ladder_proof(const char *ladder, struct library_proof *ret_proof)
{
    const char *line = strstr(ladder, "proof\t");
    struct library_proof proof = {0};
    char ir[BUILD_HASH_TEXT], report[BUILD_HASH_TEXT];

    if (!line || (line != ladder && line[-1] != '\n') ||
        sscanf(line,
               "proof\t%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "\t%64[0-9a-f] %64[0-9a-f]",
               &proof.instructions, &proof.stack_bytes, &proof.static_bytes, &proof.cpu_ms, ir,
               report) != 6 ||
        sodium_hex2bin(proof.ir_hash, sizeof proof.ir_hash, ir, strlen(ir), NULL, NULL, NULL) < 0 ||
        sodium_hex2bin(proof.report_hash, sizeof proof.report_hash, report, strlen(report), NULL,
                       NULL, NULL) < 0)
        return false;
    *ret_proof = proof;
    return true;
}

bool build_ladder_report_hash(const char *ladder, char ret_hash[BUILD_HASH_TEXT])
{
    struct library_proof proof;

    if (!build_ladder_proof(ladder, &proof))
        return false;
    sodium_bin2hex(ret_hash, BUILD_HASH_TEXT, proof.report_hash, sizeof proof.report_hash);
    return true;
}

bool build_ladder_touch_report(struct store *store, const char *ladder)
{
    char hash[BUILD_HASH_TEXT];

    return !build_ladder_report_hash(ladder, hash) || store_touch(store, hash) == 0;
}

char *build_ladder_report(struct store *store, const char *ladder)
{
    _cleanup_(closep) int fd = -1;
    char hash[BUILD_HASH_TEXT];
    struct stat status;

    if (!build_ladder_report_hash(ladder, hash) || store_get_image(store, hash, &fd, NULL) < 0 ||
        fstat(fd, &status) < 0)
        return NULL;
    char *text = calloc((size_t)status.st_size + 1, 1);
    if (text && pread(fd, text, (size_t)status.st_size, 0) != status.st_size) {
        free(text);
        return NULL;
    }
    return text;
}

/* Without the words before the cause: "cannot build 'x': error: …". */
static const char *cause_of(const struct err *err)
{
    const char *at = strstr(err->message, "': ");

    return at ? at + 3 : err->message;
}

/* 1: not proved, with the reason noted; negative: there is no sense in going on. */
static int try_to_prove(struct build *build, struct err *err)
{
    struct err cause = {0};
    char reason[400] = "";

    int r = build_proved(build, reason, sizeof reason, &cause);
    if (r == 0) {
        build_ladder_note(build, "proved", NULL);
        build_ladder_note_proof(build);
        note_calls(build);
        return 0;
    }
    /* What takes one compiler all of its time takes that of the next, too. (Of memory the next one
     * has more.) */
    if (!build->compiles && r == -ETIME)
        return err_say(err, r, "%s", cause.message);
    if (r < 0)
        snprintf(reason, sizeof reason, "%.399s", cause_of(&cause));
    build_ladder_note(build, "proved", reason);
    snprintf(build->not_proved, sizeof build->not_proved, "%s", reason);
    if (build->options->require && strcmp(build->options->require, "proved") == 0)
        return err_say(err, -EPERM, "cannot build '%s': it is not proved, and that is required: %s",
                       build_source_title(&build->source), reason);
    /* What was made on the way up is not for the next rung. */
    build->note.proof = (struct library_proof){0};
    strcpy(build->note.safety, "sfi");
    build->note.kind[0] = '\0';
    return 1;
}

/* What compiles for this machine and can't be translated is contained, where that can be done: a
 * daemon does it. */
static int contain(struct build *build, struct err *err)
{
    const char *require = build->options->require;
    struct err last = *err;

    build_ladder_note(build, "sfi", cause_of(&last));
    *err = (struct err){0};
    if (build->options->contain && require && strcmp(require, "sfi") == 0)
        return err_say(err, -EPERM,
                       "cannot build '%s': it is not translated, and that is required: %.300s",
                       build_source_title(&build->source), cause_of(&last));
    if (build->options->contain) {
        int r = build_contain(build, err);
        if (r == 0)
            build_ladder_note(build, "container", NULL);
        if (r != -EINVAL)
            return r;
        /* What no compiler takes is wrong in itself: what each says of it. */
        struct err program = *err;
        *err = (struct err){0};
        return err_say(err, r,
                       "cannot build '%s': not translated: %.250s; not made a container: %.200s",
                       build_source_title(&build->source), cause_of(&last), cause_of(&program));
    }
    return err_say(
        err, last.code,
        "cannot build '%s': it would have to be a container, which `vireo deploy` makes of it "
        "(not translated: %.200s; not proved: %.200s)",
        build_source_title(&build->source), cause_of(&last), build->not_proved);
}

int build_ladder(struct build *build, int (*translate)(struct build *build, struct err *err),
                 struct err *err)
{
    if (!build_has_ladder(build) && build->source.has_ir)
        return err_say(err, -EINVAL,
                       "cannot build '%s': LLVM IR is for functions that are proved: it can't be "
                       "linked, or updated in place",
                       build_source_title(&build->source));
    if (!build_has_ladder(build))
        return translate(build, err);
    int r = try_to_prove(build, err);
    if (r <= 0)
        return r;
    if (build->source.has_ir)
        return err_say(err, -EPERM,
                       "cannot build '%s': its LLVM IR is not proved, and there is no other way "
                       "for IR: %s",
                       build_source_title(&build->source), build->not_proved);
    r = translate(build, err);
    if (r == 0)
        build_ladder_note(build, "sfi", NULL);
    return r == -EINVAL && build->compiles ? contain(build, err) : r;
}
