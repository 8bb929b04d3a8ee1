/*
 * The types of a source, from its debug information (DWARF 4, by libdw). A module has the same
 * sections as an ELF file, and libdw reads ELF: so they are put into one, which has nothing else.
 *
 * A type is a text that says the same for what is laid out the same. Structures are told by their
 * tags where they are used, and by their fields once.
 */
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/layout.h"

/* Of pointers to arrays of functions ...; and of blocks in blocks. */
#define DEPTH_MAX 32
#define TYPE_TEXT_MAX (64u << 10)

static const char *const section_names[] = {".debug_info", ".debug_abbrev", ".debug_str",
                                            ".debug_line", ".debug_ranges"};

/* ---- an ELF file of the sections ---- */

static void *elf_make(const struct layout_module *module, size_t *ret_size)
{
    const size_t count = ARRAY_LEN(section_names) + 2; /* none, theirs, the names' */
    char names[256] = "";
    size_t name_bytes = 1, at = sizeof(Elf32_Ehdr) + count * sizeof(Elf32_Shdr);
    Elf32_Shdr headers[ARRAY_LEN(section_names) + 2] = {{0}};

    for (size_t i = 0; i < ARRAY_LEN(section_names); i++) {
        const struct layout_section *section = layout_section_find(module, 0, section_names[i]);
        headers[i + 1] = (Elf32_Shdr){.sh_name = (Elf32_Word)name_bytes,
                                      .sh_type = SHT_PROGBITS,
                                      .sh_offset = (Elf32_Off)at,
                                      .sh_size = section ? (Elf32_Word)section->size : 0,
                                      .sh_addralign = 1};
        strcpy(names + name_bytes, section_names[i]);
        name_bytes += strlen(section_names[i]) + 1;
        at += headers[i + 1].sh_size;
    }
    strcpy(names + name_bytes, ".shstrtab");
    headers[count - 1] = (Elf32_Shdr){.sh_name = (Elf32_Word)name_bytes,
                                      .sh_type = SHT_STRTAB,
                                      .sh_offset = (Elf32_Off)at,
                                      .sh_size = (Elf32_Word)(name_bytes + sizeof ".shstrtab"),
                                      .sh_addralign = 1};
    *ret_size = at + headers[count - 1].sh_size;
    const Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_shoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_shentsize = sizeof(Elf32_Shdr),
        .e_shnum = (Elf32_Half)count,
        .e_shstrndx = (Elf32_Half)(count - 1),
    };
    uint8_t *elf = calloc(1, *ret_size);
    if (!elf)
        return NULL;
    memcpy(elf, &header, sizeof header);
    memcpy(elf + sizeof header, headers, sizeof headers);
    for (size_t i = 0; i < ARRAY_LEN(section_names); i++) {
        const struct layout_section *section = layout_section_find(module, 0, section_names[i]);
        if (section)
            memcpy(elf + headers[i + 1].sh_offset, module->bytes + section->at, section->size);
    }
    memcpy(elf + headers[count - 1].sh_offset, names, headers[count - 1].sh_size);
    return elf;
}

/* ---- types as texts ---- */

static void type_text(FILE *to, Dwarf_Die *die, int depth, const char *typedef_name);

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
{
    Dwarf_Attribute attribute;

    return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
           dwarf_formref_die(&attribute, ret_type);
}

static uint64_t number_of(Dwarf_Die *die, unsigned name, uint64_t otherwise)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;

    if (!dwarf_attr_integrate(die, name, &attribute) || dwarf_formudata(&attribute, &value) != 0)
        return otherwise;
    return value;
}

static const char *word_of(Dwarf_Die *die)
{
    switch (dwarf_tag(die)) {
    case DW_TAG_structure_type:
        return "struct";
    case DW_TAG_union_type:
        return "union";
    case DW_TAG_enumeration_type:
        return "enum";
    default:
        return NULL;
    }
}

static void type_of_text(FILE *to, Dwarf_Die *die, int depth)
{
    Dwarf_Die type;

    if (type_of(die, &type))
        type_text(to, &type, depth, NULL);
    else
        fputs("void", to);
}

static void fields_text(FILE *to, Dwarf_Die *die, int depth)
{
    Dwarf_Die child;
    bool first = true;

    if (dwarf_child(die, &child) != 0)
        return;
    do {
        const char *name = dwarf_diename(&child);
        if (dwarf_tag(&child) != DW_TAG_member)
            continue;
        fputs(first ? "" : "; ", to);
        first = false;
        type_of_text(to, &child, depth);
        fprintf(to, " %s@%llu", name ? name : "",
                (unsigned long long)number_of(&child, DW_AT_data_member_location, 0));
        uint64_t bits = number_of(&child, DW_AT_bit_size, 0);
        if (bits)
            fprintf(to, ":%llu+%llu", (unsigned long long)bits,
                    (unsigned long long)number_of(&child, DW_AT_data_bit_offset,
                                                  number_of(&child, DW_AT_bit_offset, 0)));
    } while (dwarf_siblingof(&child, &child) == 0);
}

static void arguments_text(FILE *to, Dwarf_Die *die, int depth)
{
    Dwarf_Die child;
    bool first = true;

    fputc('(', to);
    if (dwarf_child(die, &child) == 0)
        do {
            int tag = dwarf_tag(&child);
            if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
                continue;
            fputs(first ? "" : ", ", to);
            first = false;
            if (tag == DW_TAG_unspecified_parameters)
                fputs("...", to);
            else
                type_of_text(to, &child, depth);
        } while (dwarf_siblingof(&child, &child) == 0);
    fputc(')', to);
}

static void array_text(FILE *to, Dwarf_Die *die, int depth)
{
    Dwarf_Die child;

    type_of_text(to, die, depth);
    if (dwarf_child(die, &child) != 0)
        return;
    do {
        if (dwarf_tag(&child) != DW_TAG_subrange_type)
            continue;
        uint64_t count = number_of(&child, DW_AT_count, UINT64_MAX);
        if (count == UINT64_MAX)
            count = number_of(&child, DW_AT_upper_bound, UINT64_MAX) + 1;
        fprintf(to, "[%llu]", (unsigned long long)count);
    } while (dwarf_siblingof(&child, &child) == 0);
}

static void tagged_text(FILE *to, Dwarf_Die *die, int depth, const char *typedef_name)
{
    const char *name = dwarf_diename(die) ? dwarf_diename(die) : typedef_name;
    Dwarf_Die child;

    fprintf(to, "%s ", word_of(die));
    if (name) {
        fputs(name, to);
        return;
    }
    fprintf(to, "%llu{", (unsigned long long)number_of(die, DW_AT_byte_size, 0));
    if (dwarf_tag(die) != DW_TAG_enumeration_type) {
        fields_text(to, die, depth);
    } else if (dwarf_child(die, &child) == 0) {
        /* One that was added changes nothing that is stored. */
        const char *first = dwarf_diename(&child);
        fputs(first ? first : "", to);
    }
    fputc('}', to);
}

static void type_text(FILE *to, Dwarf_Die *die, int depth, const char *typedef_name)
{
    const char *name = dwarf_diename(die);

    if (++depth > DEPTH_MAX || ftell(to) > (long)TYPE_TEXT_MAX) {
        fputs("...", to);
        return;
    }
    switch (dwarf_tag(die)) {
    case DW_TAG_base_type:
        fputs(name ? name : "?", to);
        return;
    case DW_TAG_pointer_type:
        type_of_text(to, die, depth);
        fputc('*', to);
        return;
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
        type_of_text(to, die, depth);
        return;
    case DW_TAG_typedef: {
        Dwarf_Die type;
        if (type_of(die, &type))
            type_text(to, &type, depth, name);
        else
            fputs("void", to);
        return;
    }
    case DW_TAG_array_type:
        array_text(to, die, depth);
        return;
    case DW_TAG_subroutine_type:
        type_of_text(to, die, depth);
        arguments_text(to, die, depth);
        return;
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        tagged_text(to, die, depth, typedef_name);
        return;
    default:
        fprintf(to, "type %d", dwarf_tag(die));
    }
}

/* ---- what there is ---- */

struct reader {
    struct layout_types *types;
    int error;
};

static struct layout_type *add(struct reader *reader)
{
    struct layout_types *types = reader->types;

    if (types->count == types->capacity) {
        size_t capacity = types->capacity ? types->capacity * 2 : 256;
        void *grown = capacity > LAYOUT_SYMBOLS_MAX
                          ? NULL
                          : realloc(types->list, capacity * sizeof *types->list);
        if (!grown) {
            reader->error = capacity > LAYOUT_SYMBOLS_MAX ? -EFBIG : -ENOMEM;
            return NULL;
        }
        types->list = grown;
        types->capacity = capacity;
    }
    struct layout_type *type = &types->list[types->count++];
    *type = (struct layout_type){0};
    return type;
}

/* Adds one whose type `write` says. */
static void add_text(struct reader *reader, Dwarf_Die *die, const struct layout_type *known,
                     const char *name, void (*write)(FILE *to, Dwarf_Die *die))
{
    struct layout_type *type = add(reader);
    size_t size;

    if (!type)
        return;
    *type = *known;
    type->name = strdup(name);
    type->type = NULL;
    FILE *to = open_memstream(&type->type, &size);
    if (to)
        write(to, die);
    if (!to || fclose(to) != 0 || !type->name)
        reader->error = -ENOMEM;
}

static void write_type(FILE *to, Dwarf_Die *die)
{
    type_of_text(to, die, 0);
}

static void write_signature(FILE *to, Dwarf_Die *die)
{
    type_of_text(to, die, 0);
    fputc(' ', to);
    arguments_text(to, die, 0);
}

static void write_fields(FILE *to, Dwarf_Die *die)
{
    fields_text(to, die, 0);
    fprintf(to, "; %llu bytes", (unsigned long long)number_of(die, DW_AT_byte_size, 0));
}

/* The address of a variable that has one for all of its life. */
static bool address_of(Dwarf_Die *die, uint32_t *ret_address)
{
    Dwarf_Attribute attribute;
    Dwarf_Block block;

    *ret_address = 0;
    if (!dwarf_attr(die, DW_AT_location, &attribute) || dwarf_formblock(&attribute, &block) != 0 ||
        (block.length != 5 && block.length != 9) || block.data[0] != DW_OP_addr)
        return false;
    /* Of native code eight bytes; an image is not so large. */
    memcpy(ret_address, block.data + 1, sizeof *ret_address);
    /* What the linker left out has the address of nothing. */
    if (*ret_address >= UINT32_MAX - 1)
        *ret_address = 0;
    return true;
}

static uint32_t size_of(Dwarf_Die *die)
{
    Dwarf_Die type;
    Dwarf_Word size;

    return type_of(die, &type) && dwarf_aggregate_size(&type, &size) == 0 && size < UINT32_MAX
               ? (uint32_t)size
               : 0;
}

/* Whether it can't be written to, or its elements can't. */
static bool is_constant(Dwarf_Die *die)
{
    Dwarf_Die type = *die;

    for (int depth = 0; depth < DEPTH_MAX && type_of(&type, &type); depth++) {
        int tag = dwarf_tag(&type);
        if (tag == DW_TAG_const_type)
            return true;
        if (tag != DW_TAG_typedef && tag != DW_TAG_volatile_type && tag != DW_TAG_array_type)
            return false;
    }
    return false;
}

static void read_variable(struct reader *reader, Dwarf_Die *die, const char *function)
{
    struct layout_type known = {.kind = SYMBOL_VARIABLE, .size = size_of(die)};
    char name[512];

    /* Of a function without a name only what is there: its address says which it is. */
    if (!address_of(die, &known.address) || (function && !*function && !known.address))
        return;
    known.constant = is_constant(die);
    Dwarf_Attribute attribute;
    Dwarf_Die declared;
    Dwarf_Die *named = die;
    if (dwarf_attr(die, DW_AT_specification, &attribute) &&
        dwarf_formref_die(&attribute, &declared))
        named = &declared;
    if (!dwarf_diename(named))
        return; /* a literal's */
    /* As the compiler names a static variable of a function. */
    snprintf(name, sizeof name, "%s%s%s", function ? function : "",
             function && *function ? "." : "", dwarf_diename(named));
    add_text(reader, named, &known, name, write_type);
}

static void read_structure(struct reader *reader, Dwarf_Die *die, const char *typedef_name)
{
    const struct layout_type known = {.kind = SYMBOL_STRUCTURE};
    const char *tag = dwarf_diename(die) ? dwarf_diename(die) : typedef_name;
    char name[300];

    if (!tag || dwarf_hasattr(die, DW_AT_declaration))
        return;
    snprintf(name, sizeof name, "%s %.280s", word_of(die), tag);
    add_text(reader, die, &known, name, write_fields);
}

static void read_children(struct reader *reader, Dwarf_Die *die, const char *function, int depth);

static void read_die(struct reader *reader, Dwarf_Die *die, const char *function, int depth)
{
    Dwarf_Die type;

    switch (dwarf_tag(die)) {
    case DW_TAG_variable:
        read_variable(reader, die, function);
        return;
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        read_structure(reader, die, NULL);
        return;
    case DW_TAG_typedef:
        if (type_of(die, &type) && !dwarf_diename(&type) &&
            (dwarf_tag(&type) == DW_TAG_structure_type || dwarf_tag(&type) == DW_TAG_union_type))
            read_structure(reader, &type, dwarf_diename(die));
        return;
    case DW_TAG_subprogram: {
        const struct layout_type known = {.kind = SYMBOL_FUNCTION,
                                          .external = dwarf_hasattr_integrate(die, DW_AT_external)};
        const char *name = dwarf_diename(die);
        if (dwarf_hasattr(die, DW_AT_declaration))
            return;
        /* LLVM has the statics of a function that it inlined everywhere in one without a name. */
        if (!name) {
            read_children(reader, die, "", depth);
            return;
        }
        /* An inlined one's body refers to it, and is met besides. */
        if (!dwarf_hasattr(die, DW_AT_abstract_origin))
            add_text(reader, die, &known, name, write_signature);
        read_children(reader, die, name, depth);
        return;
    }
    case DW_TAG_lexical_block:
        read_children(reader, die, function, depth);
        return;
    default:
        return;
    }
}

static void read_children(struct reader *reader, Dwarf_Die *die, const char *function, int depth)
{
    Dwarf_Die child;

    if (depth >= DEPTH_MAX || dwarf_child(die, &child) != 0)
        return;
    do
        read_die(reader, &child, function, depth + 1);
    while (reader->error == 0 && dwarf_siblingof(&child, &child) == 0);
}

static void read_units(Dwarf *dwarf, const char *directory, struct reader *reader)
{
    Dwarf_Off at = 0, next;
    size_t header;

    while (reader->error == 0 && dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
        Dwarf_Attribute attribute;
        Dwarf_Die unit;
        const char *where = NULL;
        if (dwarf_offdie(dwarf, at + header, &unit) &&
            dwarf_attr(&unit, DW_AT_comp_dir, &attribute))
            where = dwarf_formstring(&attribute);
        if (where && strcmp(where, directory) == 0)
            read_children(reader, &unit, NULL, 0);
        at = next;
    }
}

int layout_types_read_elf(void *bytes, size_t size, const char *directory,
                          struct layout_types *ret_types, struct err *err)
{
    struct reader reader = {.types = ret_types};

    elf_version(EV_CURRENT);
    Elf *elf = elf_memory(bytes, size);
    Dwarf *dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
    if (dwarf)
        read_units(dwarf, directory, &reader);
    else
        reader.error = -EINVAL;
    dwarf_end(dwarf);
    elf_end(elf);
    return reader.error ? err_set(err, reader.error, "cannot read the source's types") : 0;
}

int layout_types_read(const struct layout_module *module, const char *directory,
                      struct layout_types *ret_types, struct err *err)
{
    size_t size;

    _cleanup_(freep) void *bytes = elf_make(module, &size);
    if (!bytes)
        return err_set(err, -ENOMEM, "cannot read the source's types");
    return layout_types_read_elf(bytes, size, directory, ret_types, err);
}

void layout_types_clear(struct layout_types *types)
{
    for (size_t i = 0; i < types->count; i++) {
        free(types->list[i].name);
        free(types->list[i].type);
    }
    free(types->list);
    *types = (struct layout_types){0};
}
