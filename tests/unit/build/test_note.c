/* The note: what is written is read back; what is not proper is refused. */
#include <elf.h>
#include <errno.h>

#include "test_library.h"

/* The note's bytes, by the assembler: the .note.vireo of the good library. */
static uint8_t good_notes[512];
static size_t good_size;

static int take_good_notes(void **state)
{
    Elf64_Ehdr head;
    size_t size;
    int r = scratch_make(state);
    if (r < 0)
        return r;
    const char *library = test_good_library(&size);
    memcpy(&head, library, sizeof head);
    for (size_t i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, library + head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_NOTE)
            continue;
        good_size = segment.p_filesz;
        memcpy(good_notes, library + segment.p_offset, good_size);
    }
    return good_size == 0 ? -1 : 0;
}

static void its_layout_is_the_documented_one(void **state)
{
    (void)state;
    /* namesz, descsz, type, owner padded to 8, description of 264: docs/library.md. */
    assert_int_equal(good_size, 12 + 8 + 264);
    assert_memory_equal(good_notes, "\6\0\0\0\10\1\0\0\1\0\0\0vireo\0\0\0\2\0\0\0\5\0\0\0sfi\0",
                        32);
    assert_memory_equal(good_notes + 20 + 24, "command\0", 8);
    assert_memory_equal(good_notes + 20 + 40, "hello\0", 6);
    assert_memory_equal(good_notes + 20 + 104, "1.2.3-rc+4\0", 11);
    assert_int_equal(good_notes[20 + 136], 1);
    assert_int_equal(good_notes[20 + 167], (31 * 9 + 1) & 0xff);
}

static void improper_fields_are_not_written(void **state)
{
    (void)state;
    struct library_note notes[8];
    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        notes[i] = test_note();
    notes[0].abi = LIBRARY_ABI + 1;
    strcpy(notes[1].safety, "safe");
    strcpy(notes[2].safety, "");
    strcpy(notes[3].kind, "daemon");
    strcpy(notes[4].name, "a\"\n.quad");
    strcpy(notes[5].version, "1 2");
    memset(notes[6].name, 'a', sizeof notes[6].name);
    memset(notes[7].kind, 'a', sizeof notes[7].kind);
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        char *source = NULL;
        struct err err = {0};
        assert_int_equal(library_note_source(&notes[i], &source, &err), -EINVAL);
        assert_true(err.message[0]);
        assert_null(source);
    }
}

static void a_changed_note_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        int code;
    } changes[] = {
        {0, 5, -ENOENT},                                 /* another length of the owner */
        {3, 0xff, -ENOEXEC},                             /* an owner behind the end */
        {5, 0, -ENOEXEC},                                /* shorter */
        {4, 0xac, -ENOEXEC},                             /* longer than the segment */
        {7, 0xff, -ENOEXEC},                             /* far longer */
        {8, 2, -ENOEXEC},                                /* another type */
        {12, 'V', -ENOENT},                              /* another owner */
        {17, 'x', -ENOENT},                              /* its NUL */
        {20, 3, -ENOEXEC},                               /* layout */
        {24, 9, -ENOEXEC},                               /* ABI */
        {28, 'S', -ENOEXEC},                             /* safety */
        {28 + 15, 1, -ENOEXEC},                          /* something behind the text's end */
        {44, 'x', -ENOEXEC},                             /* kind */
        {60, '/', -ENOEXEC},                             /* name */
        {60 + 63, 'x', -ENOEXEC},  {124, ' ', -ENOEXEC}, /* version */
        {124 + 31, 'x', -ENOEXEC}, {188, 1, -ENOEXEC},   /* a proof of what is not proved */
        {252, 1, -ENOEXEC},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        uint8_t copy[sizeof good_notes];
        struct library_note note = {.abi = 77};
        memcpy(copy, good_notes, good_size);
        copy[changes[i].at] = changes[i].value;
        if (library_note_parse(copy, good_size, 4, &note, NULL) != changes[i].code)
            fail_msg("change %zu", i);
        assert_int_equal(note.abi, 77);
    }
}

static void two_notes_are_refused_and_others_are_skipped(void **state)
{
    (void)state;
    static const char other[] = "\4\0\0\0\3\0\0\0\5\0\0\0GNU\0abc";
    uint8_t notes[1024];
    struct library_note note;
    memcpy(notes, other, 20);
    memcpy(notes + 20, good_notes, good_size);
    memcpy(notes + 20 + good_size, other, 20);
    assert_int_equal(library_note_parse(notes, 40 + good_size, 4, &note, NULL), 0);
    assert_string_equal(note.name, "hello");
    memcpy(notes + 20 + good_size, good_notes, good_size);
    assert_int_equal(library_note_parse(notes, 20 + 2 * good_size, 4, &note, NULL), -ENOEXEC);
    assert_int_equal(library_note_parse(notes, 20, 4, &note, NULL), -ENOENT);
    assert_int_equal(library_note_parse(notes, 0, 4, &note, NULL), -ENOENT);
    assert_int_equal(library_note_parse(good_notes, good_size, 2, &note, NULL), -ENOEXEC);
    assert_int_equal(library_note_parse(good_notes, good_size, 0, &note, NULL), -ENOEXEC);
}

static void cuts_and_mutations_are_survived(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 20000; round++) {
        size_t kept = round % 2 ? good_size : test_random(&seed) % good_size;
        uint8_t *copy = malloc(kept + !kept);
        struct library_note note;
        memcpy(copy, good_notes, kept);
        for (int k = 0; kept > 0 && k < 3; k++)
            copy[test_random(&seed) % (kept < 28 ? kept : 28)] = (uint8_t)test_random(&seed);
        int r = library_note_parse(copy, kept, round % 4 < 2 ? 4 : 8, &note, NULL);
        assert_true(r == 0 || r == -ENOENT || r == -ENOEXEC);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_layout_is_the_documented_one),
        cmocka_unit_test(improper_fields_are_not_written),
        cmocka_unit_test(a_changed_note_is_refused),
        cmocka_unit_test(two_notes_are_refused_and_others_are_skipped),
        cmocka_unit_test(cuts_and_mutations_are_survived),
    };
    return cmocka_run_group_tests(tests, take_good_notes, scratch_remove);
}
