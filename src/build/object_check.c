/*
 * The check of an object made of verified IR, before it is linked: nothing in it but code,
 * constants and variables; one function outside, nothing from outside but what proved code may
 * call; relocations that reach its own sections and those functions alone; frames that fit the call
 * stack. Each record is copied out of the bytes, which may be anything.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "build/build_internal.h"
#include "build/stage.h"

#define SECTIONS_MAX 4096
#define SYMBOLS_MAX 65536
#define RELOCATIONS_MAX (1u << 20)
#define FRAMES_MAX 65536
/* What a call puts on the stack beside the frame. */
#define CALL_BYTES 8

#define NATIVE_SYMBOL(name, function, proved) {#name, proved},
static const struct {
    const char *name;
    bool proved;
} outside[] = {
#include "guest/native_symbols.h"
};
#undef NATIVE_SYMBOL

/* Sections that may be there; all that begin so. Only those that are loaded matter to the code. */
static const struct {
    const char *name;
    uint64_t flags; /* of those that are loaded: exactly these, beside merging and strings */
    bool loaded;
} sections[] = {
    {".text", SHF_ALLOC | SHF_EXECINSTR, true},
    {".rodata", SHF_ALLOC, true},
    {".data", SHF_ALLOC | SHF_WRITE, true},
    {".bss", SHF_ALLOC | SHF_WRITE, true},
    {".rela", 0, false},
    {".symtab", 0, false},
    {".strtab", 0, false},
    {".shstrtab", 0, false},
    {".stack_sizes", 0, false},
    {".note.GNU-stack", 0, false},
    {".comment", 0, false},
    {".llvm_addrsig", 0, false},
};

struct object {
    const uint8_t *data;
    size_t size;
    Elf64_Ehdr head;
    Elf64_Shdr names;
    Elf64_Shdr symbols;
    uint64_t symbol_count;
    uint64_t static_bytes, stack_bytes;
    uint32_t entries;
    bool calls_out;
    char calls[ALLOW_CALLS_BYTES];
    struct err *err;
};

static int refuse(struct object *object, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(struct object *object, const char *format, ...)
{
    char reason[256];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return err_say(object->err, -ENOEXEC, "cannot use the code of a proved function: %s", reason);
}

static const uint8_t *bytes_at(const struct object *object, uint64_t offset, uint64_t size)
{
    if (offset > object->size || size > object->size - offset)
        return NULL;
    return object->data + offset;
}

static bool section_get(const struct object *object, uint64_t index, Elf64_Shdr *ret_section)
{
    const uint8_t *at =
        bytes_at(object, object->head.e_shoff + index * sizeof *ret_section, sizeof *ret_section);

    if (!at || index >= object->head.e_shnum)
        return false;
    memcpy(ret_section, at, sizeof *ret_section);
    return true;
}

/* A text in a section of texts, or NULL. */
static const char *text_at(const struct object *object, const Elf64_Shdr *texts, uint64_t at)
{
    const char *bytes = (const char *)bytes_at(object, texts->sh_offset, texts->sh_size);

    if (!bytes || texts->sh_type != SHT_STRTAB || at >= texts->sh_size ||
        !memchr(bytes + at, '\0', texts->sh_size - at))
        return NULL;
    return bytes + at;
}

static int header_check(struct object *object)
{
    static const uint8_t ident[] = {ELFMAG0,    ELFMAG1,     ELFMAG2,    ELFMAG3,
                                    ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE};
    Elf64_Ehdr *head = &object->head;

    if (object->size < sizeof *head)
        return refuse(object, "it is not an ELF file");
    memcpy(head, object->data, sizeof *head);
    if (memcmp(head->e_ident, ident, sizeof ident) != 0 || head->e_type != ET_REL ||
        head->e_machine != EM_X86_64 || head->e_shentsize != sizeof(Elf64_Shdr))
        return refuse(object, "it is not an object for x86-64");
    if (head->e_shnum == 0 || head->e_shnum > SECTIONS_MAX || head->e_shoff > object->size ||
        !section_get(object, head->e_shstrndx, &object->names))
        return refuse(object, "its sections are not where it says");
    return 0;
}

/* Which row of `sections` it is of: its name, or its name, a point and more. -1: none. */
static int row_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        size_t length = strlen(sections[i].name);
        if (strncmp(name, sections[i].name, length) == 0 &&
            (name[length] == '\0' || name[length] == '.'))
            return (int)i;
    }
    return -1;
}

static int section_check(struct object *object, const Elf64_Shdr *section)
{
    const uint64_t merge = SHF_MERGE | SHF_STRINGS | SHF_INFO_LINK | SHF_LINK_ORDER;
    const char *name = text_at(object, &object->names, section->sh_name);
    int row = name ? row_of(name) : -1;

    if (section->sh_type == SHT_NULL)
        return 0;
    if (row < 0)
        return refuse(object, "it has the section '%.64s'", name ? name : "?");
    if (section->sh_type != SHT_NOBITS && !bytes_at(object, section->sh_offset, section->sh_size))
        return refuse(object, "the section '%.64s' is behind its end", name);
    uint64_t flags = section->sh_flags & ~merge;
    /* Constants that are relocated are made read-only after linking. */
    bool relro = strncmp(name, ".data.rel.ro", 12) == 0;
    if (sections[row].loaded ? flags != sections[row].flags : (flags & SHF_ALLOC) != 0)
        return refuse(object, "the section '%.64s' has the flags 0x%llx", name,
                      (unsigned long long)section->sh_flags);
    if (sections[row].loaded && section->sh_type != SHT_PROGBITS && section->sh_type != SHT_NOBITS)
        return refuse(object, "the section '%.64s' is of type %u", name, section->sh_type);
    if ((flags & SHF_WRITE) && !relro &&
        __builtin_add_overflow(object->static_bytes, section->sh_size, &object->static_bytes))
        return refuse(object, "its variables are too large");
    if (section->sh_type != SHT_SYMTAB)
        return 0;
    if (object->symbol_count > 0 || section->sh_entsize != sizeof(Elf64_Sym) ||
        section->sh_size / sizeof(Elf64_Sym) > SYMBOLS_MAX)
        return refuse(object, "it has two tables of symbols, or a large one");
    object->symbols = *section;
    object->symbol_count = section->sh_size / sizeof(Elf64_Sym);
    return 0;
}

static bool may_call(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        if (outside[i].proved && strcmp(outside[i].name, name) == 0)
            return true;
    return false;
}

static int symbol_check(struct object *object, const Elf64_Sym *symbol, const char *name)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info), bind = ELF64_ST_BIND(symbol->st_info);

    if (type == STT_GNU_IFUNC || type == STT_TLS)
        return refuse(object, "'%.64s' is an indirect function, or of a thread", name);
    if (symbol->st_shndx == SHN_UNDEF) {
        const struct allow_entry *entry = allow_find_native(name);
        if (entry && entry->layer != ALLOW_BASE)
            object->calls_out = true;
        allow_calls_add(object->calls, name);
    }
    if (symbol->st_shndx == SHN_UNDEF && name[0])
        return may_call(name)
                   ? 0
                   : refuse(object, "it needs '%.64s', which proved code can't have", name);
    if (symbol->st_shndx >= SHN_LORESERVE && symbol->st_shndx != SHN_ABS)
        return refuse(object, "'%.64s' is in no section", name);
    if (bind == STB_LOCAL)
        return 0;
    if (bind != STB_GLOBAL || type != STT_FUNC || strcmp(name, STAGE_PROVED_ENTRY) != 0)
        return refuse(object, "it defines '%.64s' for others", name);
    object->entries++;
    return 0;
}

static int symbols_check(struct object *object)
{
    Elf64_Shdr texts;
    const uint8_t *at = bytes_at(object, object->symbols.sh_offset, object->symbols.sh_size);

    if (!at || !section_get(object, object->symbols.sh_link, &texts))
        return refuse(object, "its symbols are not where it says");
    for (uint64_t i = 1; i < object->symbol_count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, at + i * sizeof symbol, sizeof symbol);
        const char *name = text_at(object, &texts, symbol.st_name);
        if (!name)
            return refuse(object, "the name of a symbol is behind its end");
        int r = symbol_check(object, &symbol, name);
        if (r < 0)
            return r;
    }
    if (object->entries != 1)
        return refuse(object, "it has no '%s'", STAGE_PROVED_ENTRY);
    return 0;
}

static int relocation_check(struct object *object, const Elf64_Rela *relocation)
{
    switch (ELF64_R_TYPE(relocation->r_info)) {
    case R_X86_64_64:
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
    case R_X86_64_PC64:
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
        break;
    default:
        return refuse(object, "it has a relocation of type %u",
                      (unsigned)ELF64_R_TYPE(relocation->r_info));
    }
    if (ELF64_R_SYM(relocation->r_info) >= object->symbol_count)
        return refuse(object, "a relocation names no symbol");
    return 0;
}

static int relocations_check(struct object *object, const Elf64_Shdr *section)
{
    uint64_t count = section->sh_size / sizeof(Elf64_Rela);
    const uint8_t *at = bytes_at(object, section->sh_offset, section->sh_size);

    if (section->sh_type == SHT_REL)
        return refuse(object, "it has relocations without addends");
    if (section->sh_type != SHT_RELA)
        return 0;
    if (!at || section->sh_entsize != sizeof(Elf64_Rela) || count > RELOCATIONS_MAX)
        return refuse(object, "its relocations are not where it says");
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Rela relocation;
        memcpy(&relocation, at + i * sizeof relocation, sizeof relocation);
        int r = relocation_check(object, &relocation);
        if (r < 0)
            return r;
    }
    return 0;
}

/*
 * .stack_sizes: for each function its address (8 bytes, relocated) and its frame (ULEB128). There
 * is no recursion: no function is twice on the stack, so that all of them together are enough.
 */
static int frames_add(struct object *object, const Elf64_Shdr *section)
{
    const uint8_t *at = bytes_at(object, section->sh_offset, section->sh_size);
    uint64_t size = section->sh_size, done = 0, functions = 0;

    while (at && done < size) {
        uint64_t frame = 0;
        unsigned shift = 0;
        bool more = true;
        if (size - done < 9 || ++functions > FRAMES_MAX)
            return refuse(object, "its frames are not as they should be");
        for (done += 8; more && done < size && shift < 63; done++, shift += 7) {
            frame |= (uint64_t)(at[done] & 0x7f) << shift;
            more = at[done] & 0x80;
        }
        if (more ||
            __builtin_add_overflow(object->stack_bytes, frame + CALL_BYTES, &object->stack_bytes))
            return refuse(object, "its frames are not as they should be");
    }
    return 0;
}

static int frames_check(struct object *object, uint64_t stack_max)
{
    bool found = false;

    for (uint64_t i = 0; i < object->head.e_shnum; i++) {
        Elf64_Shdr section;
        if (!section_get(object, i, &section))
            return refuse(object, "its sections are not where it says");
        const char *name = text_at(object, &object->names, section.sh_name);
        if (!name || strcmp(name, ".stack_sizes") != 0)
            continue;
        found = true;
        int r = frames_add(object, &section);
        if (r < 0)
            return r;
    }
    if (!found)
        return refuse(object, "it does not say how large its frames are");
    if (object->stack_bytes > stack_max)
        return refuse(object, "its frames take %llu bytes, the stack has %llu",
                      (unsigned long long)object->stack_bytes, (unsigned long long)stack_max);
    return 0;
}

int object_check(const void *bytes, size_t size, uint64_t stack_max, struct object_facts *ret_facts,
                 struct err *err)
{
    struct object object = {.data = bytes, .size = size, .err = err};
    Elf64_Shdr section;

    int r = header_check(&object);
    for (uint64_t i = 0; r == 0 && i < object.head.e_shnum; i++)
        r = section_get(&object, i, &section)
                ? section_check(&object, &section)
                : refuse(&object, "its sections are not where it says");
    if (r == 0)
        r = symbols_check(&object);
    for (uint64_t i = 0; r == 0 && i < object.head.e_shnum; i++)
        r = section_get(&object, i, &section)
                ? relocations_check(&object, &section)
                : refuse(&object, "its sections are not where it says");
    if (r == 0)
        r = frames_check(&object, stack_max);
    if (r < 0)
        return r;
    *ret_facts = (struct object_facts){.static_bytes = object.static_bytes,
                                       .stack_bytes = object.stack_bytes,
                                       .calls_out = object.calls_out};
    memcpy(ret_facts->calls, object.calls, sizeof ret_facts->calls);
    return r;
}
