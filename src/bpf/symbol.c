/* Functions' places in an ELF file, for uprobes. Only behind the reader's walls. */
#include <errno.h>
#include <fnmatch.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

#include "bpf/reader.h"

Elf *places_open(const void *bytes, size_t size)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)bytes, size);
    if (elf && elf_kind(elf) == ELF_K_ELF)
        return elf;
    elf_end(elf);
    return NULL;
}

int places_add(struct reader_places *places, const struct reader_place *place)
{
    for (uint32_t i = 0; i < places->count; i++)
        if (places->places[i].offset == place->offset)
            return 0;
    if (places->count == READER_PLACES_MAX)
        return -E2BIG;
    places->places[places->count++] = *place;
    return 0;
}

int places_offset(struct Elf *elf, uint64_t address, bool code, uint64_t *ret_offset)
{
    size_t count;
    GElf_Phdr head;

    if (elf_getphdrnum(elf, &count) != 0)
        return -ENOEXEC;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &head) || head.p_type != PT_LOAD ||
            (code && !(head.p_flags & PF_X)))
            continue;
        if (address >= head.p_vaddr && address - head.p_vaddr < head.p_filesz) {
            *ret_offset = address - head.p_vaddr + head.p_offset;
            return 0;
        }
    }
    return -ENOENT;
}

/* "malloc@@GLIBC_2.2.5" is called malloc in .dynsym; in .symtab the version may be behind it. */
static bool is_called(const char *symbol, const char *name)
{
    size_t length = strcspn(symbol, "@");
    char bare[256];

    if (length >= sizeof bare)
        return false;
    snprintf(bare, sizeof bare, "%.*s", (int)length, symbol);
    return fnmatch(name, bare, 0) == 0;
}

static int find_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *head, const char *name,
                   struct reader_places *places)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = head->sh_entsize && data ? data->d_size / head->sh_entsize : 0;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        struct reader_place place = {0};
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
            GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
            continue;
        const char *text = elf_strptr(elf, head->sh_link, symbol.st_name);
        if (text && is_called(text, name) &&
            places_offset(elf, symbol.st_value, true, &place.offset) == 0)
            r = places_add(places, &place);
    }
    return r;
}

int symbol_find(const void *bytes, size_t size, const char *name, struct reader_places *places)
{
    bool one = !strpbrk(name, "*?[");
    Elf *elf = places_open(bytes, size);
    int r = 0;

    if (!elf)
        return -ENOEXEC;
    for (Elf_Scn *section = elf_nextscn(elf, NULL);
         section && r == 0 && !(one && places->count > 0); section = elf_nextscn(elf, section)) {
        GElf_Shdr head;
        if (gelf_getshdr(section, &head) &&
            (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
            r = find_in(elf, section, &head, name, places);
    }
    elf_end(elf);
    /* Of several of one name it is the first. */
    if (one && places->count > 1)
        places->count = 1;
    return r == 0 && places->count == 0 ? -ENOENT : r;
}
