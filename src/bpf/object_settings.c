/* What a module says of its object before it is loaded, and the variables that the object has. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/object.h"
#include "guest/bpf.h"

size_t object_variables(struct bpf_object *object, struct object_variable *variables, size_t room)
{
    const struct btf *types = bpf_object__btf(object);
    uint32_t end = types ? btf__type_cnt(types) : 0;
    size_t count = 0;

    for (uint32_t i = 1; i < end; i++) {
        const struct btf_type *section = btf__type_by_id(types, i);
        if (!btf_is_datasec(section))
            continue;
        const char *name = btf__name_by_offset(types, section->name_off);
        struct bpf_map *map = name ? bpf_object__find_map_by_name(object, name) : NULL;
        if (!map || name[0] != '.' || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY)
            continue; /* maps themselves, the licence */
        const struct btf_var_secinfo *info = btf_var_secinfos(section);
        for (uint32_t j = 0; j < btf_vlen(section) && count < room; j++) {
            const struct btf_type *variable = btf__type_by_id(types, info[j].type);
            const char *text = variable ? btf__name_by_offset(types, variable->name_off) : NULL;
            /* One that the types have outside of the section is none. */
            bool inside = (uint64_t)info[j].offset + info[j].size <= bpf_map__value_size(map);
            if (inside && text && *text && strlen(text) <= BROKER_NAME_MAX)
                variables[count++] =
                    (struct object_variable){text, map, info[j].offset, info[j].size};
        }
    }
    return count;
}

static int set_global(struct bpf_object *object, const char *name, const void *data, uint32_t bytes)
{
    static struct object_variable variables[BROKER_VARIABLES_MAX];
    size_t count = object_variables(object, variables, BROKER_VARIABLES_MAX), size;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(variables[i].name, name) != 0)
            continue;
        uint8_t *value = (uint8_t *)(uintptr_t)bpf_map__initial_value(variables[i].map, &size);
        if (!value || bytes != variables[i].bytes || variables[i].at > size ||
            bytes > size - variables[i].at)
            return -EINVAL;
        memcpy(value + variables[i].at, data, bytes);
        return 0;
    }
    return -ENOENT;
}

static int set_one(struct bpf_object *object, const struct broker_setting *setting,
                   const void *data)
{
    struct bpf_program *program;
    struct bpf_map *map;
    uint32_t number = 0;

    if (setting->kind == BROKER_SET_GLOBAL)
        return set_global(object, setting->name, data, setting->data_bytes);
    if (setting->data_bytes != sizeof number)
        return -EINVAL;
    memcpy(&number, data, sizeof number);
    switch (setting->kind) {
    case BROKER_SET_PROGRAM:
        program = bpf_object__find_program_by_name(object, setting->name);
        return program ? bpf_program__set_autoload(program, number != 0) : -ENOENT;
    case BROKER_SET_ENTRIES:
        map = bpf_object__find_map_by_name(object, setting->name);
        return map ? bpf_map__set_max_entries(map, number) : -ENOENT;
    default:
        return -EINVAL;
    }
}

int object_set(struct bpf_object *object, const struct object_settings *settings,
               const char **ret_name)
{
    static struct broker_setting setting;
    size_t at = 0;

    *ret_name = "";
    while (at < settings->size) {
        if (settings->size - at < sizeof setting)
            return -EINVAL;
        memcpy(&setting, settings->bytes + at, sizeof setting);
        setting.name[BROKER_NAME_MAX] = '\0';
        *ret_name = setting.name;
        at += sizeof setting;
        if (setting.data_bytes > settings->size - at)
            return -EINVAL;
        int r = set_one(object, &setting, settings->bytes + at);
        if (r < 0)
            return r;
        at += setting.data_bytes;
    }
    return 0;
}
