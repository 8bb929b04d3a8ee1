/*
 * What a library exports, what it leaves undefined, and its relocations: the lists are the guest's,
 * one for translated code and one for native code.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "allow/allow.h"
#include "base/cleanup.h"
#include "build/elf_check.h"
#include "guest/library.h"

#define EXPORT_NAME_MAX 127

static const char face_name[] = LIBRARY_SYMBOL;

/* What it may leave undefined: translated from WebAssembly, and native. */
#undef LIBRARY_SYMBOL
#define LIBRARY_SYMBOL(name) #name,
static const char *const listed_symbols[] = {
#include "guest/library_symbols.h"
};
#undef LIBRARY_SYMBOL
#define NATIVE_SYMBOL(name, function, proved) {#name, sizeof #name - 1, proved},
static const struct native_symbol {
    const char *name;
    size_t length;
    bool proved; /* so may one that is proved */
} native_symbols[] = {
#include "guest/native_symbols.h"
};
#undef NATIVE_SYMBOL

/* Each name that is exported is looked up: those of another length are told apart without a call.
 */
static const struct native_symbol *native_symbol(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(native_symbols); i++)
        if (native_symbols[i].length == length && memcmp(name, native_symbols[i].name, length) == 0)
            return &native_symbols[i];
    return NULL;
}

static bool is_native(const struct elf *elf)
{
    return strcmp(elf->note.safety, "sfi") != 0;
}

static bool symbol_is_listed(const struct elf *elf, const char *name)
{
    bool proved = strcmp(elf->note.safety, "proved") == 0;

    /* Of a library that is linked with it, now or later; the linker finds it, or nobody has it. */
    if (!proved && is_native(elf) &&
        (elf->note.demands.link || elf->note.demands.dependency_count > 0))
        return true;
    if (is_native(elf)) {
        const struct native_symbol *known = native_symbol(name, strlen(name));
        return known && (known->proved || !proved);
    }
    for (size_t i = 0; i < ARRAY_LEN(listed_symbols); i++)
        if (strcmp(name, listed_symbols[i]) == 0)
            return true;
    return false;
}

/* Whole in the segment, as it is in memory. */
static bool lies_in(const Elf64_Phdr *load, const Elf64_Sym *symbol)
{
    return symbol->st_value >= load->p_vaddr && symbol->st_value - load->p_vaddr < load->p_memsz &&
           symbol->st_size <= load->p_memsz - (symbol->st_value - load->p_vaddr);
}

/* A function or variable that native code exports for other libraries: a plain name, in the code or
 * in data. */
static int export_check(struct elf *elf, const Elf64_Sym *symbol, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t length = strlen(name);
    bool function = ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;

    if (!is_native(elf) || (!function && ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT) ||
        length == 0 || length > EXPORT_NAME_MAX || strspn(name, letters) != length)
        return elf_refuse(elf, "it exports '%.64s'", name);
    if (native_symbol(name, length))
        return elf_refuse(elf, "it exports '%.64s', which is the guest's", name);
    for (size_t i = 0; i < elf->load_count; i++) {
        const Elf64_Phdr *load = &elf->load[i];
        if (((load->p_flags & PF_X) != 0) == function && lies_in(load, symbol))
            return 0;
    }
    return elf_refuse(elf, "its symbol '%.64s' is not in its %s", name, function ? "code" : "data");
}

/* The one symbol that each exports: a struct library_face in a segment. */
static int face_check(struct elf *elf, const Elf64_Sym *symbol, const char *name)
{
    if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT ||
        symbol->st_size != sizeof(struct library_face) || symbol->st_value % 8 != 0 ||
        symbol->st_shndx >= elf->head.e_shnum ||
        !elf_mapped(elf, symbol->st_value, sizeof(struct library_face)))
        return elf_refuse(elf, "its symbol '%s' is not the face of a library", name);
    return 0;
}

static int symbol_check(struct elf *elf, const Elf64_Sym *symbol, const char *name,
                        size_t *face_count)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    unsigned bind = ELF64_ST_BIND(symbol->st_info);

    if (type == STT_GNU_IFUNC)
        return elf_refuse(elf, "'%.64s' is an indirect function", name);
    if (type == STT_TLS)
        return elf_refuse(elf, "'%.64s' is thread-local", name);
    if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC)
        return elf_refuse(elf, "'%.64s' is of unknown type %u", name, type);
    if (bind != STB_GLOBAL)
        return elf_refuse(elf, "'%.64s' is not a global symbol", name);
    if (symbol->st_shndx != SHN_UNDEF && strcmp(name, face_name) != 0)
        return export_check(elf, symbol, name);
    if (symbol->st_shndx != SHN_UNDEF) {
        ++*face_count;
        return face_check(elf, symbol, name);
    }
    if (!symbol_is_listed(elf, name))
        return elf_refuse(elf, "it needs '%.64s', which is not on the list", name);
    if (strcmp(elf->note.safety, "proved") == 0)
        allow_calls_add(elf->note.calls, name);
    return 0;
}

int elf_symbols_check(struct elf *elf)
{
    const uint8_t *p =
        elf_mapped_constant(elf, elf->symbols, elf->symbol_count * sizeof(Elf64_Sym));
    const char *strings = (const char *)elf_mapped_constant(elf, elf->strings, elf->strings_size);
    size_t face_count = 0;

    if (!p)
        return elf_refuse(elf, "its dynamic symbols are not in a segment");
    if (!strings || elf->strings_size == 0 || strings[elf->strings_size - 1] != '\0')
        return elf_refuse(elf, "the names of its symbols are not in a segment");
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, p + i * sizeof symbol, sizeof symbol);
        if (symbol.st_name >= elf->strings_size)
            return elf_refuse(elf, "the name of a symbol is behind the names");
        int r = symbol_check(elf, &symbol, strings + symbol.st_name, &face_count);
        if (r < 0)
            return r;
    }
    if (face_count != 1)
        return elf_refuse(elf, "it exports %zu faces, not the one %s", face_count, face_name);
    return 0;
}

static bool address_is_writable(const struct elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->load_count; i++) {
        const Elf64_Phdr *load = &elf->load[i];
        if ((load->p_flags & PF_W) && address >= load->p_vaddr &&
            load->p_memsz >= sizeof(uint64_t) &&
            address - load->p_vaddr <= load->p_memsz - sizeof(uint64_t))
            return true;
    }
    return false;
}

/* Does the word at `address` overlap the dynamic section, which a linker reads in place? */
static bool address_is_dynamic(const struct elf *elf, uint64_t address)
{
    return address + sizeof(uint64_t) > elf->dynamic.p_vaddr &&
           address < elf->dynamic.p_vaddr + elf->dynamic.p_filesz;
}

static int relocation_check(struct elf *elf, const Elf64_Rela *relocation)
{
    uint32_t type = ELF64_R_TYPE(relocation->r_info);
    uint32_t symbol = ELF64_R_SYM(relocation->r_info);

    if (!address_is_writable(elf, relocation->r_offset) ||
        address_is_dynamic(elf, relocation->r_offset))
        return elf_refuse(elf, "a relocation at 0x%llx is not in writable data",
                          (unsigned long long)relocation->r_offset);
    switch (type) {
    case R_X86_64_RELATIVE:
        if (symbol != 0 || relocation->r_addend < 0 ||
            (uint64_t)relocation->r_addend > elf->image_end)
            return elf_refuse(elf, "a relocation points outside it");
        return 0;
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT:
        /* With an addend a listed symbol would be the way to code that is not on the list. */
        if (symbol == 0 || symbol >= elf->symbol_count || relocation->r_addend != 0)
            return elf_refuse(elf, "a relocation names no symbol, or has an addend");
        return 0;
    case R_X86_64_IRELATIVE:
        return elf_refuse(elf, "it has an indirect function");
    case R_X86_64_COPY:
        return elf_refuse(elf, "it has a copy relocation");
    case R_X86_64_DTPMOD64:
    case R_X86_64_DTPOFF64:
    case R_X86_64_TPOFF64:
    case R_X86_64_TLSDESC:
        return elf_refuse(elf, "it has thread-local storage");
    default:
        return elf_refuse(elf, "it has a relocation of the unknown type %u", type);
    }
}

int elf_relocations_check(struct elf *elf)
{
    for (size_t k = 0; k < ARRAY_LEN(elf->relocations); k++) {
        uint64_t bytes = elf->relocations_size[k];
        if (bytes == 0)
            continue;
        const uint8_t *p = elf_mapped_constant(elf, elf->relocations[k], bytes);
        if (!p || bytes % sizeof(Elf64_Rela) != 0)
            return elf_refuse(elf, "its relocations are not in a segment");
        for (uint64_t at = 0; at < bytes; at += sizeof(Elf64_Rela)) {
            Elf64_Rela relocation;
            memcpy(&relocation, p + at, sizeof relocation);
            int r = relocation_check(elf, &relocation);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
