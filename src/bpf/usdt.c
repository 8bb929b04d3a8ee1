/*
 * USDT probes of an ELF file: notes that say where each is, who counts those that look at it, and
 * where its arguments are (sourceware.org/systemtap/wiki/UserSpaceProbeImplementation). Only behind
 * the reader's walls.
 */
#include <asm/ptrace.h>
#include <errno.h>
#include <gelf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/reader.h"

#define NOTE_TYPE 3
#define NOTE_OWNER "stapsdt"
#define NAME_MAX_BYTES_USDT 256

_Static_assert(sizeof(struct reader_arguments) == 208, "as libbpf's header has it");

enum { ARGUMENT_CONSTANT, ARGUMENT_REGISTER, ARGUMENT_MEMORY };

/* Each register by all of its names. */
static int register_at(const char *name, size_t length)
{
#ifdef __x86_64__
#define AT(member) (int)offsetof(struct pt_regs, member)
    static const struct {
        const char *names[4];
        int at;
    } registers[] = {
        {{"rax", "eax", "ax", "al"}, AT(rax)},      {{"rbx", "ebx", "bx", "bl"}, AT(rbx)},
        {{"rcx", "ecx", "cx", "cl"}, AT(rcx)},      {{"rdx", "edx", "dx", "dl"}, AT(rdx)},
        {{"rsi", "esi", "si", "sil"}, AT(rsi)},     {{"rdi", "edi", "di", "dil"}, AT(rdi)},
        {{"rbp", "ebp", "bp", "bpl"}, AT(rbp)},     {{"rsp", "esp", "sp", "spl"}, AT(rsp)},
        {{"r8", "r8d", "r8w", "r8b"}, AT(r8)},      {{"r9", "r9d", "r9w", "r9b"}, AT(r9)},
        {{"r10", "r10d", "r10w", "r10b"}, AT(r10)}, {{"r11", "r11d", "r11w", "r11b"}, AT(r11)},
        {{"r12", "r12d", "r12w", "r12b"}, AT(r12)}, {{"r13", "r13d", "r13w", "r13b"}, AT(r13)},
        {{"r14", "r14d", "r14w", "r14b"}, AT(r14)}, {{"r15", "r15d", "r15w", "r15b"}, AT(r15)},
        {{"rip", "eip", "ip", "rip"}, AT(rip)},
    };
    for (size_t i = 0; i < ARRAY_LEN(registers); i++)
        for (size_t j = 0; j < 4; j++)
            if (strlen(registers[i].names[j]) == length &&
                memcmp(registers[i].names[j], name, length) == 0)
                return registers[i].at;
#else
    (void)name;
    (void)length;
#endif
    return -EOPNOTSUPP;
}

/* "-4@%eax", "8@-24(%rbp)", "4@$5": bytes, negative where it is signed, and where it is. */
static int read_argument(const char **text, struct reader_arguments *arguments)
{
    const char *at = *text;
    char *end;

    if (arguments->count == READER_ARGUMENTS_MAX)
        return -E2BIG;
    long bytes = strtol(at, &end, 10);
    if (end == at || *end != '@' ||
        (labs(bytes) != 1 && labs(bytes) != 2 && labs(bytes) != 4 && labs(bytes) != 8))
        return -EOPNOTSUPP;
    at = end + 1;
    uint32_t type = *at == '$'   ? ARGUMENT_CONSTANT
                    : *at == '%' ? ARGUMENT_REGISTER
                                 : ARGUMENT_MEMORY;
    int64_t value = 0;
    int place = 0;
    if (type != ARGUMENT_REGISTER) {
        at += *at == '$';
        value = strtoll(at, &end, 10);
        if (end == at && *at != '(')
            return -EOPNOTSUPP; /* a symbol's name */
        at = end;
    }
    if (type == ARGUMENT_MEMORY && *at++ != '(')
        return -EOPNOTSUPP;
    if (type != ARGUMENT_CONSTANT) {
        if (*at++ != '%')
            return -EOPNOTSUPP;
        size_t length = strcspn(at, " ),");
        place = register_at(at, length);
        at += length;
        if (place < 0 || (type == ARGUMENT_MEMORY && *at++ != ')'))
            return -EOPNOTSUPP; /* or with an index */
    }
    if (*at && *at != ' ')
        return -EOPNOTSUPP;
    size_t number = (size_t)arguments->count++;
    arguments->arguments[number].value = (uint64_t)value;
    arguments->arguments[number].type = type;
    arguments->arguments[number].at = (int16_t)place;
    arguments->arguments[number].is_signed = bytes < 0;
    arguments->arguments[number].shift = (uint8_t)(64 - labs(bytes) * 8);
    *text = at + strspn(at, " ");
    return 0;
}

/* The address that the linker gave the section to which the notes' addresses are relative; 0: there
 * is none. */
static uint64_t find_base(Elf *elf, size_t names)
{
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section; section = elf_nextscn(elf, section)) {
        GElf_Shdr head;
        const char *name =
            gelf_getshdr(section, &head) ? elf_strptr(elf, names, head.sh_name) : NULL;
        if (name && strcmp(name, ".stapsdt.base") == 0)
            return head.sh_addr;
    }
    return 0;
}

/* What a note says: three addresses, then provider, name and arguments, each with its end. */
static int take_note(Elf *elf, const char *data, size_t bytes, uint64_t base, const char *wanted,
                     struct reader_places *places)
{
    struct reader_place place = {0};
    uint64_t addresses[3];
    char called[NAME_MAX_BYTES_USDT];

    if (bytes <= sizeof addresses || data[bytes - 1] != '\0')
        return 0;
    memcpy(addresses, data, sizeof addresses);
    const char *provider = data + sizeof addresses, *end = data + bytes;
    const char *name = provider + strlen(provider) + 1;
    const char *arguments = name < end ? name + strlen(name) + 1 : end;
    if (arguments >= end)
        return 0;
    snprintf(called, sizeof called, "%s:%s", provider, name);
    if (strcmp(called, wanted) != 0)
        return 0;
    uint64_t moved = base ? base - addresses[1] : 0;
    if (places_offset(elf, addresses[0] + moved, true, &place.offset) < 0 ||
        (addresses[2] && places_offset(elf, addresses[2] + moved, false, &place.counter) < 0))
        return -ENOEXEC;
    int r = 0;
    while (*arguments && r == 0)
        r = read_argument(&arguments, &place.arguments);
    return r < 0 ? r : places_add(places, &place);
}

static int take_section(Elf *elf, Elf_Scn *section, uint64_t base, const char *wanted,
                        struct reader_places *places)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t at = 0, next, name_at, desc_at;
    GElf_Nhdr note;
    int r = 0;

    while (data && r == 0 && (next = gelf_getnote(data, at, &note, &name_at, &desc_at)) > 0) {
        const char *bytes = data->d_buf;
        if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof NOTE_OWNER &&
            memcmp(bytes + name_at, NOTE_OWNER, sizeof NOTE_OWNER) == 0)
            r = take_note(elf, bytes + desc_at, note.n_descsz, base, wanted, places);
        at = next;
    }
    return r;
}

int usdt_find(const void *bytes, size_t size, const char *name, struct reader_places *places)
{
    Elf *elf = places_open(bytes, size);
    size_t names;
    int r = 0;

    if (!elf || gelf_getclass(elf) != ELFCLASS64 || elf_getshdrstrndx(elf, &names) != 0) {
        elf_end(elf);
        return -ENOEXEC;
    }
    uint64_t base = find_base(elf, names);
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section && r == 0;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr head;
        if (gelf_getshdr(section, &head) && head.sh_type == SHT_NOTE)
            r = take_section(elf, section, base, name, places);
    }
    elf_end(elf);
    return r == 0 && places->count == 0 ? -ENOENT : r;
}
