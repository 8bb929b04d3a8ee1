/*
 * Ed25519 signatures of libraries, in a trailer behind the ELF file (docs/library.md), and the key
 * that makes them. The prehashed form (Ed25519ph, RFC 8032 section 5.1) is used: signing and
 * checking take the bytes in pieces, so that a library of 128 MiB is neither copied to stand
 * behind the context nor hashed twice.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/build.h"

/* With its NUL: nothing else that this key may ever sign begins with these bytes. */
static const char context[] = "vireo library v1";

/* The key file is one line: this, the seed as 64 hex digits, a newline. */
static const char key_words[] = "vireo-ed25519-seed ";
#define SEED_HEX (2 * crypto_sign_SEEDBYTES)
#define KEY_FILE_BYTES (sizeof key_words - 1 + SEED_HEX + 1)

struct sign_key {
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

struct trailer {
    char magic[16];
    uint32_t version;  /* 1 */
    uint32_t reserved; /* 0 */
    uint64_t elf_size;
    uint8_t key_id[crypto_sign_PUBLICKEYBYTES];
    uint8_t signature[crypto_sign_BYTES]; /* over context, ELF file and the fields above */
} __attribute__((packed));

#define TRAILER_SIGNED_BYTES offsetof(struct trailer, signature)
static const char trailer_magic[16] = "vireo signature";

static_assert(sizeof(struct trailer) == LIBRARY_TRAILER_BYTES, "the size is a promise");
static_assert(crypto_sign_PUBLICKEYBYTES == BUILD_HASH_BYTES, "an id is the public key");

void sign_key_free(struct sign_key *key)
{
    if (key)
        sodium_free(key); /* wipes it */
}

DEFINE_CLEANUP(struct sign_key, sign_key_free)

static int seed_to_key(const uint8_t seed[crypto_sign_SEEDBYTES], struct sign_key **ret_key)
{
    /* Locked in memory as far as RLIMIT_MEMLOCK allows, between guard pages, not in core dumps. */
    struct sign_key *key = sodium_malloc(sizeof *key);

    if (!key)
        return -ENOMEM;
    crypto_sign_seed_keypair(key->public, key->secret, seed);
    *ret_key = key;
    return 0;
}

/* A key that others can read, or that another user placed, is no key. */
static int key_file_check(int fd, const char *path, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return err_set(err, -errno, "cannot open key '%s'", path);
    if (!S_ISREG(status.st_mode))
        return err_say(err, -EPERM, "cannot use key '%s': it is not a regular file", path);
    if (status.st_uid != geteuid())
        return err_say(err, -EPERM, "cannot use key '%s': it belongs to uid %u, not to %u", path,
                       status.st_uid, geteuid());
    if (status.st_mode & 077)
        return err_say(err, -EPERM,
                       "cannot use key '%s': others have rights to it (mode %04o); run chmod 600",
                       path, status.st_mode & 07777);
    return 0;
}

static int key_text_parse(const char *text, size_t size, struct sign_key **ret_key)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    size_t words = sizeof key_words - 1, bytes;

    if (size != KEY_FILE_BYTES || memcmp(text, key_words, words) != 0 || text[size - 1] != '\n')
        return -EINVAL;
    int r = -EINVAL;
    if (sodium_hex2bin(seed, sizeof seed, text + words, SEED_HEX, NULL, &bytes, NULL) == 0 &&
        bytes == sizeof seed)
        r = seed_to_key(seed, ret_key);
    sodium_memzero(seed, sizeof seed);
    return r;
}

static int key_read(int dir_fd, const char *name, const char *path, struct sign_key **ret_key,
                    struct err *err)
{
    /* O_NONBLOCK: a FIFO in its place must not hang us; it is refused below. */
    _cleanup_(closep) int fd =
        openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    char text[KEY_FILE_BYTES + 1];

    if (fd < 0 && errno == ENOENT)
        return -ENOENT; /* not an error yet: it is made then */
    if (fd < 0 && errno == ELOOP)
        return err_say(err, -EPERM, "cannot use key '%s': it is a symbolic link", path);
    if (fd < 0)
        return err_set(err, -errno, "cannot open key '%s'", path);
    int r = key_file_check(fd, path, err);
    if (r < 0)
        return r;
    ssize_t n = fd_read_full(fd, text, sizeof text);
    if (n < 0)
        return err_set(err, (int)n, "cannot read key '%s'", path);
    r = key_text_parse(text, (size_t)n, ret_key);
    sodium_memzero(text, sizeof text);
    if (r == -EINVAL)
        return err_say(err, -EINVAL, "cannot use key '%s': it is damaged or not a vireo key", path);
    if (r < 0)
        return err_set(err, r, "cannot use key '%s'", path);
    return 0;
}

static int key_file_fill(int fd)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    char text[KEY_FILE_BYTES + 1];

    randombytes_buf(seed, sizeof seed);
    memcpy(text, key_words, sizeof key_words - 1);
    sodium_bin2hex(text + sizeof key_words - 1, SEED_HEX + 1, seed, sizeof seed);
    text[KEY_FILE_BYTES - 1] = '\n';
    int r = fd_write_full(fd, text, KEY_FILE_BYTES);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return r;
}

/* Who made this temporary file of a key, by its name; 0: it is none. */
static pid_t temporary_writer(const char *file, const char *name)
{
    size_t length = strlen(name) < 200 ? strlen(name) : 200;
    unsigned random;
    int pid, end = 0;

    if (file[0] != '.' || strncmp(file + 1, name, length) != 0 ||
        sscanf(file + 1 + length, ".%d.%8x.tmp%n", &pid, &random, &end) != 2 || end == 0 ||
        file[1 + length + (size_t)end] != '\0' || pid <= 0)
        return 0;
    return pid;
}

/* A key that was being made when its maker was killed is a secret that nobody knows of. */
static void remove_temporaries(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    if (!directory) {
        closep(&fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        pid_t writer = temporary_writer(entry->d_name, name);
        if (writer > 0 && writer != getpid() && kill(writer, 0) < 0 && errno == ESRCH)
            unlinkat(dir_fd, entry->d_name, 0);
    }
    closedir(directory);
}

/*
 * Makes a key file, whole and durable, or nothing: it is written under another name and linked.
 * link(2) does not replace, so of two that make it at once one key stays, and both read that one.
 */
static int key_make(int dir_fd, const char *name, const char *path, struct err *err)
{
    char temporary[300];
    snprintf(temporary, sizeof temporary, ".%.200s.%d.%08x.tmp", name, (int)getpid(),
             randombytes_random());

    _cleanup_(closep) int fd = openat(
        dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return err_set(err, -errno, "cannot make key '%s'", path);
    int r = fchmod(fd, S_IRUSR | S_IWUSR) < 0 ? -errno : key_file_fill(fd);
    if (r == 0 && linkat(dir_fd, temporary, dir_fd, name, 0) < 0 && errno != EEXIST)
        r = -errno;
    unlinkat(dir_fd, temporary, 0);
    if (r == 0 && fsync(dir_fd) < 0)
        r = -errno;
    return r < 0 ? err_set(err, r, "cannot make key '%s'", path) : 0;
}

int sign_key_open(const char *path, struct sign_key **ret_key, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (sodium_init() < 0)
        return err_say(err, -EIO, "cannot open key '%s': no source of random bytes", path);
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_say(err, -EINVAL, "cannot open key '%s': it does not name a file", path);
    _cleanup_(freep) char *directory =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!directory)
        return err_set(err, -ENOMEM, "cannot open key '%s'", path);
    _cleanup_(closep) int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return err_set(err, -errno, "cannot open key '%s'", path);

    remove_temporaries(dir_fd, name);
    int r = key_read(dir_fd, name, path, ret_key, err);
    if (r != -ENOENT)
        return r;
    r = key_make(dir_fd, name, path, err);
    if (r < 0)
        return r;
    r = key_read(dir_fd, name, path, ret_key, err);
    return r == -ENOENT ? err_set(err, r, "cannot open key '%s'", path) : r;
}

void sign_key_id(const struct sign_key *key, char ret_text[BUILD_HASH_TEXT])
{
    sodium_bin2hex(ret_text, BUILD_HASH_TEXT, key->public, sizeof key->public);
}

/* What is signed: context, ELF file, and the trailer up to the signature. */
static void signed_bytes(crypto_sign_state *state, const void *elf, size_t elf_size,
                         const struct trailer *trailer)
{
    crypto_sign_init(state);
    crypto_sign_update(state, (const uint8_t *)context, sizeof context);
    crypto_sign_update(state, elf, elf_size);
    crypto_sign_update(state, (const uint8_t *)trailer, TRAILER_SIGNED_BYTES);
}

int library_sign(const struct sign_key *key, const void *elf, size_t elf_size, void **ret_library,
                 size_t *ret_size, struct err *err)
{
    struct trailer trailer = {.version = 1, .elf_size = elf_size};
    crypto_sign_state state;

    if (elf_size > LIBRARY_MAX_BYTES)
        return err_say(err, -EFBIG, "cannot sign a library: it is larger than %d MiB",
                       LIBRARY_MAX_BYTES >> 20);
    uint8_t *library = malloc(elf_size + sizeof trailer);
    if (!library)
        return err_set(err, -ENOMEM, "cannot sign a library");
    memcpy(trailer.magic, trailer_magic, sizeof trailer.magic);
    memcpy(trailer.key_id, key->public, sizeof trailer.key_id);
    signed_bytes(&state, elf, elf_size, &trailer);
    crypto_sign_final_create(&state, trailer.signature, NULL, key->secret);
    memcpy(library, elf, elf_size);
    memcpy(library + elf_size, &trailer, sizeof trailer);
    *ret_library = library;
    *ret_size = elf_size + sizeof trailer;
    return 0;
}

static int trailer_read(const uint8_t *library, size_t size, struct trailer *trailer,
                        struct err *err)
{
    if (size > LIBRARY_MAX_BYTES + sizeof *trailer)
        return err_say(err, -EBADMSG, "cannot accept a library: it is larger than %d MiB",
                       LIBRARY_MAX_BYTES >> 20);
    if (size < sizeof *trailer)
        return err_say(err, -EBADMSG, "cannot accept a library: it is not signed");
    memcpy(trailer, library + size - sizeof *trailer, sizeof *trailer);
    if (memcmp(trailer->magic, trailer_magic, sizeof trailer->magic) != 0)
        return err_say(err, -EBADMSG, "cannot accept a library: it is not signed");
    if (trailer->version != 1 || trailer->reserved != 0)
        return err_say(err, -EBADMSG, "cannot accept a library: its signature is of version %u",
                       trailer->version);
    if (trailer->elf_size != size - sizeof *trailer)
        return err_say(err, -EBADMSG,
                       "cannot accept a library: its size is not the one that was signed");
    return 0;
}

/* The signature by `public`, and the ELF file. */
static int verify_by(const uint8_t public[BUILD_HASH_BYTES], const void *library, size_t size,
                     const struct trailer *trailer, struct library_note *ret_note,
                     size_t *ret_elf_size, struct err *err)
{
    crypto_sign_state state;
    struct library_note note;
    size_t elf_size = size - sizeof *trailer;

    signed_bytes(&state, library, elf_size, trailer);
    if (crypto_sign_final_verify(&state, trailer->signature, public) != 0)
        return err_say(err, -EBADMSG,
                       "cannot accept a library: it was altered after it was signed");
    int r = library_check(library, elf_size, &note, err);
    if (r < 0)
        return r;
    *ret_note = note;
    *ret_elf_size = elf_size;
    return 0;
}

static bool is_trusted(const struct sign_trust *trust, const uint8_t public[BUILD_HASH_BYTES])
{
    for (uint32_t i = 0; trust && i < trust->count; i++)
        if (sodium_memcmp(trust->keys[i], public, BUILD_HASH_BYTES) == 0)
            return true;
    return false;
}

int library_accept(const struct sign_key *key, const struct sign_trust *trust, const void *library,
                   size_t size, struct library_note *ret_note, size_t *ret_elf_size,
                   struct err *err)
{
    struct trailer trailer;
    struct library_note note;
    char id[BUILD_HASH_TEXT];
    size_t elf_size = 0;

    int r = trailer_read(library, size, &trailer, err);
    if (r < 0)
        return r;
    bool own = sodium_memcmp(trailer.key_id, key->public, sizeof trailer.key_id) == 0;
    bool trusted = is_trusted(trust, trailer.key_id);
    if (!own && !trusted)
        return err_say(err, -EKEYREJECTED, "cannot accept a library: it is signed by another key");
    r = verify_by(own ? key->public : trailer.key_id, library, size, &trailer, &note, &elf_size,
                  err);
    if (r < 0)
        return r;
    if (!own && strcmp(note.safety, "proved") == 0)
        return err_say(err, -EKEYREJECTED,
                       "cannot accept a library: it says that it is proved, but was not proved "
                       "here");
    if (trust && !trusted && strcmp(note.safety, "native") == 0)
        return err_say(err, -EPERM,
                       "cannot accept a library: it is native code, and its signer %s is not among "
                       "the operator's keys: trusted",
                       sodium_bin2hex(id, sizeof id, trailer.key_id, sizeof trailer.key_id));
    sodium_bin2hex(note.signer, sizeof note.signer, trailer.key_id, sizeof trailer.key_id);
    *ret_note = note;
    *ret_elf_size = elf_size;
    return 0;
}

int library_verify(const struct sign_key *key, const void *library, size_t size,
                   struct library_note *ret_note, size_t *ret_elf_size, struct err *err)
{
    return library_accept(key, NULL, library, size, ret_note, ret_elf_size, err);
}

int sign_trust_add(struct sign_trust *trust, const char *id)
{
    size_t size;

    if (trust->count == SIGN_TRUSTED_MAX)
        return -E2BIG;
    if (strlen(id) != 2 * BUILD_HASH_BYTES ||
        sodium_hex2bin(trust->keys[trust->count], BUILD_HASH_BYTES, id, strlen(id), NULL, &size,
                       NULL) < 0 ||
        size != BUILD_HASH_BYTES)
        return -EINVAL;
    trust->count++;
    return 0;
}

int sign_text(const struct sign_key *key, const void *text, size_t size,
              uint8_t ret_signature[SIGN_TEXT_BYTES])
{
    static_assert(SIGN_TEXT_BYTES == crypto_sign_BYTES, "the header says its size");

    return crypto_sign_detached(ret_signature, NULL, text, size, key->secret) < 0 ? -EIO : 0;
}
