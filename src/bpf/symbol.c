/* A function's place in an ELF file, for uprobes. Only behind the reader's walls. */
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "bpf/reader.h"

/* Where in the file an address of the program's memory is. */
static int file_offset(Elf *elf, uint64_t address, uint64_t *ret_offset)
{
    size_t count;
    GElf_Phdr head;

    if (elf_getphdrnum(elf, &count) != 0)
        return -ENOEXEC;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &head) || head.p_type != PT_LOAD || !(head.p_flags & PF_X))
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
    size_t length = strlen(name);

    return strncmp(symbol, name, length) == 0 && (symbol[length] == '\0' || symbol[length] == '@');
}

static int find_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *head, const char *name,
                   uint64_t *ret_offset)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = head->sh_entsize && data ? data->d_size / head->sh_entsize : 0;

    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
            GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
            continue;
        const char *text = elf_strptr(elf, head->sh_link, symbol.st_name);
        if (text && is_called(text, name))
            return file_offset(elf, symbol.st_value, ret_offset);
    }
    return -ENOENT;
}

int symbol_find(const void *bytes, size_t size, const char *name, uint64_t *ret_offset)
{
    int r = -ENOENT;

    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)bytes, size);
    if (!elf || elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        return -ENOEXEC;
    }
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section && r == -ENOENT;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr head;
        if (gelf_getshdr(section, &head) &&
            (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
            r = find_in(elf, section, &head, name, ret_offset);
    }
    elf_end(elf);
    return r;
}
