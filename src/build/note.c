/*
 * The note of a library: an ELF note of owner "vireo", type 1, whose description is
 * struct note_bytes (docs/library.md). Fixed fields, so that reading it needs no parser.
 */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/note_demands.h"
#include "guest/library.h"

#define NOTE_OWNER "vireo"
#define NOTE_TYPE 1
#define NOTE_LAYOUT 2

/* Little-endian numbers; texts are NUL-terminated and NUL behind their end. */
struct note_bytes {
    uint32_t layout; /* NOTE_LAYOUT */
    uint32_t abi;
    char safety[16];
    char kind[16];
    char name[NAME_MAX_BYTES + 1];
    char version[VERSION_MAX_BYTES + 1];
    uint8_t source_hash[BUILD_HASH_BYTES];
    uint8_t ir_hash[BUILD_HASH_BYTES];
    uint8_t report_hash[BUILD_HASH_BYTES];
    uint64_t instructions;
    uint64_t stack_bytes;
    uint64_t static_bytes;
    uint64_t cpu_ms;
} __attribute__((packed));

static_assert(sizeof(struct note_bytes) == 264, "docs/library.md says 264");
static_assert(sizeof NOTE_OWNER == 6, "padded to 8 below");

bool note_text_is_proper(const char *text, size_t size, const char *extra)
{
    size_t length = strnlen(text, size);

    if (length == size)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && !strchr(extra, c))
            return false;
    }
    for (size_t i = length; i < size; i++)
        if (text[i] != '\0')
            return false;
    return true;
}

/* A proof is of some IR and has bounds; where there is none, nothing looks like one. */
static bool proof_is_proper(const struct note_bytes *bytes)
{
    const uint8_t *at = bytes->ir_hash;
    bool proved = strcmp(bytes->safety, "proved") == 0;
    uint8_t any[2] = {0};

    for (size_t i = 0; i < BUILD_HASH_BYTES; i++) {
        any[0] |= at[i];
        any[1] |= bytes->report_hash[i];
    }
    if (!proved)
        return !any[0] && !any[1] && !bytes->instructions && !bytes->stack_bytes &&
               !bytes->static_bytes && !bytes->cpu_ms;
    return any[0] && any[1] && bytes->instructions && bytes->stack_bytes && bytes->cpu_ms &&
           bytes->static_bytes <= LIBRARY_MAX_BYTES && strcmp(bytes->kind, "handler") == 0;
}

static int note_check(const struct note_bytes *bytes, struct err *err)
{
    const char *wrong = NULL;

    if (bytes->layout != NOTE_LAYOUT)
        wrong = "of another layout: another version of vireo built it, build or deploy it again";
    else if (bytes->abi != LIBRARY_ABI)
        wrong = "for another version of vireo (ABI): build or deploy it again";
    else if (!note_text_is_proper(bytes->safety, sizeof bytes->safety, "") ||
             (strcmp(bytes->safety, "sfi") != 0 && strcmp(bytes->safety, "proved") != 0 &&
              strcmp(bytes->safety, "native") != 0))
        wrong = "without a known safety";
    else if (!note_text_is_proper(bytes->kind, sizeof bytes->kind, "") ||
             (strcmp(bytes->kind, "handler") != 0 && strcmp(bytes->kind, "command") != 0 &&
              strcmp(bytes->kind, "library") != 0))
        wrong = "without a known kind";
    else if (!note_text_is_proper(bytes->name, sizeof bytes->name, "-"))
        wrong = "with an improper name";
    else if (!note_text_is_proper(bytes->version, sizeof bytes->version, "-._+"))
        wrong = "with an improper version";
    else if (!proof_is_proper(bytes))
        wrong = "without a proper proof";
    if (wrong)
        return err_say(err, -ENOEXEC, "cannot use a library's note: it is %s", wrong);
    return 0;
}

/* `to` is zeroed; false when the text does not fit. */
static bool text_put(char *to, size_t size, const char *text, size_t text_size)
{
    size_t length = strnlen(text, text_size);

    if (length >= size)
        return false;
    memcpy(to, text, length);
    return true;
}

/* Assembly: only it says @note, and the bytes need no escaping. */
static void note_emit(FILE *out, int type, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    fprintf(out,
            "/* The library's note: docs/library.md. */\n"
            "__asm__(\".pushsection .note.vireo,\\\"a\\\",@note\\n\"\n"
            "        \".balign 4\\n\"\n"
            "        \".long %zu, %zu, %d\\n\"\n"
            "        \".ascii \\\"" NOTE_OWNER "\\\\0\\\\0\\\\0\\\"\\n\"\n",
            sizeof NOTE_OWNER, size, type);
    for (size_t i = 0; i < size; i += 12) {
        fprintf(out, "        \".byte ");
        for (size_t k = i; k < i + 12 && k < size; k++)
            fprintf(out, "%s0x%02x", k == i ? "" : ",", p[k]);
        fprintf(out, "\\n\"\n");
    }
    fprintf(out, "        \".popsection\");\n");
}

static int demands_emit(FILE *out, const struct library_demands *demands, struct err *err)
{
    uint8_t bytes[NOTE_DEMANDS_MAX_BYTES];
    ssize_t size = note_demands_put(demands, bytes, err);

    if (size < 0)
        return (int)size;
    note_emit(out, NOTE_DEMANDS_TYPE, bytes, (size_t)size);
    return 0;
}

int library_note_source(const struct library_note *note, char **ret_source, struct err *err)
{
    struct note_bytes bytes = {.layout = NOTE_LAYOUT, .abi = note->abi};

    if (!text_put(bytes.safety, sizeof bytes.safety, note->safety, sizeof note->safety) ||
        !text_put(bytes.kind, sizeof bytes.kind, note->kind, sizeof note->kind) ||
        !text_put(bytes.name, sizeof bytes.name, note->name, sizeof note->name) ||
        !text_put(bytes.version, sizeof bytes.version, note->version, sizeof note->version))
        return err_say(err, -EINVAL, "cannot write a library's note: a field is too long");
    memcpy(bytes.source_hash, note->source_hash, sizeof bytes.source_hash);
    memcpy(bytes.ir_hash, note->proof.ir_hash, sizeof bytes.ir_hash);
    memcpy(bytes.report_hash, note->proof.report_hash, sizeof bytes.report_hash);
    bytes.instructions = note->proof.instructions;
    bytes.stack_bytes = note->proof.stack_bytes;
    bytes.static_bytes = note->proof.static_bytes;
    bytes.cpu_ms = note->proof.cpu_ms;
    if (note_check(&bytes, NULL) < 0) {
        note_check(&bytes, err);
        return -EINVAL;
    }

    _cleanup_(freep) char *source = NULL;
    int r = 0;
    size_t size;
    FILE *out = open_memstream(&source, &size);
    if (!out)
        return err_set(err, -ENOMEM, "cannot write a library's note");
    note_emit(out, NOTE_TYPE, &bytes, sizeof bytes);
    if (note->demands.given)
        r = demands_emit(out, &note->demands, err);
    if (fclose(out) != 0)
        return err_set(err, -ENOMEM, "cannot write a library's note");
    if (r < 0)
        return r;
    *ret_source = steal_ptr(&source);
    return 0;
}

static void note_take(const struct note_bytes *bytes, struct library_note *ret_note)
{
    struct library_note note = {.abi = bytes->abi};

    /* note_check() saw that each text ends within its field, and the fields are of equal sizes. */
    memcpy(note.safety, bytes->safety, sizeof note.safety);
    memcpy(note.kind, bytes->kind, sizeof note.kind);
    memcpy(note.name, bytes->name, sizeof note.name);
    memcpy(note.version, bytes->version, sizeof note.version);
    memcpy(note.source_hash, bytes->source_hash, sizeof note.source_hash);
    memcpy(note.proof.ir_hash, bytes->ir_hash, sizeof note.proof.ir_hash);
    memcpy(note.proof.report_hash, bytes->report_hash, sizeof note.proof.report_hash);
    note.proof.instructions = bytes->instructions;
    note.proof.stack_bytes = bytes->stack_bytes;
    note.proof.static_bytes = bytes->static_bytes;
    note.proof.cpu_ms = bytes->cpu_ms;
    *ret_note = note;
}

/* Rounds up; the sum is in 64 bits, of numbers of 32. */
static uint64_t aligned(uint64_t value, size_t align)
{
    return (value + align - 1) & ~(uint64_t)(align - 1);
}

int library_note_parse(const void *notes, size_t size, size_t align, struct library_note *ret_note,
                       struct err *err)
{
    const uint8_t *p = notes;
    struct note_bytes found;
    struct library_demands demands = {0};
    bool is_found = false;
    uint64_t at = 0;

    if (align != 4 && align != 8)
        return err_say(err, -ENOEXEC, "cannot read a library's notes: alignment %zu", align);
    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head;
        memcpy(&head, p + at, sizeof head);
        uint64_t owner_at = at + sizeof head;
        uint64_t body_at = at + aligned(sizeof head + (uint64_t)head.n_namesz, align);
        uint64_t end = body_at + head.n_descsz;
        if (end > size)
            return err_say(err, -ENOEXEC, "cannot read a library's notes: one ends behind them");
        if (head.n_namesz == sizeof NOTE_OWNER &&
            memcmp(p + owner_at, NOTE_OWNER, sizeof NOTE_OWNER) == 0 &&
            head.n_type == NOTE_DEMANDS_TYPE && !demands.given) {
            int r = note_demands_take(p + body_at, head.n_descsz, &demands, err);
            if (r < 0)
                return r;
        } else if (head.n_namesz == sizeof NOTE_OWNER &&
                   memcmp(p + owner_at, NOTE_OWNER, sizeof NOTE_OWNER) == 0) {
            if (is_found || head.n_type != NOTE_TYPE || head.n_descsz != sizeof found)
                return err_say(err, -ENOEXEC, "cannot read a library's notes: %s",
                               is_found ? "two are vireo's" : "vireo's is of an unknown kind");
            memcpy(&found, p + body_at, sizeof found);
            is_found = true;
        }
        at = aligned(end, align);
        if (at > size)
            at = size;
    }
    if (!is_found)
        return err_say(err, -ENOENT, "cannot use a library: it has no vireo note");
    int r = note_check(&found, err);
    if (r < 0)
        return r;
    note_take(&found, ret_note);
    ret_note->demands = demands;
    return 0;
}
