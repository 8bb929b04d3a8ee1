/*
 * Makes libraries that the build would never make, with the daemon's own code and key:
 *
 *   forge note KEY LIBRARY [FIELD=VALUE]…   the note of a signed library, as C; fields changed
 *   forge sign KEY ELF OUT                  signs whatever it is; prints the hash
 *   forge churn FILE A B                    FILE is A and B by turns, in place and replaced, until
 * killed
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/build.h"

DEFINE_CLEANUP(struct sign_key, sign_key_free)

#define FILE_MAX_BYTES (8 << 20)

static void set_field(struct library_note *note, const char *setting)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
    } fields[] = {
        {"name=", note->name, sizeof note->name},
        {"version=", note->version, sizeof note->version},
        {"safety=", note->safety, sizeof note->safety},
        {"kind=", note->kind, sizeof note->kind},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t length = strlen(fields[i].name);
        if (strncmp(setting, fields[i].name, length) == 0)
            snprintf(fields[i].text, fields[i].size, "%s", setting + length);
    }
}

static int make_note(char **argv, struct err *err)
{
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    _cleanup_(freep) char *library = NULL, *source = NULL;
    struct library_note note;
    size_t size, elf_size;

    int r = sign_key_open(argv[0], &key, err);
    if (r == 0)
        r = fd_read_file(AT_FDCWD, argv[1], FILE_MAX_BYTES, &library, &size, err);
    if (r == 0)
        r = library_verify(key, library, size, &note, &elf_size, err);
    if (r < 0)
        return r;
    for (int i = 2; argv[i]; i++)
        set_field(&note, argv[i]);
    r = library_note_source(&note, &source, err);
    if (r == 0)
        fputs(source, stdout);
    return r;
}

static int sign(char **argv, struct err *err)
{
    _cleanup_(sign_key_freep) struct sign_key *key = NULL;
    _cleanup_(freep) char *elf = NULL;
    _cleanup_(freep) void *library = NULL;
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hash[BUILD_HASH_TEXT];
    size_t elf_size, size;

    int r = sign_key_open(argv[0], &key, err);
    if (r == 0)
        r = fd_read_file(AT_FDCWD, argv[1], FILE_MAX_BYTES, &elf, &elf_size, err);
    if (r == 0)
        r = library_sign(key, elf, elf_size, &library, &size, err);
    if (r == 0)
        r = fd_write_file_atomic(AT_FDCWD, argv[2], library, size, S_IRUSR, err);
    if (r < 0)
        return r;
    crypto_hash_sha256(digest, library, size);
    puts(sodium_bin2hex(hash, sizeof hash, digest, sizeof digest));
    return 0;
}

static int churn(char **argv, struct err *err)
{
    _cleanup_(freep) char *texts[2] = {NULL, NULL};
    size_t sizes[2];
    int r = 0;

    for (int i = 0; r == 0 && i < 2; i++)
        r = fd_read_file(AT_FDCWD, argv[1 + i], FILE_MAX_BYTES, &texts[i], &sizes[i], err);
    for (unsigned round = 0; r == 0; round++) {
        const char *text = texts[round & 1];
        size_t size = sizes[round & 1];
        if (round & 2) {
            r = fd_write_file_atomic(AT_FDCWD, argv[0], text, size, S_IRUSR, err);
        } else {
            _cleanup_(closep) int fd = open(argv[0], O_WRONLY | O_CLOEXEC);
            if (fd < 0)
                return err_set(err, -errno, "cannot open '%s'", argv[0]);
            for (size_t at = 0; at < size; at += 4096)
                if (pwrite(fd, text + at, size - at < 4096 ? size - at : 4096, (off_t)at) < 0)
                    return err_set(err, -errno, "cannot write '%s'", argv[0]);
            if (ftruncate(fd, (off_t)size) < 0)
                return err_set(err, -errno, "cannot write '%s'", argv[0]);
        }
    }
    return r;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int r = -EINVAL;

    if (argc >= 4 && strcmp(argv[1], "note") == 0)
        r = make_note(argv + 2, &err);
    else if (argc == 5 && strcmp(argv[1], "sign") == 0)
        r = sign(argv + 2, &err);
    else if (argc == 5 && strcmp(argv[1], "churn") == 0)
        r = churn(argv + 2, &err);
    else
        fputs("usage: forge note|sign|churn …\n", stderr);
    if (err.code)
        fprintf(stderr, "%s\n", err.message);
    return r < 0;
}
