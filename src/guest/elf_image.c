/*
 * Reads an ELF64 x86-64 shared object that nobody is trusted to have made right. All arithmetic is
 * on 64-bit unsigned numbers with overflow checked; everything is read from the sealed file, not
 * from memory that a relocation may have changed. ELF: System V ABI and its x86-64 supplement.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/linker_internal.h"

#define PAGE 4096ull
#define PROGRAM_HEADERS_MAX 16
#define SECTIONS_MAX 128

static int refuse(struct err *err, const char *cause)
{
    return err_say(err, -ENOEXEC, "cannot link library: %s", cause);
}

/* `count` items of `item` bytes at `offset` of the file, or NULL. */
static const void *file_at(const struct elf_image *image, uint64_t offset, uint64_t count,
                           uint64_t item)
{
    uint64_t bytes, end;

    if (__builtin_mul_overflow(count, item, &bytes) ||
        __builtin_add_overflow(offset, bytes, &end) || end > image->file_bytes)
        return NULL;
    return image->file + offset;
}

const void *elf_image_at(const struct elf_image *image, uint64_t address, uint64_t bytes)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (address >= segment->p_vaddr && address - segment->p_vaddr <= segment->p_filesz &&
            bytes <= segment->p_filesz - (address - segment->p_vaddr))
            return image->file + segment->p_offset + (address - segment->p_vaddr);
    }
    return NULL;
}

bool elf_image_writable(const struct elf_image *image, uint64_t address, uint64_t bytes)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if ((segment->p_flags & PF_W) && address >= segment->p_vaddr &&
            address - segment->p_vaddr <= segment->p_memsz &&
            bytes <= segment->p_memsz - (address - segment->p_vaddr))
            return true;
    }
    return false;
}

const char *elf_string(const char *table, uint64_t table_bytes, uint64_t at)
{
    if (!table || at >= table_bytes || !memchr(table + at, '\0', table_bytes - at))
        return NULL;
    return table + at;
}

static int read_header(struct elf_image *image, Elf64_Ehdr *ret_header, struct err *err)
{
    if (image->file_bytes < sizeof *ret_header)
        return refuse(err, "it is shorter than an ELF header");
    memcpy(ret_header, image->file, sizeof *ret_header);
    if (memcmp(ret_header->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(err, "it is not an ELF file");
    if (ret_header->e_ident[EI_CLASS] != ELFCLASS64 ||
        ret_header->e_ident[EI_DATA] != ELFDATA2LSB || ret_header->e_machine != EM_X86_64)
        return refuse(err, "it is not for x86-64");
    if (ret_header->e_ident[EI_VERSION] != EV_CURRENT || ret_header->e_version != EV_CURRENT ||
        ret_header->e_ident[EI_OSABI] != ELFOSABI_NONE)
        return refuse(err, "it has another ELF version or system");
    if (ret_header->e_type != ET_DYN)
        return refuse(err, "it is not a shared object");
    return 0;
}

static int add_segment(struct elf_image *image, const Elf64_Phdr *segment, struct err *err)
{
    uint64_t end;

    if (segment->p_memsz == 0)
        return 0; /* ld leaves one when there are no constants */
    if (image->segment_count == IMAGE_SEGMENTS_MAX)
        return refuse(err, "it has too many segments");
    if (!file_at(image, segment->p_offset, segment->p_filesz, 1))
        return refuse(err, "a segment lies outside of the file");
    if (segment->p_filesz > segment->p_memsz ||
        __builtin_add_overflow(segment->p_vaddr, segment->p_memsz, &end) || end > IMAGE_BYTES_MAX)
        return refuse(err, "a segment has a bad size");
    if (segment->p_vaddr % PAGE != segment->p_offset % PAGE)
        return refuse(err, "a segment is not aligned");
    /* Ascending, no page in two segments: mapping one never covers another. */
    if (segment->p_vaddr / PAGE * PAGE < image->span)
        return refuse(err, "segments overlap");
    if (segment->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X) || !(segment->p_flags & PF_R))
        return refuse(err, "a segment has unknown flags");
    if ((segment->p_flags & PF_W) && (segment->p_flags & PF_X))
        return refuse(err, "a segment is writable and executable");
    if (segment->p_filesz < segment->p_memsz && !(segment->p_flags & PF_W))
        return refuse(err, "a read-only segment is longer than its bytes");
    if (segment->p_flags & PF_X) {
        if (image->text_end)
            return refuse(err, "it has two executable segments");
        image->text_start = segment->p_vaddr;
        image->text_end = end;
    }
    image->segments[image->segment_count++] = *segment;
    image->span = (end + PAGE - 1) / PAGE * PAGE;
    return 0;
}

static int set_relro(struct elf_image *image, const Elf64_Phdr *header, struct err *err)
{
    uint64_t end;

    if (image->relro_end)
        return refuse(err, "it has two RELRO segments");
    if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &end) || header->p_memsz == 0 ||
        end % PAGE != 0)
        return refuse(err, "its RELRO segment does not end with a page");
    image->relro_start = header->p_vaddr / PAGE * PAGE;
    image->relro_end = end;
    return 0;
}

/* Inside the pages of one writable segment: mprotect() then touches nothing else. */
static int check_relro(const struct elf_image *image, struct err *err)
{
    if (!image->relro_end)
        return 0;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        uint64_t start = segment->p_vaddr / PAGE * PAGE;
        uint64_t end = (segment->p_vaddr + segment->p_memsz + PAGE - 1) / PAGE * PAGE;
        if ((segment->p_flags & PF_W) && image->relro_start >= start && image->relro_end <= end)
            return 0;
    }
    return refuse(err, "its RELRO segment is not in its data");
}

/* Fills the segments; *ret_dynamic is the PT_DYNAMIC header. */
static int read_segments(struct elf_image *image, const Elf64_Ehdr *header, Elf64_Phdr *ret_dynamic,
                         struct err *err)
{
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX)
        return refuse(err, "it has bad program headers");
    const uint8_t *table = file_at(image, header->e_phoff, header->e_phnum, sizeof(Elf64_Phdr));
    if (!table)
        return refuse(err, "its program headers lie outside of the file");

    *ret_dynamic = (Elf64_Phdr){0};
    for (uint32_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr one;
        int r = 0;

        memcpy(&one, table + i * sizeof one, sizeof one);
        switch (one.p_type) {
        case PT_LOAD:
            r = add_segment(image, &one, err);
            break;
        case PT_DYNAMIC:
            if (ret_dynamic->p_type)
                return refuse(err, "it has two dynamic tables");
            *ret_dynamic = one;
            break;
        case PT_GNU_RELRO:
            r = set_relro(image, &one, err);
            break;
        case PT_GNU_STACK:
            if (one.p_flags & PF_X)
                r = refuse(err, "it wants an executable stack");
            break;
        case PT_TLS:
            return refuse(err, "it has thread-local storage");
        case PT_INTERP:
            return refuse(err, "it names an interpreter");
        case PT_NULL:
        case PT_NOTE:
        case PT_PHDR:
        case PT_GNU_EH_FRAME:
        case PT_GNU_PROPERTY:
            break;
        default:
            return err_say(err, -ENOEXEC, "cannot link library: unknown program header 0x%x",
                           one.p_type);
        }
        if (r < 0)
            return r;
    }
    if (!image->text_end)
        return refuse(err, "it has no code");
    if (!ret_dynamic->p_type)
        return refuse(err, "it has no dynamic table");
    return check_relro(image, err);
}

/* What a dynamic table may say, each once; the rest is refused by name. */
struct dynamic {
    uint64_t hash, symbols, symbol_item, strings, string_bytes;
    uint64_t rela, rela_bytes, rela_item;
    uint64_t jmprel, jmprel_bytes, jmprel_kind;
    uint64_t plt_got;
    bool bind_now;
};

static const struct {
    int64_t tag;
    const char *cause;
} refused_tags[] = {
    {DT_NEEDED, "it needs another library"},
    {DT_INIT, "it has a constructor (DT_INIT)"},
    {DT_FINI, "it has a destructor (DT_FINI)"},
    {DT_INIT_ARRAY, "it has constructors (DT_INIT_ARRAY)"},
    {DT_FINI_ARRAY, "it has destructors (DT_FINI_ARRAY)"},
    {DT_PREINIT_ARRAY, "it has constructors (DT_PREINIT_ARRAY)"},
    {DT_TEXTREL, "it has text relocations"},
    {DT_REL, "it has relocations without addends"},
    {DT_RPATH, "it has a search path"},
    {DT_RUNPATH, "it has a search path"},
    {DT_VERNEED, "it needs versions of symbols"},
};

static int refuse_tag(int64_t tag, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_tags); i++) {
        if (refused_tags[i].tag == tag)
            return refuse(err, refused_tags[i].cause);
    }
    return err_say(err, -ENOEXEC, "cannot link library: unknown dynamic tag 0x%llx",
                   (unsigned long long)tag);
}

static int take_tag(const Elf64_Dyn *entry, struct dynamic *dynamic, struct err *err)
{
    uint64_t *field = NULL;

    switch (entry->d_tag) {
    case DT_HASH:
        field = &dynamic->hash;
        break;
    case DT_SYMTAB:
        field = &dynamic->symbols;
        break;
    case DT_SYMENT:
        field = &dynamic->symbol_item;
        break;
    case DT_STRTAB:
        field = &dynamic->strings;
        break;
    case DT_STRSZ:
        field = &dynamic->string_bytes;
        break;
    case DT_RELA:
        field = &dynamic->rela;
        break;
    case DT_RELASZ:
        field = &dynamic->rela_bytes;
        break;
    case DT_RELAENT:
        field = &dynamic->rela_item;
        break;
    case DT_JMPREL:
        field = &dynamic->jmprel;
        break;
    case DT_PLTRELSZ:
        field = &dynamic->jmprel_bytes;
        break;
    case DT_PLTREL:
        field = &dynamic->jmprel_kind;
        break;
    case DT_FLAGS:
        if (entry->d_un.d_val & ~(uint64_t)(DF_BIND_NOW | DF_SYMBOLIC))
            return refuse(err, "it has dynamic flags other than BIND_NOW (text relocations, TLS)");
        dynamic->bind_now |= (entry->d_un.d_val & DF_BIND_NOW) != 0;
        return 0;
    case DT_FLAGS_1:
        if (entry->d_un.d_val & ~(uint64_t)(DF_1_NOW | DF_1_NODELETE))
            return refuse(err, "it has dynamic flags other than NOW");
        dynamic->bind_now |= (entry->d_un.d_val & DF_1_NOW) != 0;
        return 0;
    case DT_BIND_NOW:
        dynamic->bind_now = true;
        return 0;
    case DT_PLTGOT:
        field = &dynamic->plt_got;
        break;
    case DT_SONAME:
    case DT_GNU_HASH:
    case DT_RELACOUNT:
    case DT_SYMBOLIC:
        return 0;
    default:
        return refuse_tag(entry->d_tag, err);
    }
    if (*field)
        return refuse(err, "its dynamic table says a thing twice");
    *field = entry->d_un.d_val;
    return 0;
}

static int read_relocations(struct elf_image *image, int which, uint64_t address, uint64_t bytes,
                            struct err *err)
{
    if (bytes == 0)
        return 0;
    image->relocations[which] = elf_image_at(image, address, bytes);
    if (!image->relocations[which] || bytes % sizeof(Elf64_Rela) != 0)
        return refuse(err, "its relocations lie outside of the file");
    image->relocation_count[which] = bytes / sizeof(Elf64_Rela);
    return 0;
}

/* The number of dynamic symbols is the chain count of DT_HASH; nothing else tells it. */
static int read_dynamic_symbols(struct elf_image *image, const struct dynamic *dynamic,
                                struct err *err)
{
    uint32_t hash[2];
    uint64_t bytes;

    const void *hash_at = elf_image_at(image, dynamic->hash, sizeof hash);
    if (!dynamic->hash || !hash_at)
        return refuse(err, "it has no DT_HASH table");
    memcpy(hash, hash_at, sizeof hash);
    image->dynamic_symbol_count = hash[1];
    if (dynamic->symbol_item != sizeof(Elf64_Sym) ||
        __builtin_mul_overflow(image->dynamic_symbol_count, sizeof(Elf64_Sym), &bytes))
        return refuse(err, "it has bad dynamic symbols");
    image->dynamic_symbols = elf_image_at(image, dynamic->symbols, bytes);
    image->dynamic_strings = elf_image_at(image, dynamic->strings, dynamic->string_bytes);
    image->dynamic_string_bytes = dynamic->string_bytes;
    if (!dynamic->symbols || !image->dynamic_symbols)
        return refuse(err, "its dynamic symbols lie outside of the file");
    if (!dynamic->strings || !image->dynamic_strings)
        return refuse(err, "its dynamic strings lie outside of the file");
    return 0;
}

static int read_dynamic(struct elf_image *image, const Elf64_Phdr *header, struct err *err)
{
    struct dynamic dynamic = {0};
    uint64_t count = header->p_filesz / sizeof(Elf64_Dyn);
    const uint8_t *table = elf_image_at(image, header->p_vaddr, header->p_filesz);
    bool ended = false;

    if (!table)
        return refuse(err, "its dynamic table lies outside of the file");
    for (uint64_t i = 0; i < count && !ended; i++) {
        Elf64_Dyn entry;

        memcpy(&entry, table + i * sizeof entry, sizeof entry);
        ended = entry.d_tag == DT_NULL;
        int r = ended ? 0 : take_tag(&entry, &dynamic, err);
        if (r < 0)
            return r;
    }
    if (!ended)
        return refuse(err, "its dynamic table has no end");
    if ((dynamic.rela_bytes && dynamic.rela_item != sizeof(Elf64_Rela)) ||
        (dynamic.jmprel_bytes && dynamic.jmprel_kind != DT_RELA))
        return refuse(err, "its relocations have another form");

    image->plt_got = dynamic.plt_got;
    image->bind_now = dynamic.bind_now;
    int r = read_dynamic_symbols(image, &dynamic, err);
    if (r == 0)
        r = read_relocations(image, 0, dynamic.rela, dynamic.rela_bytes, err);
    if (r == 0)
        r = read_relocations(image, 1, dynamic.jmprel, dynamic.jmprel_bytes, err);
    return r;
}

/* .symtab, for names only; a stripped library has none. */
static int read_symbols(struct elf_image *image, const Elf64_Ehdr *header, struct err *err)
{
    if (header->e_shnum == 0)
        return 0;
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > SECTIONS_MAX)
        return refuse(err, "it has bad section headers");
    const uint8_t *table = file_at(image, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr));
    if (!table)
        return refuse(err, "its section headers lie outside of the file");

    for (uint32_t i = 0; i < header->e_shnum; i++) {
        Elf64_Shdr section, strings;

        memcpy(&section, table + i * sizeof section, sizeof section);
        if (section.sh_type != SHT_SYMTAB)
            continue;
        if (section.sh_link >= header->e_shnum || section.sh_entsize != sizeof(Elf64_Sym))
            return refuse(err, "it has a bad symbol table");
        memcpy(&strings, table + section.sh_link * sizeof strings, sizeof strings);
        image->symbol_count = section.sh_size / sizeof(Elf64_Sym);
        image->symbols = file_at(image, section.sh_offset, image->symbol_count, sizeof(Elf64_Sym));
        image->strings = file_at(image, strings.sh_offset, strings.sh_size, 1);
        image->string_bytes = strings.sh_size;
        if (!image->symbols || !image->strings)
            return refuse(err, "its symbol table lies outside of the file");
        return 0;
    }
    return 0;
}

int elf_image_read(const uint8_t *file, uint64_t file_bytes, struct elf_image *ret_image,
                   struct err *err)
{
    struct elf_image image = {.file = file, .file_bytes = file_bytes};
    Elf64_Ehdr header;
    Elf64_Phdr dynamic = {0};

    int r = read_header(&image, &header, err);
    if (r == 0)
        r = read_segments(&image, &header, &dynamic, err);
    if (r == 0)
        r = read_dynamic(&image, &dynamic, err);
    if (r == 0)
        r = read_symbols(&image, &header, err);
    if (r == 0)
        *ret_image = image;
    return r;
}
