/* Signatures and the key. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "test_library.h"

DEFINE_CLEANUP(struct sign_key, sign_key_free)

static struct sign_key *key_of(const char *name)
{
    char path[256];
    struct err err = {0};
    struct sign_key *key;

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    if (sign_key_open(path, &key, &err) < 0)
        fail_msg("%s", err.message);
    return key;
}

static void a_key_is_made_once_and_is_the_owners_alone(void **state)
{
    (void)state;
    char first[BUILD_HASH_TEXT], second[BUILD_HASH_TEXT], path[256];
    struct stat status;
    mode_t before = umask(0);
    _cleanup_(sign_key_freep) struct sign_key *key = key_of("one.key");
    umask(before);
    _cleanup_(sign_key_freep) struct sign_key *again = key_of("one.key");
    _cleanup_(sign_key_freep) struct sign_key *other = key_of("two.key");
    sign_key_id(key, first);
    sign_key_id(again, second);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), 64);
    sign_key_id(other, second);
    assert_string_not_equal(first, second);
    snprintf(path, sizeof path, "%s/one.key", scratch);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_nlink, 1);
}

/* A file of this name beside the key. */
static bool stays(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return access(path, F_OK) == 0;
}

static void what_a_killed_maker_left_is_removed(void **state)
{
    (void)state;
    char dead[64], ours[64];
    static const char *const others[] = {".left.key.tmp", ".left.key.1x.00000000.tmp",
                                         ".left.key.4194305.00000000.tmp.save",
                                         ".other.key.4194305.00000000.tmp"};
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    snprintf(dead, sizeof dead, ".left.key.%d.0badcafe.tmp", (int)pid);
    snprintf(ours, sizeof ours, ".left.key.%d.0badcafe.tmp", (int)getpid());
    for (size_t i = 0; i < 2 + ARRAY_LEN(others); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", scratch,
                 i == 0   ? dead
                 : i == 1 ? ours
                          : others[i - 2]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    _cleanup_(sign_key_freep) struct sign_key *key = key_of("left.key");
    assert_false(stays(dead));
    assert_true(stays(ours)); /* another thread may be making it */
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_true(stays(others[i]));
}

static void *open_at_once(void *user)
{
    struct sign_key *key = key_of("race.key");

    sign_key_id(key, user);
    sign_key_free(key);
    return NULL;
}

static void first_uses_at_once_agree(void **state)
{
    (void)state;
    enum { ROUNDS = 20, THREADS = 8 };
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        char ids[THREADS][BUILD_HASH_TEXT], path[256];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_at_once, ids[i]), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        for (int i = 1; i < THREADS; i++)
            assert_string_equal(ids[i], ids[0]);
        snprintf(path, sizeof path, "%s/race.key", scratch);
        assert_int_equal(unlink(path), 0);
    }
}

static void keys_that_are_not_safe_are_refused(void **state)
{
    (void)state;
    char good[256], path[256];
    size_t size;
    sign_key_free(key_of("safe.key"));
    snprintf(good, sizeof good, "%s/safe.key", scratch);
    _cleanup_(freep) char *text = test_file(good, &size);
    static const struct {
        const char *what;
        mode_t mode;
        const char *reason;
    } refused[] = {
        {"group", 0640, "others have rights to it"},
        {"others", 0604, "others have rights to it"},
        {"link", 0600, "symbolic link"},
        {"folder", 0600, "not a regular file"},
        {"fifo", 0600, "not a regular file"},
        {"short", 0600, "damaged"},
        {"long", 0600, "damaged"},
        {"digit", 0600, "damaged"},
        {"empty", 0600, "damaged"},
        {"owner", 0600, "belongs to uid"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *what = refused[i].what;
        struct sign_key *key = NULL;
        struct err err = {0};
        if (strcmp(what, "owner") == 0 && geteuid() != 0)
            continue; /* only root can give a file away */
        snprintf(path, sizeof path, "%s/bad.key", scratch);
        if (strcmp(what, "link") == 0) {
            assert_int_equal(symlink(good, path), 0);
        } else if (strcmp(what, "folder") == 0) {
            assert_int_equal(mkdir(path, 0700), 0);
        } else if (strcmp(what, "fifo") == 0) {
            assert_int_equal(mkfifo(path, 0600), 0);
        } else {
            int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            size_t kept = strcmp(what, "short") == 0 ? size - 1 : size;
            assert_int_equal(fchmod(fd, refused[i].mode), 0);
            char first = text[30];
            text[30] = strcmp(what, "digit") == 0 ? 'g' : first;
            if (strcmp(what, "empty") != 0)
                assert_int_equal(fd_write_full(fd, text, kept), 0);
            text[30] = first;
            if (strcmp(what, "long") == 0)
                assert_int_equal(fd_write_full(fd, "\n", 1), 0);
            if (strcmp(what, "owner") == 0)
                assert_int_equal(fchown(fd, 65534, 65534), 0);
            close(fd);
        }
        assert_true(sign_key_open(path, &key, &err) < 0);
        assert_null(key);
        if (!strstr(err.message, refused[i].reason))
            fail_msg("%s: %s", what, err.message);
        assert_message(err, path);
        assert_int_equal(remove(path), 0);
    }
    static const char *const nowhere[] = {"/nonexistent/key", "/", "", "/tmp/.."};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        struct sign_key *key = NULL;
        assert_true(sign_key_open(nowhere[i], &key, NULL) < 0);
    }
}

static void a_signed_library_is_accepted_by_its_key_alone(void **state)
{
    (void)state;
    size_t elf_size, size, found;
    const char *elf = test_good_library(&elf_size);
    struct library_note note;
    struct err err = {0};
    _cleanup_(freep) void *library = NULL;
    _cleanup_(sign_key_freep) struct sign_key *key = key_of("one.key");
    _cleanup_(sign_key_freep) struct sign_key *other = key_of("two.key");
    assert_int_equal(library_sign(key, elf, elf_size, &library, &size, NULL), 0);
    assert_int_equal(size, elf_size + LIBRARY_TRAILER_BYTES);
    assert_memory_equal(library, elf, elf_size);
    assert_int_equal(library_verify(key, library, size, &note, &found, NULL), 0);
    assert_int_equal(found, elf_size);
    assert_string_equal(note.name, "hello");
    assert_int_equal(library_verify(other, library, size, &note, &found, &err), -EKEYREJECTED);
    assert_message(err, "signed by another key");
    /* The other key's name on it does not help. */
    char id[BUILD_HASH_TEXT];
    sign_key_id(other, id);
    uint8_t *key_id = (uint8_t *)library + elf_size + 32;
    for (size_t i = 0; i < 32; i++)
        sscanf(id + 2 * i, "%2hhx", &key_id[i]);
    assert_int_equal(library_verify(other, library, size, &note, &found, NULL), -EBADMSG);
}

static void every_change_and_cut_of_a_signed_library_is_refused(void **state)
{
    (void)state;
    size_t elf_size, size, found = 0;
    const char *elf = test_good_library(&elf_size);
    struct library_note note;
    _cleanup_(freep) uint8_t *library = NULL;
    _cleanup_(sign_key_freep) struct sign_key *key = key_of("one.key");
    assert_int_equal(library_sign(key, elf, elf_size, (void **)&library, &size, NULL), 0);
    for (size_t at = 0; at < size; at += at < elf_size - 64 ? 97 : 1) {
        library[at] ^= 0x10;
        int r = library_verify(key, library, size, &note, &found, NULL);
        assert_true(r == -EBADMSG || r == -EKEYREJECTED);
        library[at] ^= 0x10;
    }
    for (size_t kept = 0; kept < size; kept += kept < 300 || kept > elf_size ? 1 : 501)
        assert_int_equal(library_verify(key, library, kept, &note, &found, NULL), -EBADMSG);
    assert_int_equal(library_verify(key, library, size, &note, &found, NULL), 0);
    /* Bytes put between: the trailer says how many it signed. */
    uint8_t *longer = malloc(size + 1);
    memcpy(longer, library, elf_size);
    longer[elf_size] = 0;
    memcpy(longer + elf_size + 1, library + elf_size, LIBRARY_TRAILER_BYTES);
    assert_int_equal(library_verify(key, longer, size + 1, &note, &found, NULL), -EBADMSG);
    free(longer);
}

/* A signature does not make a library of what the check refuses. */
static void what_is_signed_and_not_a_library_is_refused(void **state)
{
    (void)state;
    static const char text[] = "not an ELF file";
    size_t size, found;
    struct library_note note;
    _cleanup_(freep) void *library = NULL;
    _cleanup_(sign_key_freep) struct sign_key *key = key_of("one.key");
    assert_int_equal(library_sign(key, text, sizeof text, &library, &size, NULL), 0);
    assert_int_equal(library_verify(key, library, size, &note, &found, NULL), -ENOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_once_and_is_the_owners_alone),
        cmocka_unit_test(what_a_killed_maker_left_is_removed),
        cmocka_unit_test(first_uses_at_once_agree),
        cmocka_unit_test(keys_that_are_not_safe_are_refused),
        cmocka_unit_test(a_signed_library_is_accepted_by_its_key_alone),
        cmocka_unit_test(every_change_and_cut_of_a_signed_library_is_refused),
        cmocka_unit_test(what_is_signed_and_not_a_library_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
