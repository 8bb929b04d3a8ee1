/*
 * A built library (or source image): trailer, ELF, note; the host's check of it and the guest's own
 * reading. What the host accepts has the properties that the guest's linker stands on.
 */
#include <elf.h>
#include <errno.h>

#include "base/err.h"
#include "build/build.h"
#include "build/source_image.h"
#include "fuzz.h"
#include "guest/linker_internal.h"

static struct sign_key *key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[] = "/tmp/vireo-fuzz-key-XXXXXX";
    struct err err = {0};

    (void)argc, (void)argv;
    CHECK(mkdtemp(path));
    char name[64];
    snprintf(name, sizeof name, "%s/key", path);
    CHECK(sign_key_open(name, &key, &err) == 0);
    unlink(name);
    rmdir(path);
    return 0;
}

/* In memory that ends with the file: a byte too far is seen. */
static uint8_t *exact_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

static void text_is_ended(const char *text, size_t size)
{
    CHECK(memchr(text, '\0', size));
}

static void note_is_proper(const struct library_note *note)
{
    text_is_ended(note->name, sizeof note->name);
    text_is_ended(note->version, sizeof note->version);
    CHECK(strcmp(note->safety, "sfi") == 0 || strcmp(note->safety, "proved") == 0 ||
          strcmp(note->safety, "container") == 0);
    CHECK(strcmp(note->kind, "handler") == 0 || strcmp(note->kind, "command") == 0);
}

/* What guest/linker.c takes from an image without looking again. */
static void image_is_sound(const struct elf_image *image)
{
    CHECK(image->segment_count <= IMAGE_SEGMENTS_MAX && image->span <= IMAGE_BYTES_MAX + 4096);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        CHECK(!(segment->p_flags & PF_W) || !(segment->p_flags & PF_X));
        CHECK(segment->p_offset <= image->file_bytes &&
              segment->p_filesz <= image->file_bytes - segment->p_offset);
        CHECK(segment->p_vaddr + segment->p_memsz <= image->span);
    }
    for (int k = 0; k < 2; k++) {
        uint64_t sum = 0;
        for (uint64_t i = 0; i < image->relocation_count[k]; i++) {
            Elf64_Rela relocation;
            memcpy(&relocation, &image->relocations[k][i], sizeof relocation);
            sum += relocation.r_offset;
        }
        *(volatile uint64_t *)&sum = sum;
    }
    for (uint64_t i = 0; i < image->dynamic_symbol_count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, &image->dynamic_symbols[i], sizeof symbol);
        const char *name =
            elf_string(image->dynamic_strings, image->dynamic_string_bytes, symbol.st_name);
        CHECK(!name || strlen(name) < image->dynamic_string_bytes);
    }
    for (uint64_t i = 0; i < image->symbol_count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, &image->symbols[i], sizeof symbol);
        elf_string(image->strings, image->string_bytes, symbol.st_name);
    }
}

static void as_library(const uint8_t *data, size_t size)
{
    struct library_note note = {0};
    struct elf_image image;
    struct err err = {0};
    uint8_t *elf = exact_copy(data, size);

    int host = library_check(elf, size, &note, &err);
    CHECK(host == 0 || (host == -ENOEXEC && strncmp(err.message, "cannot ", 7) == 0));
    err = (struct err){0};
    int guest = elf_image_read(elf, size, &image, &err);
    CHECK(guest == 0 || (guest == -ENOEXEC && err.message[0]));
    if (guest == 0)
        image_is_sound(&image);
    if (host == 0)
        note_is_proper(&note);
    /* What an interpreter runs is never linked, and the other way round. */
    if (host == 0 && source_image_is(elf, size))
        CHECK(strcmp(note.safety, "container") == 0);
    CHECK(guest != 0 || !source_image_is(elf, size));
    free(elf);
}

/* Signed by our key it must be the same to the check; with a byte changed it is refused. */
static void as_signed(const uint8_t *data, size_t size, size_t flip)
{
    struct library_note note, again;
    struct err err = {0};
    size_t library_size, elf_size;
    uint8_t *library;

    CHECK(library_sign(key, data, size, (void **)&library, &library_size, &err) == 0);
    int r = library_verify(key, library, library_size, &note, &elf_size, &err);
    CHECK((r == 0) == (library_check(data, size, &again, NULL) == 0));
    CHECK(r != 0 || elf_size == size);
    library[flip % library_size] ^= 1;
    err = (struct err){0};
    CHECK(library_verify(key, library, library_size, &note, &elf_size, &err) < 0);
    free(library);
}

static void as_note(const uint8_t *data, size_t size, size_t align)
{
    struct library_note note;
    struct err err = {0};
    uint8_t *notes = exact_copy(data, size);

    if (library_note_parse(notes, size, align, &note, &err) == 0)
        note_is_proper(&note);
    free(notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct library_note note;
    struct err err = {0};
    size_t elf_size;

    if (size < 1)
        return 0;
    switch (data[0] % 4) {
    case 0:
    case 1:
        as_library(data + 1, size - 1);
        break;
    case 2:
        as_note(data + 1, size - 1, data[0] & 4 ? 8 : 4);
        break;
    default:
        as_signed(data + 1, size - 1, size * data[0]);
        /* A trailer of whoever: never ours. */
        CHECK(library_verify(key, data + 1, size - 1, &note, &elf_size, &err) < 0);
    }
    return 0;
}
