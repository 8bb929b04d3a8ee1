/* A strict reader of tar files: what is not plainly a file or a directory is refused. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "build/tar.h"

#define TAR_BLOCK 512

/* POSIX.1-1988, the part that matters; offsets are the format's. */
struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char link[100], magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155];
    char padding[12];
};
static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");

static const char *type_name(char type)
{
    switch (type) {
    case '1':
        return "a hard link";
    case '2':
        return "a symbolic link";
    case '3':
    case '4':
        return "a device";
    case '6':
        return "a FIFO";
    case 'S':
        return "a sparse file";
    default:
        return "of an unknown type";
    }
}

/* An octal number, ended by NUL, space or its field. GNU's base 256 is for sizes that we refuse. */
static bool octal(const char *field, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;

    while (i < size && field[i] == ' ')
        i++;
    size_t first = i;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field[i] - '0');
    if (i == first || (i < size && field[i] != ' ' && field[i] != '\0'))
        return false;
    *ret_value = value;
    return true;
}

static bool checksum_holds(const struct tar_header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t said, sum = 0;

    /* The field itself counts as spaces. */
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        bool inside = i >= offsetof(struct tar_header, checksum) &&
                      i < offsetof(struct tar_header, checksum) + sizeof header->checksum;
        sum += inside ? ' ' : bytes[i];
    }
    return octal(header->checksum, sizeof header->checksum, &said) && said == sum;
}

static bool all_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static int damaged(const struct tar_reader *reader, struct err *err)
{
    return err_say(err, -EINVAL, "cannot read the packed source: it is damaged at byte %zu",
                   reader->at);
}

/* Copies a name in its proper form; false when it does not fit or has an improper byte. */
static bool name_put(char *to, size_t *used, const char *from, size_t size)
{
    for (size_t i = 0; i < size && from[i]; i++) {
        if (*used >= TAR_NAME_MAX || (unsigned char)from[i] < ' ' || from[i] == 0x7f)
            return false;
        to[(*used)++] = from[i];
    }
    to[*used] = '\0';
    return true;
}

/*
 * Drops "./" at the front and "/" at the end; false when the name would lead out or says nothing.
 * The archive's own root ("./") becomes "".
 */
static bool name_clean(char *name)
{
    size_t skip = 0;

    if (name[0] == '/')
        return false;
    while (strncmp(name + skip, "./", 2) == 0)
        skip += 2;
    memmove(name, name + skip, strlen(name + skip) + 1);
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/')
        name[--length] = '\0';
    if (strcmp(name, ".") == 0)
        name[0] = '\0';

    for (const char *part = name; *part;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (*part == '/')
            part++;
    }
    return true;
}

/* pax: records of "LENGTH KEY=VALUE\n". Only `path` matters here, and a size is not overridden. */
static bool pax_path(const uint8_t *data, size_t size, const char **ret_path, size_t *ret_size)
{
    size_t at = 0;

    while (at < size) {
        size_t length = 0, digits = 0;
        while (at + digits < size && data[at + digits] >= '0' && data[at + digits] <= '9' &&
               digits < 9)
            length = length * 10 + (size_t)(data[at + digits++] - '0');
        /* "5 a=\n" is the shortest. */
        if (digits == 0 || length < digits + 4 || length > size - at || data[at + digits] != ' ' ||
            data[at + length - 1] != '\n')
            return false;
        const char *key = (const char *)data + at + digits + 1;
        size_t rest = length - digits - 2; /* without the space and the newline */
        if (rest >= 5 && memcmp(key, "path=", 5) == 0) {
            *ret_path = key + 5;
            *ret_size = rest - 5;
        } else if (rest >= 5 && memcmp(key, "size=", 5) == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

/* One block of header and its data; moves past both. 1, or 0 at the end. */
static int read_member(struct tar_reader *reader, const struct tar_header **ret_header,
                       const uint8_t **ret_data, size_t *ret_size, struct err *err)
{
    uint64_t size;

    if (reader->size - reader->at < TAR_BLOCK)
        return reader->at == reader->size ? 0 : damaged(reader, err);
    const struct tar_header *header = (const void *)(reader->bytes + reader->at);
    if (all_zero(reader->bytes + reader->at))
        return 0;
    if (!checksum_holds(header) || !octal(header->size, sizeof header->size, &size))
        return damaged(reader, err);
    if (header->type == '5')
        size = 0;
    size_t left = reader->size - reader->at - TAR_BLOCK;
    uint64_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    if (size > SOURCE_MAX_BYTES || padded > left)
        return damaged(reader, err);
    if (reader->entries++ >= SOURCE_MAX_FILES)
        return err_say(err, -EFBIG, "cannot read the packed source: it has more than %d files",
                       SOURCE_MAX_FILES);
    *ret_header = header;
    *ret_data = reader->bytes + reader->at + TAR_BLOCK;
    *ret_size = (size_t)size;
    reader->at += TAR_BLOCK + (size_t)padded;
    return 1;
}

/* The name of a member: the long one that came before it, else the header's two fields. */
static bool member_name(const struct tar_header *header, const char *long_name, size_t long_size,
                        char *name)
{
    size_t used = 0;

    name[0] = '\0';
    if (long_name)
        return name_put(name, &used, long_name, long_size) && name_clean(name);
    if (memcmp(header->magic, "ustar", 6) == 0 && header->prefix[0] &&
        (!name_put(name, &used, header->prefix, sizeof header->prefix) ||
         !name_put(name, &used, "/", 1)))
        return false;
    return name_put(name, &used, header->name, sizeof header->name) && name_clean(name);
}

int tar_next(struct tar_reader *reader, struct tar_entry *ret_entry, struct err *err)
{
    const struct tar_header *header = NULL;
    const uint8_t *data = NULL;
    const char *long_name = NULL;
    size_t size = 0, long_size = 0;
    struct tar_entry entry = {0};

    for (;;) {
        int r = read_member(reader, &header, &data, &size, err);
        if (r <= 0)
            return r;
        if (header->type == 'g')
            continue;
        if (header->type == 'x') {
            if (!pax_path(data, size, &long_name, &long_size))
                return damaged(reader, err);
            continue;
        }
        if (header->type == 'L') {
            long_name = (const char *)data;
            long_size = size;
            continue;
        }
        if (!member_name(header, long_name, long_size, entry.name))
            return err_say(err, -EINVAL,
                           "cannot read the packed source: the name of its entry %u leads out of "
                           "it or is improper",
                           reader->entries);
        entry.directory = header->type == '5';
        if (!entry.directory && header->type != '0' && header->type != '\0')
            return err_say(err, -EINVAL, "cannot read the packed source: '%.200s' is %s",
                           entry.name, type_name(header->type));
        if (!entry.directory && entry.name[0] == '\0')
            return damaged(reader, err);
        /* The archive's own root says nothing. */
        if (entry.name[0])
            break;
        long_name = NULL;
    }
    entry.data = data;
    entry.size = size;
    *ret_entry = entry;
    return 1;
}
