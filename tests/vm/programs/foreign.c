/*
 * foreign: a scheduler that is not vireo's: loads a table of sched_ext without any program (the
 * kernel's defaults: one queue) by the name "foreign", says so, and holds it until it is ended.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "foreign"
#define WITH_LINK (1u << 13)                  /* BPF_F_LINK */
#define STRUCT_OPS ((enum bpf_attach_type)44) /* BPF_STRUCT_OPS */

/* Where a structure has a member, in bytes. */
static unsigned member(const struct btf *btf, int structure, const char *name)
{
    const struct btf_type *type = btf__type_by_id(btf, (unsigned)structure);

    for (unsigned i = 0; i < btf_vlen(type); i++)
        if (strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), name) == 0)
            return btf_members(type)[i].offset / 8;
    abort();
}

int main(void)
{
    struct btf *btf = btf__load_vmlinux_btf();
    int table = btf__find_by_name_kind(btf, "sched_ext_ops", BTF_KIND_STRUCT);
    int value = btf__find_by_name_kind(btf, "bpf_struct_ops_sched_ext_ops", BTF_KIND_STRUCT);
    const unsigned zero = 0;

    if (table < 0 || value < 0)
        return 1;
    unsigned size = btf__type_by_id(btf, (unsigned)value)->size;
    char *bytes = calloc(1, size);
    strcpy(bytes + member(btf, value, "data") + member(btf, table, "name"), NAME);
    /* A table's map wants types of its own too: any. */
    struct btf *own = btf__new_empty();
    if (btf__add_int(own, "int", 4, BTF_INT_SIGNED) < 0 || btf__load_into_kernel(own) < 0) {
        perror(NAME);
        return 1;
    }
    LIBBPF_OPTS(bpf_map_create_opts, create, .map_flags = WITH_LINK,
                .btf_fd = (unsigned)btf__fd(own), .btf_vmlinux_value_type_id = (unsigned)value);
    int map = bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, NAME, 4, size, 1, &create);
    if (map < 0 || bpf_map_update_elem(map, &zero, bytes, BPF_ANY) < 0 ||
        bpf_link_create(map, 0, STRUCT_OPS, NULL) < 0) {
        perror(NAME);
        return 1;
    }
    puts("loaded");
    fflush(stdout);
    pause();
    return 0;
}
