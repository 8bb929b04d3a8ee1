/* The table of the allow-list: it can be read as it says, and agrees with what the build imports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "allow/allow.h"
#include "build/wasm.h"

static void each_entry_has_a_name_of_its_own_and_a_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < allow_entry_count; i++) {
        assert_ptr_equal(allow_find(allow_entries[i].name), &allow_entries[i]);
        assert_true(strlen(allow_entries[i].contract) > 10);
    }
    assert_null(allow_find("execve"));
    assert_null(allow_find(""));
}

static unsigned params_of(const struct allow_entry *entry)
{
    unsigned count = 0;

    while (count < ALLOW_PARAMS && entry->params[count].kind != ALLOW_END)
        count++;
    return count;
}

static void each_pointer_says_how_many_bytes_it_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < allow_entry_count; i++) {
        const struct allow_entry *entry = &allow_entries[i];
        unsigned count = params_of(entry);
        for (unsigned j = 0; j < count; j++) {
            const struct allow_param *param = &entry->params[j];
            if (param->kind < ALLOW_READ)
                continue;
            if (param->size == ALLOW_FIXED) {
                assert_true(param->most > 0);
                continue;
            }
            assert_true(param->size < count);
            assert_int_equal(entry->params[param->size].kind, ALLOW_SIZE);
        }
        if (entry->result == ALLOW_COUNT)
            assert_int_equal(entry->params[entry->result_of].kind, ALLOW_SIZE);
    }
}

/* What is imported has a pointer or number of 32 bits for each parameter, and one result. */
static void each_import_is_one_that_modules_may_have_with_that_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < allow_entry_count; i++) {
        const struct allow_entry *entry = &allow_entries[i];
        size_t found = 0;
        for (size_t j = 0; entry->import && j < wasm_host_function_count; j++) {
            const struct wasm_host_function *function = &wasm_host_functions[j];
            if (strcmp(function->module, "vireo") != 0 ||
                strcmp(function->name, entry->import) != 0)
                continue;
            found++;
            assert_int_equal(strlen(function->params), params_of(entry));
            assert_int_equal(strspn(function->params, "i"), params_of(entry));
            assert_string_equal(function->results, "i");
        }
        assert_int_equal(found, entry->import ? 1 : 0);
    }
}

static void what_is_served_is_of_the_platform_or_risky(void **state)
{
    (void)state;
    for (enum allow_served served = 0; served < ALLOW_SERVED; served++) {
        const struct allow_entry *entry = allow_find(allow_served_name(served));
        assert_non_null(entry);
        assert_true(entry->layer == ALLOW_PLATFORM || entry->layer == ALLOW_RISKY);
    }
}

static void a_manifest_can_name_every_layer_but_the_risky_one(void **state)
{
    enum allow_layer layer = ALLOW_LAYERS;

    (void)state;
    assert_int_equal(allow_layer_find("base", &layer), 0);
    assert_int_equal(layer, ALLOW_BASE);
    assert_int_equal(allow_layer_find("platform", &layer), 0);
    assert_int_equal(layer, ALLOW_PLATFORM);
    static const char *const refused[] = {"risky", "", "Base", "base ", "basex", "*"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(allow_layer_find(refused[i], &layer), -ENOENT);
    assert_int_equal(layer, ALLOW_PLATFORM);
}

/* Proved code calls what the platform serves, under the name that its header has, and nothing that
 * is risky: one table for the verifier, the check of objects and the guest. */
static void proved_code_may_call_what_is_on_the_list_and_nothing_risky(void **state)
{
    static const struct {
        const char *name;
        bool proved;
    } symbols[] = {
#define NATIVE_SYMBOL(name, function, proved) {#name, proved},
#include "guest/native_symbols.h"
#undef NATIVE_SYMBOL
    };
    unsigned found[ALLOW_LAYERS] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        const struct allow_entry *entry = allow_find_native(symbols[i].name);
        bool named = strncmp(symbols[i].name, ALLOW_NATIVE, sizeof ALLOW_NATIVE - 1) == 0;
        assert_int_equal(named, entry != NULL);
        if (!entry)
            continue;
        assert_true(symbols[i].proved);
        found[entry->layer]++;
    }
    for (size_t i = 0; i < allow_entry_count; i++)
        if (allow_entries[i].layer == ALLOW_IO || allow_entries[i].layer == ALLOW_PLATFORM)
            found[allow_entries[i].layer]--;
    for (size_t layer = 0; layer < ALLOW_LAYERS; layer++)
        assert_int_equal(found[layer], 0);
    static const char *const none[] = {"",        "vireo_import_",      "vireo_import_memcpy",
                                       "connect", "vireo_import_opens", "vireo_connect",
                                       "open"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(allow_find_native(none[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_has_a_name_of_its_own_and_a_contract),
        cmocka_unit_test(each_pointer_says_how_many_bytes_it_has),
        cmocka_unit_test(each_import_is_one_that_modules_may_have_with_that_type),
        cmocka_unit_test(what_is_served_is_of_the_platform_or_risky),
        cmocka_unit_test(a_manifest_can_name_every_layer_but_the_risky_one),
        cmocka_unit_test(proved_code_may_call_what_is_on_the_list_and_nothing_risky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
