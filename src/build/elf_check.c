/*
 * The check of a built library. Everything that a linker acts on is on a list here, and what is on
 * no list is refused: kinds of segments, dynamic tags, relocations, symbols. Written against
 * elf.h alone, over bytes that may be anything: each table is taken by table(), which checks its
 * place, and each record is copied out of it.
 *
 * What the code does is not looked at: x86-64 can be entered between its instructions, so that a
 * scan for, say, a system call is neither sound (it may hide in an operand) nor free of false
 * alarms. That the code is what wasm2c and gcc make of a module rests on what those two are given
 * (wasm_check.c, wasm_rewrite.c); the guest's system call filter stands behind it.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "build/elf_check.h"
#include "build/source_image.h"

#define PAGE 4096u
#define IMAGE_MAX (1ull << 30) /* address space that a library may take */
#define SECTIONS_MAX 256

int elf_refuse(struct elf *elf, const char *format, ...)
{
    char reason[256];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return err_say(elf->err, -ENOEXEC, "cannot accept a built library: %s", reason);
}

/* `count` records of `each` bytes at `offset` of the file, or NULL. */
static const uint8_t *table(const struct elf *elf, uint64_t offset, uint64_t count, uint64_t each)
{
    uint64_t bytes, end;

    if (__builtin_mul_overflow(count, each, &bytes) ||
        __builtin_add_overflow(offset, bytes, &end) || end > elf->size)
        return NULL;
    return elf->data + offset;
}

/* The file's bytes behind an address range that lies in one segment, or NULL. */
const uint8_t *elf_mapped(const struct elf *elf, uint64_t address, uint64_t bytes)
{
    for (size_t i = 0; i < elf->load_count; i++) {
        const Elf64_Phdr *load = &elf->load[i];
        if (address < load->p_vaddr || address - load->p_vaddr > load->p_filesz ||
            bytes > load->p_filesz - (address - load->p_vaddr))
            continue;
        return elf->data + load->p_offset + (address - load->p_vaddr);
    }
    return NULL;
}

/* The same for a linker's table: where relocations can't change it after it was checked. */
const uint8_t *elf_mapped_constant(const struct elf *elf, uint64_t address, uint64_t bytes)
{
    for (size_t i = 0; i < elf->load_count; i++)
        if ((elf->load[i].p_flags & PF_W) && address >= elf->load[i].p_vaddr &&
            address - elf->load[i].p_vaddr < elf->load[i].p_memsz)
            return NULL;
    return elf_mapped(elf, address, bytes);
}

static int header_check(struct elf *elf)
{
    static const uint8_t ident[EI_NIDENT] = {ELFMAG0,    ELFMAG1,     ELFMAG2,    ELFMAG3,
                                             ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE};
    Elf64_Ehdr *head = &elf->head;

    if (elf->size > LIBRARY_MAX_BYTES)
        return elf_refuse(elf, "it is larger than %d MiB", LIBRARY_MAX_BYTES >> 20);
    if (elf->size < sizeof *head || memcmp(elf->data, ELFMAG, SELFMAG) != 0)
        return elf_refuse(elf, "it is not an ELF file");
    memcpy(head, elf->data, sizeof *head);
    if (head->e_ident[EI_OSABI] == ELFOSABI_GNU)
        return elf_refuse(elf, "it uses GNU's extensions: an indirect function or unique symbol");
    if (memcmp(head->e_ident, ident, sizeof ident) != 0 || head->e_machine != EM_X86_64 ||
        head->e_version != EV_CURRENT)
        return elf_refuse(elf, "it is not for x86-64 and System V");
    if (head->e_type != ET_DYN)
        return elf_refuse(elf, "it is not a shared object");
    if (head->e_ehsize != sizeof *head || head->e_phentsize != sizeof(Elf64_Phdr) ||
        head->e_shentsize != sizeof(Elf64_Shdr))
        return elf_refuse(elf, "its headers have unknown sizes");
    if (head->e_entry != 0)
        return elf_refuse(elf, "it has an entry point");
    if (head->e_phnum == 0 || head->e_phnum > ELF_SEGMENTS_MAX)
        return elf_refuse(elf, "it has %u segments (1 to %d may be)", head->e_phnum,
                          ELF_SEGMENTS_MAX);
    if (head->e_shnum == 0 || head->e_shnum > SECTIONS_MAX)
        return elf_refuse(elf, "it has %u sections (1 to %d may be)", head->e_shnum, SECTIONS_MAX);
    return 0;
}

/*
 * Code is mapped in whole pages. The pages of an executable segment must lie inside the ELF file
 * (what is behind it, the signature, must not become code) and hold nothing but the segment: the
 * rest of the last page is zero, as ld's -z separate-code leaves it.
 */
static int code_check(struct elf *elf, const Elf64_Phdr *load)
{
    if (load->p_flags & PF_W)
        return elf_refuse(elf, "a segment is writable and executable");
    if (load->p_offset % PAGE != 0 || load->p_filesz != load->p_memsz || load->p_filesz == 0)
        return elf_refuse(elf, "its code does not begin on a page, or is not all in the file");
    uint64_t end = load->p_offset + load->p_filesz;
    uint64_t page_end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (page_end > elf->size)
        return elf_refuse(elf, "the last page of its code goes on behind the file");
    for (uint64_t at = end; at < page_end; at++)
        if (elf->data[at] != 0)
            return elf_refuse(elf, "the last page of its code has other bytes too");
    return 0;
}

static int load_check(struct elf *elf, const Elf64_Phdr *load)
{
    uint64_t end, page = load->p_vaddr & ~(uint64_t)(PAGE - 1);

    if (!table(elf, load->p_offset, load->p_filesz, 1))
        return elf_refuse(elf, "a segment goes on behind the file");
    if (load->p_filesz > load->p_memsz ||
        __builtin_add_overflow(load->p_vaddr, load->p_memsz, &end) || end > IMAGE_MAX)
        return elf_refuse(elf, "a segment has an improper size");
    if (load->p_align != PAGE || load->p_vaddr % PAGE != load->p_offset % PAGE)
        return elf_refuse(elf, "a segment is not aligned to pages");
    if ((load->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X)) || !(load->p_flags & PF_R))
        return elf_refuse(elf, "a segment has improper rights");
    /* Page by page apart, so that no page gets the rights of two segments. */
    if (elf->load_count > 0 && page < elf->image_end)
        return elf_refuse(elf, "segments overlap, share a page or are out of order");
    if (elf->load_count == 0 && page != 0)
        return elf_refuse(elf, "its first segment is not at address 0");
    elf->load[elf->load_count++] = *load;
    elf->image_end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    return load->p_flags & PF_X ? code_check(elf, load) : 0;
}

static int note_segment(struct elf *elf, const Elf64_Phdr *segment)
{
    struct err err = {0};
    const uint8_t *bytes = table(elf, segment->p_offset, segment->p_filesz, 1);

    if (!bytes)
        return elf_refuse(elf, "its notes go on behind the file");
    int r = library_note_parse(bytes, segment->p_filesz, segment->p_align, &elf->note, &err);
    if (r == -ENOENT)
        return 0; /* other tools' notes are in segments of their own */
    if (r < 0)
        return elf_refuse(elf, "%s", err.message);
    if (elf->has_note)
        return elf_refuse(elf, "it has two notes");
    elf->has_note = true;
    return 0;
}

static int segment_check(struct elf *elf, const Elf64_Phdr *segment)
{
    switch (segment->p_type) {
    case PT_LOAD:
        return load_check(elf, segment);
    case PT_NOTE:
        return note_segment(elf, segment);
    case PT_DYNAMIC:
        if (elf->has_dynamic)
            return elf_refuse(elf, "it has two dynamic sections");
        elf->dynamic = *segment;
        elf->has_dynamic = true;
        return 0;
    case PT_GNU_STACK:
        if (segment->p_flags & PF_X)
            return elf_refuse(elf, "it wants an executable stack");
        elf->has_stack = true;
        return 0;
    case PT_NULL:
    case PT_PHDR:
    case PT_GNU_RELRO: /* the guest's linker makes everything relocated read-only by itself */
    case PT_GNU_EH_FRAME:
    case PT_GNU_PROPERTY:
        return 0;
    case PT_INTERP:
        return elf_refuse(elf, "it names an interpreter");
    case PT_TLS:
        return elf_refuse(elf, "it has thread-local storage");
    default:
        return elf_refuse(elf, "it has a segment of unknown type 0x%x", segment->p_type);
    }
}

static int segments_check(struct elf *elf)
{
    const uint8_t *p = table(elf, elf->head.e_phoff, elf->head.e_phnum, sizeof(Elf64_Phdr));

    if (!p)
        return elf_refuse(elf, "its segments' table is behind the file");
    for (size_t i = 0; i < elf->head.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, p + i * sizeof segment, sizeof segment);
        int r = segment_check(elf, &segment);
        if (r < 0)
            return r;
    }
    if (!elf->has_dynamic)
        return elf_refuse(elf, "it has no dynamic section");
    if (!elf->has_stack)
        return elf_refuse(elf, "it does not say that its stack is not executable");
    if (!elf->has_note)
        return elf_refuse(elf, "it has no vireo note");
    return 0;
}

/* The dynamic tags that may be there, where each is kept, and how often. */
static const struct {
    int64_t tag;
    size_t keep;      /* offset in struct elf; 0: nothing is kept */
    uint64_t allowed; /* of a tag that must be this value, or have no bit outside it; 0: any */
} tags[] = {
    {DT_HASH, offsetof(struct elf, hash), 0},
    {DT_GNU_HASH, offsetof(struct elf, gnu_hash), 0},
    {DT_STRTAB, offsetof(struct elf, strings), 0},
    {DT_STRSZ, offsetof(struct elf, strings_size), 0},
    {DT_SYMTAB, offsetof(struct elf, symbols), 0},
    {DT_SYMENT, 0, sizeof(Elf64_Sym)},
    {DT_RELA, offsetof(struct elf, relocations[0]), 0},
    {DT_RELASZ, offsetof(struct elf, relocations_size[0]), 0},
    {DT_RELAENT, 0, sizeof(Elf64_Rela)},
    {DT_RELACOUNT, 0, 0},
    {DT_JMPREL, offsetof(struct elf, relocations[1]), 0},
    {DT_PLTRELSZ, offsetof(struct elf, relocations_size[1]), 0},
    {DT_PLTREL, 0, DT_RELA},
    {DT_PLTGOT, 0, 0},
    {DT_SONAME, 0, 0},
    {DT_SYMBOLIC, 0, 0},
    {DT_BIND_NOW, 0, 0},
    {DT_FLAGS, 0, DF_SYMBOLIC | DF_BIND_NOW},
    {DT_FLAGS_1, 0, DF_1_NOW},
};

/* Names of refused tags that a person may have asked a linker for. */
static const struct {
    int64_t tag;
    const char *what;
} refused_tags[] = {
    {DT_NEEDED, "it needs another library"},   {DT_INIT, "it has a constructor"},
    {DT_INIT_ARRAY, "it has constructors"},    {DT_INIT_ARRAYSZ, "it has constructors"},
    {DT_PREINIT_ARRAY, "it has constructors"}, {DT_FINI, "it has a destructor"},
    {DT_FINI_ARRAY, "it has destructors"},     {DT_FINI_ARRAYSZ, "it has destructors"},
    {DT_TEXTREL, "it has text relocations"},   {DT_RPATH, "it has a search path"},
    {DT_RUNPATH, "it has a search path"},      {DT_VERNEED, "it needs versions of symbols"},
    {DT_VERSYM, "it has versions of symbols"}, {DT_VERDEF, "it has versions of symbols"},
    {DT_RELR, "it has packed relocations"},    {DT_REL, "it has relocations without addends"},
    {DT_AUXILIARY, "it names a filter"},       {DT_FILTER, "it names a filter"},
};

static int tag_check(struct elf *elf, const Elf64_Dyn *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (tags[i].tag != entry->d_tag)
            continue;
        if (elf->tags_seen & (1ull << i))
            return elf_refuse(elf, "its dynamic tag 0x%llx is there twice",
                              (long long)entry->d_tag);
        elf->tags_seen |= 1ull << i;
        if (tags[i].keep)
            memcpy((char *)elf + tags[i].keep, &entry->d_un.d_val, sizeof(uint64_t));
        bool is_flags = entry->d_tag == DT_FLAGS || entry->d_tag == DT_FLAGS_1;
        if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL))
            return elf_refuse(elf, "it has text relocations");
        if (is_flags ? (entry->d_un.d_val & ~tags[i].allowed) != 0
                     : tags[i].allowed && entry->d_un.d_val != tags[i].allowed)
            return elf_refuse(elf, "its dynamic tag 0x%llx has the improper value 0x%llx",
                              (long long)entry->d_tag, (long long)entry->d_un.d_val);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(refused_tags); i++)
        if (refused_tags[i].tag == entry->d_tag)
            return elf_refuse(elf, "%s", refused_tags[i].what);
    return elf_refuse(elf, "it has the unknown dynamic tag 0x%llx", (long long)entry->d_tag);
}

static int dynamic_check(struct elf *elf)
{
    uint64_t count = elf->dynamic.p_filesz / sizeof(Elf64_Dyn);
    const uint8_t *p = elf_mapped(elf, elf->dynamic.p_vaddr, elf->dynamic.p_filesz);

    if (!p || elf->dynamic.p_filesz % sizeof(Elf64_Dyn) != 0)
        return elf_refuse(elf, "its dynamic section is not in a segment");
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Dyn entry;
        memcpy(&entry, p + i * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL)
            return 0;
        int r = tag_check(elf, &entry);
        if (r < 0)
            return r;
    }
    return elf_refuse(elf, "its dynamic section has no end");
}

/* Sections are not mapped, but what they declare must not contradict; and .dynsym is counted here.
 */
static int section_check(struct elf *elf, const Elf64_Shdr *section)
{
    const uint64_t code_and_data = SHF_WRITE | SHF_EXECINSTR;

    if (section->sh_type != SHT_NOBITS && section->sh_type != SHT_NULL &&
        !table(elf, section->sh_offset, section->sh_size, 1))
        return elf_refuse(elf, "a section goes on behind the file");
    if ((section->sh_flags & code_and_data) == code_and_data)
        return elf_refuse(elf, "a section is writable and executable");
    if (section->sh_flags & SHF_TLS)
        return elf_refuse(elf, "it has thread-local storage");
    switch (section->sh_type) {
    case SHT_INIT_ARRAY:
    case SHT_FINI_ARRAY:
    case SHT_PREINIT_ARRAY:
        return elf_refuse(elf, "it has constructors or destructors");
    case SHT_GNU_verdef:
    case SHT_GNU_verneed:
    case SHT_GNU_versym:
        return elf_refuse(elf, "it has versions of symbols");
    case SHT_DYNSYM:
        if (elf->symbol_count != 0)
            return elf_refuse(elf, "it has two tables of dynamic symbols");
        if (section->sh_entsize != sizeof(Elf64_Sym) || section->sh_addr != elf->symbols ||
            section->sh_size % sizeof(Elf64_Sym) != 0 || section->sh_size == 0 ||
            section->sh_size / sizeof(Elf64_Sym) > ELF_SYMBOLS_MAX)
            return elf_refuse(elf, "its dynamic symbols have an improper size or place");
        elf->symbol_count = (uint32_t)(section->sh_size / sizeof(Elf64_Sym));
        return 0;
    default:
        return 0;
    }
}

static int sections_check(struct elf *elf)
{
    const uint8_t *p = table(elf, elf->head.e_shoff, elf->head.e_shnum, sizeof(Elf64_Shdr));

    if (!p)
        return elf_refuse(elf, "its sections' table is behind the file");
    for (size_t i = 0; i < elf->head.e_shnum; i++) {
        Elf64_Shdr section;
        memcpy(&section, p + i * sizeof section, sizeof section);
        int r = section_check(elf, &section);
        if (r < 0)
            return r;
    }
    if (elf->symbol_count == 0)
        return elf_refuse(elf, "it has no dynamic symbols");
    /* A linker that counts by the hash table must find the same symbols. */
    if (elf->hash) {
        uint32_t counts[2];
        const uint8_t *hash = elf_mapped_constant(elf, elf->hash, sizeof counts);
        if (!hash)
            return elf_refuse(elf, "its hash table is not in a segment");
        memcpy(counts, hash, sizeof counts);
        if (counts[1] != elf->symbol_count)
            return elf_refuse(elf, "its hash table has another count of symbols");
    }
    return 0;
}

int library_check(const void *elf_bytes, size_t size, struct library_note *ret_note,
                  struct err *err)
{
    /* Each step stands on what those before it have checked. */
    static int (*const steps[])(struct elf *) = {
        header_check,   segments_check,    dynamic_check,
        sections_check, elf_symbols_check, elf_relocations_check,
    };
    struct elf elf = {.data = elf_bytes, .size = size, .err = err};

    if (source_image_is(elf_bytes, size))
        return source_image_check(elf_bytes, size, ret_note, err);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        int r = steps[i](&elf);
        if (r < 0)
            return r;
    }
    *ret_note = elf.note;
    return 0;
}
