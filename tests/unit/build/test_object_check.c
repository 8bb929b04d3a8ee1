/* Between proof and signature: the object of a proved function, and the IR that it is made of. */
#include <errno.h>
#include <sodium.h>

#include "test_library.h"

#include "base/fd.h"
#include "build/build_internal.h"

#define STACK_MAX (64 << 10)

/* clang's object of a source, as the code generator would make it; malloc'ed. */
static char *object_of(const char *source, const char *flags, size_t *ret_size)
{
    char command[1024], path[256];

    scratch_write("object.c", source);
    snprintf(command, sizeof command,
             "cd %s && clang-14 -O1 -w -fPIC -fno-asynchronous-unwind-tables "
             "-fno-stack-protector %s -c object.c -o object.o 2>log || { cat log >&2; exit 1; }",
             scratch, flags);
    if (system(command) != 0)
        fail_msg("%s", command);
    snprintf(path, sizeof path, "%s/object.o", scratch);
    return test_file(path, ret_size);
}

#define HANDLER                                                             \
    "#include <stdint.h>\n#include <stddef.h>\n"                            \
    "void *memcpy(void *, const void *, size_t);\n"                         \
    "static uint32_t calls; static const char words[] = \"abc\";\n"         \
    "__attribute__((visibility(\"hidden\"))) int64_t vireo_proved_handler(" \
    "const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)\n"     \
    "{ volatile char room[256]; room[in_len & 255] = words[calls++ & 3];"   \
    " memcpy(out, in, in_len < out_cap ? in_len : out_cap); return room[0]; }\n"

static void what_the_code_generator_makes_is_accepted(void **state)
{
    (void)state;
    struct object_facts facts;
    struct err err = {0};
    size_t size;
    _cleanup_(freep) char *object = object_of(HANDLER, "-fstack-size-section", &size);

    if (object_check(object, size, STACK_MAX, &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(facts.static_bytes, 4);
    assert_in_range(facts.stack_bytes, 256, 512);
    assert_false(facts.calls_out);
}

static void what_calls_the_kernel_is_told(void **state)
{
    (void)state;
    struct object_facts facts;
    struct err err = {0};
    size_t size;
    _cleanup_(freep) char *object =
        object_of("long vireo_import_read(int, void *, unsigned long);\n"
                  "__attribute__((visibility(\"hidden\"))) long vireo_proved_handler("
                  "const char *in, unsigned long in_len, char *out, unsigned long out_cap)\n"
                  "{ return vireo_import_read(0, out, out_cap); }\n",
                  "-fstack-size-section", &size);

    if (object_check(object, size, STACK_MAX, &facts, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(facts.calls_out);
}

static void all_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *flags, *reason;
    } rows[] = {
        {"int more(void) { return 1; }", "", "it defines 'more' for others"},
        {"int more;", "", "it defines 'more' for others"},
        {"int system(const char *); KEPT static int f(void) { return system(\"\"); }", "",
         "it needs 'system', which proved code can't have"},
        {"extern char *environ; KEPT static char **f(void) { return &environ; }", "",
         "it needs 'environ'"},
        {"static int x; __attribute__((constructor)) static void f(void) { __asm__ volatile(\"\" : "
         ": \"r\"(&x)); }"
         "KEPT static int g(void) { return x; }",
         "", "the section '.init_array'"},
        {"static __thread int x; KEPT static int f(void) { return ++x; }", "",
         "the section '.tbss'"},
        {"__attribute__((section(\"own\"))) KEPT static int x = 1;", "", "the section 'own'"},
        {"__attribute__((weak)) int f(void) { return 1; }", "", "it defines 'f' for others"},
        {"__asm__(\".section more,\\\"awx\\\",@progbits\\n.byte 0x90\\n\");", "",
         "the section 'more'"},
        {"KEPT static int f(int n) { volatile char a[70000]; a[n] = 1; return a[0]; }", "",
         "its frames take"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char source[4096], flags[256];
        struct object_facts facts;
        struct err err = {0};
        size_t size;
        snprintf(source, sizeof source, "%s#define KEPT __attribute__((used))\n%s\n", HANDLER,
                 rows[i].source);
        snprintf(flags, sizeof flags, "-fstack-size-section %s", rows[i].flags);
        _cleanup_(freep) char *object = object_of(source, flags, &size);
        if (object_check(object, size, STACK_MAX, &facts, &err) != -ENOEXEC)
            fail_msg("row %zu (%s) is accepted", i, rows[i].reason);
        assert_message(err, rows[i].reason);
    }
}

static void an_object_that_does_not_tell_is_refused(void **state)
{
    (void)state;
    struct object_facts facts;
    struct err err = {0}, err_entry = {0};
    size_t size;
    _cleanup_(freep) char *silent = object_of(HANDLER, "", &size);
    assert_int_equal(object_check(silent, size, STACK_MAX, &facts, &err), -ENOEXEC);
    assert_message(err, "how large its frames are");

    _cleanup_(freep) char *empty =
        object_of("static int f(void) { return 1; } static int (*volatile p)(void) = f;",
                  "-fstack-size-section", &size);
    assert_int_equal(object_check(empty, size, STACK_MAX, &facts, &err_entry), -ENOEXEC);
    assert_message(err_entry, "it has no 'vireo_proved_handler'");
}

static void cut_and_changed_objects_never_crash(void **state)
{
    (void)state;
    struct object_facts facts;
    size_t size;
    _cleanup_(freep) char *object = object_of(HANDLER, "-fstack-size-section", &size);
    uint32_t seed = 7;

    for (size_t kept = 0; kept < size; kept += 3) {
        _cleanup_(freep) char *copy = malloc(kept + 1);
        memcpy(copy, object, kept);
        object_check(copy, kept, STACK_MAX, &facts, NULL);
    }
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        size_t at = (seed >> 8) % size;
        char kept = object[at];
        object[at] = (char)(seed >> 24);
        object_check(object, size, STACK_MAX, &facts, NULL);
        object[at] = kept;
    }
}

static void ir_that_was_changed_after_it_was_verified_is_refused(void **state)
{
    (void)state;
    static const char verified[] = "the IR that was verified",
                      changed[] = "the IR that was verifieD";
    uint8_t hash[BUILD_HASH_BYTES];
    _cleanup_(closep) int fd = -1;
    struct err err = {0};
    int object = -1;
    size_t size;

    crypto_hash_sha256(hash, (const uint8_t *)verified, sizeof verified);
    assert_int_equal(fd_sealed_copy("ir", changed, sizeof changed, &fd, NULL), 0);
    /* No sandbox: nobody gets as far. */
    assert_int_equal(build_generate(NULL, fd, hash, "handler", &object, &size, &err), -EPERM);
    assert_message(err, "the IR is not the one that was verified");
    assert_int_equal(object, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_code_generator_makes_is_accepted),
        cmocka_unit_test(what_calls_the_kernel_is_told),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(an_object_that_does_not_tell_is_refused),
        cmocka_unit_test(cut_and_changed_objects_never_crash),
        cmocka_unit_test(ir_that_was_changed_after_it_was_verified_is_refused),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
