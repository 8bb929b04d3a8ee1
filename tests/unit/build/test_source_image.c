/* Source images: what is made is accepted, what was altered is not; runtime and imports. */
#include <errno.h>

#include "build/build_internal.h"
#include "build/source_image.h"
#include "guest/source_image.h"
#include "tar_make.h"
#include "test.h"

struct made {
    struct tar_made tar;
    void *image;
    size_t size;
};

static void made_clear(struct made *made)
{
    tar_made_clear(&made->tar);
    free(made->image);
}

static void make(struct made *made)
{
    struct library_note note = {.name = "hello", .version = "1.2", .source_hash = {7}};

    tar_file(&made->tar, "app.py", "def handler(request):\n    pass\n");
    tar_file(&made->tar, "data/words.txt", "words");
    tar_end(&made->tar);
    assert_int_equal(source_image_make(&note, "python", made->tar.bytes, made->tar.size,
                                       &made->image, &made->size, NULL),
                     0);
}

static void what_is_made_is_accepted_as_a_container(void **state)
{
    (void)state;
    _cleanup_(made_clear) struct made made = {0};
    struct library_note note;
    make(&made);
    assert_true(source_image_is(made.image, made.size));
    /* library_check() takes it for what it is. */
    assert_int_equal(library_check(made.image, made.size, &note, NULL), 0);
    assert_string_equal(note.name, "hello");
    assert_string_equal(note.version, "1.2");
    assert_string_equal(note.safety, "container");
    assert_string_equal(note.kind, "handler");
    assert_int_equal(note.source_hash[0], 7);
    assert_false(build_is_as_safe(note.safety, "sfi"));
}

static void what_was_altered_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
        const char *reason;
    } altered[] = {
        {8, 2, "another version"},
        {12, 1, "another version"},
        {16, 1, "its size is not what its head says"},
        {offsetof(struct source_image_head, name), 0, "a text of its head"},
        {offsetof(struct source_image_head, name) + 1, 0, "a text of its head"},
        {offsetof(struct source_image_head, name) + 1, '\n', "a text of its head"},
        {offsetof(struct source_image_head, function_version) + 31, 'x', "a text of its head"},
        {offsetof(struct source_image_head, runtime), 'P', "a text of its head"},
        {SOURCE_IMAGE_HEAD_BYTES - 1, 1, "not zero to its end"},
        {SOURCE_IMAGE_HEAD_BYTES + 156, '2', "cannot accept a source image"}, /* a link */
        {SOURCE_IMAGE_HEAD_BYTES, '/', "cannot accept a source image"},
    };
    _cleanup_(made_clear) struct made made = {0};
    struct library_note note;
    make(&made);
    for (size_t i = 0; i < ARRAY_LEN(altered); i++) {
        uint8_t *at = (uint8_t *)made.image + altered[i].at, before = *at;
        struct err err = {0};
        assert_int_not_equal(before, altered[i].byte);
        *at = altered[i].byte;
        assert_int_equal(source_image_check(made.image, made.size, &note, &err), -ENOEXEC);
        assert_message(err, altered[i].reason);
        *at = before;
    }
    for (size_t size = 0; size < made.size; size += 64)
        assert_int_equal(source_image_check(made.image, size, &note, NULL), -ENOEXEC);
    assert_int_equal(source_image_check(made.image, made.size, &note, NULL), 0);
}

static void mutations_are_survived(void **state)
{
    (void)state;
    _cleanup_(made_clear) struct made made = {0};
    struct library_note note;
    uint64_t seed = 0x5eed;
    make(&made);
    _cleanup_(freep) uint8_t *copy = malloc(made.size);
    for (int round = 0; round < 5000; round++) {
        memcpy(copy, made.image, made.size);
        for (int k = 0; k < 4; k++)
            copy[test_random(&seed) % made.size] = (uint8_t)test_random(&seed);
        int r = source_image_check(copy, made.size, &note, NULL);
        assert_true(r == 0 || r == -ENOEXEC);
    }
}

static int parse(const char *text, struct manifest *manifest, struct err *err)
{
    return manifest_parse(text, strlen(text), "vireo.yaml", manifest, err);
}

static void a_runtime_is_read_and_written(void **state)
{
    (void)state;
    static struct manifest m, again;
    _cleanup_(freep) char *text = NULL;
    assert_int_equal(parse("runtime: python\nentry: pkg.app:api.handler\n"
                           "imports: [json, os.path, _x9]\nisolation: request\n",
                           &m, NULL),
                     0);
    assert_int_equal(m.runtime, MANIFEST_RUNTIME_PYTHON);
    assert_string_equal(m.entry, "pkg.app:api.handler");
    assert_int_equal(m.import_count, 3);
    assert_string_equal(m.imports[1], "os.path");
    assert_int_equal(manifest_format(&m, &text, NULL), 0);
    assert_int_equal(parse(text, &again, NULL), 0);
    assert_memory_equal(&m, &again, sizeof m);
}

static void what_does_not_go_with_a_runtime_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } refused[] = {
        {"runtime: ruby", "it is none or python"},
        {"imports: [json]", "imports are for a function with a runtime"},
        {"entry: app:handler", "it is not the name of a C function"},
        {"runtime: python\nentry: handler", "of runtime python it is module:function"},
        {"runtime: python\nentry: 'app:'", "module:function"},
        {"runtime: python\nentry: ':handler'", "module:function"},
        {"runtime: python\nentry: 'a:b:c'", "module:function"},
        {"runtime: python\nentry: 'a..b:c'", "module:function"},
        {"runtime: python\nimports: ['a b']", "it is no name of a module"},
        {"runtime: python\nimports: ['../x']", "it is no name of a module"},
        {"runtime: python\nimports: ['a.']", "it is no name of a module"},
        {"runtime: python\nimports: [json, json]", "it is there twice"},
        {"runtime: python\nimports: json", "is a list of modules"},
        {"runtime: python\ngrants: {listen: ['127.0.0.1:80']}", "grants: listen"},
        {"runtime: python\ngrants: {connect: ['a.b:80']}", "grants: connect"},
        {"runtime: python\ngrants: {fork: true}", "grants: fork"},
        {"runtime: python\ngrants: {ipc: true}", "grants: ipc"},
        {"runtime: python\nhttp: cgi", "http: cgi"},
        {"runtime: python\nsources: [a.c]", "sources"},
        {"runtime: python\nupdate: {slack: 4KiB}", "update: slack"},
        {"runtime: python\nrecycle: blank", "recycle"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        static struct manifest m;
        struct err err = {0};
        if (parse(refused[i].text, &m, &err) != -EINVAL)
            fail_msg("'%s' was read", refused[i].text);
        assert_message(err, refused[i].reason);
    }
}

static void a_source_of_python_is_known_by_its_files(void **state)
{
    (void)state;
    static const struct {
        const char *files[3], *entry;
    } known[] = {
        {{"hello.py"}, "hello:handler"},   {{"app.py", "more.py"}, "app:handler"},
        {{"more.py", "other.py"}, ""},     {{"main.c", "gen.py"}, NULL},
        {{"words.txt", "lib/x.py"}, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        _cleanup_(tar_made_clear) struct tar_made tar = {0};
        static struct build_source source;
        for (size_t k = 0; k < 3 && known[i].files[k]; k++)
            tar_file(&tar, known[i].files[k], "x");
        tar_end(&tar);
        source = (struct build_source){.tar = tar.bytes, .tar_size = tar.size};
        assert_int_equal(build_source_is_python(&source), known[i].entry != NULL);
        if (!known[i].entry)
            continue;
        int r = build_python_entry(&source, NULL);
        assert_int_equal(r, known[i].entry[0] ? 0 : -EINVAL);
        assert_string_equal(source.manifest.entry, known[i].entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_accepted_as_a_container),
        cmocka_unit_test(what_was_altered_is_refused),
        cmocka_unit_test(mutations_are_survived),
        cmocka_unit_test(a_runtime_is_read_and_written),
        cmocka_unit_test(what_does_not_go_with_a_runtime_is_refused),
        cmocka_unit_test(a_source_of_python_is_known_by_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
