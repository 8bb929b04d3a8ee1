/* Type information (BTF) as a tenant's object may have it: what makes its functions static changes
 * nothing else and stays inside, and a guest's structures and the fields of samples are written, or
 * it is said why not, whatever the types say of each other. */
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/object.h"
#include "bpf/skeleton.h"
#include "bpf/types.h"
#include "fuzz.h"
#include "guest/bpf.h"

#define BYTES_MAX 65536u

/* Instead of an object: its type information is all that is asked for. */
static struct btf *types_of_object;

struct btf *__wrap_bpf_object__btf(const struct bpf_object *object);
struct btf *__wrap_bpf_object__btf(const struct bpf_object *object)
{
    (void)object;
    return types_of_object;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level, (void)format, (void)args;
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    libbpf_set_print(say_nothing);
    return 0;
}

/* Of the exact size: the types, then the text of names, whose ends are as they must be. */
static uint8_t *make(struct input *input, size_t *ret_bytes)
{
    struct btf_header header = {
        .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof header};
    bool spoilt = take(input, 1) == 0;
    uint32_t text = (uint32_t)take(input, 1) + 2;
    struct btf_header other;

    input->left &= ~(size_t)3;
    header.type_len = header.str_off = (uint32_t)input->left;
    header.str_len = text;
    *ret_bytes = sizeof header + input->left + text;
    uint8_t *bytes = calloc(*ret_bytes, 1);
    CHECK(bytes);
    memcpy(bytes + sizeof header, input->at, input->left);
    for (uint32_t i = 1; i + 1 < text; i++)
        bytes[sizeof header + input->left + i] = i % 7 ? (uint8_t)('a' + i % 26) : 0;
    other = header;
    if (spoilt)
        take_over(input, &other, sizeof other);
    memcpy(bytes, &other, sizeof other);
    return bytes;
}

static void functions_are_static(const uint8_t *bytes, size_t size)
{
    uint8_t *once = malloc(size), *twice = malloc(size);

    CHECK(once && twice);
    memcpy(once, bytes, size);
    int r = types_make_static(once, size);
    memcpy(twice, once, size);
    CHECK(types_make_static(twice, size) == r && memcmp(once, twice, size) == 0);
    /* No more than the halves of words that say of which kind a function is. */
    for (size_t i = 0; i < size; i++)
        CHECK(once[i] == bytes[i] || (once[i] == 0 && i >= sizeof(struct btf_header)));
    free(once);
    free(twice);
}

static void structures_are_written(const uint8_t *bytes, size_t size)
{
    static struct broker_field fields[BROKER_FIELDS_MAX];
    uint32_t numbers[64];
    struct btf *types = btf__new(bytes, (uint32_t)size);

    if (!types)
        return;
    for (uint32_t i = 0; i < 64; i++)
        numbers[i] = i;
    if (skeleton_types_check(types) == 0)
        (void)skeleton_types("m", types, numbers, 64);
    types_of_object = types;
    CHECK(object_fields(NULL, fields, BROKER_FIELDS_MAX) <= BROKER_FIELDS_MAX);
    btf__free(types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size < BYTES_MAX ? size : BYTES_MAX};
    uint8_t *bytes = make(&input, &size);

    functions_are_static(bytes, size);
    structures_are_written(bytes, size);
    free(bytes);
    return 0;
}
