/* Checks that an image is one: sizes, offsets, strings. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "bpf/image.h"
#include "bpf/policy.h"
#include "guest/bpf.h"

static bool is_inside(const struct image_header *header, uint32_t at, uint64_t count, uint32_t size)
{
    uint64_t bytes;

    return at % 8 == 0 && !__builtin_mul_overflow(count, (uint64_t)size, &bytes) &&
           at <= header->bytes && bytes <= header->bytes - at;
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool map_is_proper(const struct image *image, const struct image_map *map)
{
    return is_text(map->name, sizeof map->name) &&
           is_text(map->kernel_name, sizeof map->kernel_name) &&
           map->inner <= image->header->map_count &&
           is_inside(image->header, map->initial_at, map->initial_bytes, 1) &&
           (map->initial_bytes == 0 || map->initial_bytes == map->value_bytes);
}

static bool program_is_proper(const struct image *image, const struct image_program *program)
{
    const struct image_header *header = image->header;

    return is_text(program->name, sizeof program->name) &&
           is_text(program->section, sizeof program->section) &&
           is_text(program->kernel_name, sizeof program->kernel_name) && program->code_count > 0 &&
           program->code_count <= IMAGE_INSTRUCTIONS_MAX &&
           is_inside(header, program->code_at, program->code_count, sizeof(struct bpf_insn)) &&
           is_inside(header, program->functions_at, program->functions_count,
                     program->functions_size) &&
           is_inside(header, program->lines_at, program->lines_count, program->lines_size);
}

int image_open(const uint8_t *bytes, size_t size, struct image *ret_image, struct err *err)
{
    const struct image_header *header = (const void *)bytes;
    struct image image = {.bytes = bytes, .header = header};

    if (size < sizeof *header || header->magic != IMAGE_MAGIC || header->bytes != size ||
        !is_text(header->text, sizeof header->text) ||
        !is_text(header->license, sizeof header->license))
        return err_say(err, -EBADMSG, "cannot load object: its reader's answer is damaged");
    if (header->error)
        return err_say(err, header->error < 0 ? header->error : -EBADMSG, "%s", header->text);
    if (header->map_count > 2 * POLICY_MAPS_MAX || header->program_count > POLICY_PROGRAMS_MAX ||
        header->slot_count > 4096 || header->variable_count > BROKER_VARIABLES_MAX ||
        header->field_count > BROKER_FIELDS_MAX)
        return err_say(err, -E2BIG, "cannot load object: it has %u maps and %u programs",
                       header->map_count, header->program_count);
    uint64_t maps_at = sizeof *header;
    uint64_t programs_at = maps_at + (uint64_t)header->map_count * sizeof *image.maps;
    uint64_t slots_at = programs_at + (uint64_t)header->program_count * sizeof *image.programs;
    uint64_t variables_at = slots_at + (uint64_t)header->slot_count * sizeof *image.slots;
    uint64_t fields_at = variables_at + (uint64_t)header->variable_count * sizeof *image.variables;
    uint64_t end = fields_at + (uint64_t)header->field_count * sizeof *image.fields;
    bool good = end <= size && is_inside(header, header->btf_at, header->btf_bytes, 1);
    image.maps = (const void *)(bytes + maps_at);
    image.programs = (const void *)(bytes + programs_at);
    image.slots = (const void *)(bytes + slots_at);
    image.variables = (const void *)(bytes + variables_at);
    image.fields = (const void *)(bytes + fields_at);
    for (uint32_t i = 0; good && i < header->map_count; i++)
        good = map_is_proper(&image, &image.maps[i]);
    for (uint32_t i = 0; good && i < header->program_count; i++)
        good = program_is_proper(&image, &image.programs[i]);
    for (uint32_t i = 0; good && i < header->slot_count; i++) {
        const struct image_slot *slot = &image.slots[i];
        uint32_t most = slot->kind == IMAGE_SLOT_MAP ? header->map_count : header->program_count;
        good = slot->map < header->map_count && slot->index < most &&
               slot->kind >= IMAGE_SLOT_MAP && slot->kind <= IMAGE_SLOT_MEMBER;
    }
    for (uint32_t i = 0; good && i < header->variable_count; i++) {
        const struct image_variable *variable = &image.variables[i];
        good = is_text(variable->name, sizeof variable->name) &&
               variable->map < header->map_count &&
               (uint64_t)variable->at + variable->bytes <= image.maps[variable->map].value_bytes;
    }
    for (uint32_t i = 0; good && i < header->field_count; i++)
        good = is_text(image.fields[i].name, sizeof image.fields[i].name);
    if (!good)
        return err_say(err, -EBADMSG, "cannot load object: its reader's answer is damaged");
    *ret_image = image;
    return 0;
}
_Static_assert(sizeof(struct image_header) % 8 == 0 && sizeof(struct image_map) % 8 == 0 &&
                   sizeof(struct image_program) % 8 == 0 && sizeof(struct image_slot) % 8 == 0 &&
                   sizeof(struct image_variable) % 8 == 0 && sizeof(struct broker_field) % 8 == 0,
               "each array begins aligned");
