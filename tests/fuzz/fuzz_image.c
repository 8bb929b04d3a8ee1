/* Images of eBPF objects, as a reader that was taken over could send them: nothing outside is read,
 * and what passes names maps of its own alone. */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "bpf/image.h"
#include "bpf/policy.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The head is kept proper as far as it must be: else nothing gets past it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct image_header header;

    (void)seed;
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < sizeof header)
        return size;
    memcpy(&header, data, sizeof header);
    header.magic = IMAGE_MAGIC;
    header.bytes = (uint32_t)size;
    header.error = 0;
    header.map_count %= 4;
    header.program_count %= 4;
    header.slot_count %= 4;
    memcpy(data, &header, sizeof header);
    return size;
}

static void maps_are_its_own(const struct image *image)
{
    for (uint32_t i = 0; i < image->header->program_count; i++) {
        const struct image_program *program = &image->programs[i];
        const struct bpf_insn *code = (const void *)(image->bytes + program->code_at);
        for (uint32_t k = 0; k < program->code_count; k++) {
            if (code[k].code != (BPF_LD | BPF_IMM | BPF_DW))
                continue;
            bool map =
                code[k].src_reg == BPF_PSEUDO_MAP_FD || code[k].src_reg == BPF_PSEUDO_MAP_VALUE;
            CHECK(!map || (uint32_t)code[k].imm < image->header->map_count);
            k++;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bpf_policy policy;
    struct image image;
    struct err err = {0};

    if (size > IMAGE_BYTES_MAX)
        return 0;
    /* Of the exact size, aligned as malloc aligns. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    policy_default(&policy, size & 1);
    if (image_open(copy, size, &image, &err) == 0 &&
        policy_check_image(&policy, &image, &err) == 0) {
        maps_are_its_own(&image);
        (void)policy_map_bytes(&image);
    }
    free(copy);
    return 0;
}
