/* A function for the tests: the body "VERB PATH [OTHER]" says what it is to do with a file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vireo/function.h>

static int64_t failed(uint8_t *out, size_t cap, const char *verb)
{
    return snprintf((char *)out, cap, "%s: %s", verb, strerror(errno));
}

static int64_t read_file(const char *path, uint8_t *out, size_t cap)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap);

    if (n < 0)
        return failed(out, cap, "read");
    close(fd);
    return n;
}

static int64_t write_file(const char *path, const char *words, uint8_t *out, size_t cap)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    if (fd < 0 || write(fd, words, strlen(words)) < 0 || close(fd) < 0)
        return failed(out, cap, "write");
    return snprintf((char *)out, cap, "written");
}

/* Writes until there is no more room; says how many KiB there were. */
static int64_t fill_file(const char *path, uint8_t *out, size_t cap)
{
    static char block[4096];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    unsigned kib = 0;

    if (fd < 0)
        return failed(out, cap, "fill");
    while (kib < 65536 && write(fd, block, sizeof block) == (ssize_t)sizeof block)
        kib += 4;
    close(fd);
    return snprintf((char *)out, cap, "%u", kib);
}

static int64_t list(const char *path, uint8_t *out, size_t cap)
{
    DIR *directory = opendir(path);
    size_t used = 0;

    if (!directory)
        return failed(out, cap, "list");
    for (struct dirent *entry; (entry = readdir(directory)) && used < cap;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            used += (size_t)snprintf((char *)out + used, cap - used, "%s ", entry->d_name);
    closedir(directory);
    return (int64_t)used;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char words[1024], verb[16] = "", path[256] = "", other[256] = "";

    if (in_len >= sizeof words)
        return -1;
    memcpy(words, in, in_len);
    words[in_len] = '\0';
    sscanf(words, "%15s %255s %255s", verb, path, other);
    if (strcmp(verb, "read") == 0)
        return read_file(path, out, out_cap);
    if (strcmp(verb, "write") == 0)
        return write_file(path, other, out, out_cap);
    if (strcmp(verb, "fill") == 0)
        return fill_file(path, out, out_cap);
    if (strcmp(verb, "list") == 0)
        return list(path, out, out_cap);
    if (strcmp(verb, "symlink") == 0)
        return symlink(other, path) < 0 ? failed(out, out_cap, "symlink")
                                        : snprintf((char *)out, out_cap, "linked");
    if (strcmp(verb, "sleep") == 0) {
        usleep(700000);
        return list(path, out, out_cap);
    }
    return -1;
}
