/* The store, on a real directory. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "test_library.h"

DEFINE_CLEANUP(struct sign_key, sign_key_free)
DEFINE_CLEANUP(struct store, store_close)

static struct sign_key *key;
static void *library; /* signed */
static size_t library_size;
static const char nobody[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static int prepare(void **state)
{
    char path[256];
    size_t size;
    int r = scratch_make(state);
    if (r < 0)
        return r;
    const char *elf = test_good_library(&size);
    snprintf(path, sizeof path, "%s/key", scratch);
    r = sign_key_open(path, &key, NULL);
    return r < 0 ? r : library_sign(key, elf, size, &library, &library_size, NULL);
}

static int finish(void **state)
{
    sign_key_free(key);
    free(library);
    return scratch_remove(state);
}

static struct store *store_of_test(void)
{
    struct err err = {0};
    struct store *store;

    if (store_open(scratch, &store, &err) < 0)
        fail_msg("%s", err.message);
    return store;
}

static void path_of(char path[512], const char *hash)
{
    snprintf(path, 512, "%s/store/lib/%s.so", scratch, hash);
}

/* Writes into a stored file, as nobody should. */
static void damage(const char *hash, size_t at, size_t size)
{
    char path[512];
    path_of(path, hash);
    assert_int_equal(chmod(path, 0600), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    if (at < size)
        assert_int_equal(pwrite(fd, "\xee", 1, (off_t)at), 1);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static void what_is_put_is_got_sealed(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    char hash[BUILD_HASH_TEXT], again[BUILD_HASH_TEXT];
    struct library_note note;
    struct stat status;
    _cleanup_(closep) int fd = -1;
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
    assert_int_equal(store_put(store, library, library_size, again, NULL), 0);
    assert_string_equal(hash, again);
    assert_int_equal(store_get(store, hash, key, NULL, &fd, &note, NULL), 0);
    assert_string_equal(note.name, "hello");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, library_size);
    assert_int_equal(fcntl(fd, F_GET_SEALS),
                     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    /* Its pages may be code. */
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(code, MAP_FAILED);
    munmap(code, 4096);
    /* What was handed out stays as it is when the file changes. */
    damage(hash, 100, library_size);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 100), 1);
    assert_int_equal(byte, ((char *)library)[100]);
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
}

static void an_image_may_be_smaller_than_a_signature(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    _cleanup_(closep) int fd = -1;
    char hash[BUILD_HASH_TEXT];
    struct library_note note;
    /* What an empty root file system packs to has 80 bytes. */
    assert_int_equal(store_put(store, "small", 5, hash, NULL), 0);
    assert_int_equal(store_get_image(store, hash, &fd, NULL), 0);
    char text[8];
    assert_int_equal(pread(fd, text, sizeof text, 0), 5);
    assert_memory_equal(text, "small", 5);
    /* It is no library for all that. */
    assert_true(store_get(store, hash, key, NULL, &fd, &note, NULL) < 0);
    damage(hash, 0, 5);
    closep(&fd);
    assert_int_equal(store_get_image(store, hash, &fd, NULL), -EBADMSG);
    damage(hash, 0, 0);
    assert_int_equal(store_get_image(store, hash, &fd, NULL), -EBADMSG);
}

/* Of what lies in the page cache; a file system that can't tell is -EOPNOTSUPP. */
static void small_ones_are_got_without_waiting_and_checked_alike(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    char hash[BUILD_HASH_TEXT], path[512], other_path[512];
    struct library_note note;
    struct stat status;
    _cleanup_(closep) int fd = -1;
    int none = -1;
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
    int r = store_get_quick(store, hash, key, NULL, &fd, &note);
    if (r == -EOPNOTSUPP || r == -EAGAIN)
        skip();
    assert_int_equal(r, 0);
    assert_string_equal(note.name, "hello");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, library_size);
    assert_int_equal(fcntl(fd, F_GET_SEALS),
                     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(code, MAP_FAILED);
    munmap(code, 4096);
    /* Neither another's name, nor another's key, nor other bytes, nor a link, nor a pipe. */
    path_of(path, hash);
    path_of(other_path, nobody);
    assert_int_equal(link(path, other_path), 0);
    assert_int_equal(store_get_quick(store, nobody, key, NULL, &none, &note), -EBADMSG);
    assert_int_equal(unlink(other_path), 0);
    assert_int_equal(symlink(path, other_path), 0);
    assert_true(store_get_quick(store, nobody, key, NULL, &none, &note) < 0);
    assert_int_equal(unlink(other_path), 0);
    assert_int_equal(mkfifo(other_path, 0600), 0);
    assert_true(store_get_quick(store, nobody, key, NULL, &none, &note) < 0);
    assert_int_equal(unlink(other_path), 0);
    snprintf(other_path, sizeof other_path, "%s/quick.key", scratch);
    _cleanup_(sign_key_freep) struct sign_key *other = NULL;
    assert_int_equal(sign_key_open(other_path, &other, NULL), 0);
    assert_int_equal(store_get_quick(store, hash, other, NULL, &none, &note), -EKEYREJECTED);
    damage(hash, 5000, library_size);
    assert_int_equal(store_get_quick(store, hash, key, NULL, &none, &note), -EBADMSG);
    assert_int_equal(store_get_quick(store, "../../key", key, NULL, &none, &note), -EINVAL);
    /* What is large is for a thread. */
    damage(hash, SIZE_MAX, 65537);
    assert_int_equal(store_get_quick(store, hash, key, NULL, &none, &note), -EAGAIN);
    assert_int_equal(none, -1);
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
}

static void the_store_is_the_owners_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"store", "store/lib", "store/built"};
    _cleanup_(store_closep) struct store *store = store_of_test();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[512];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0700);
    }
}

static void damaged_and_foreign_files_are_refused(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    char hash[BUILD_HASH_TEXT], path[512], other_path[512];
    const size_t sizes[] = {library_size, library_size - 1, library_size + 1, 0, 100};
    struct library_note note;
    int fd = -1;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
        damage(hash, 5000, sizes[i]);
        assert_int_equal(store_get(store, hash, key, NULL, &fd, &note, NULL), -EBADMSG);
        assert_int_equal(fd, -1);
    }
    /* A whole library under another's name. */
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
    path_of(path, hash);
    path_of(other_path, nobody);
    assert_int_equal(link(path, other_path), 0);
    assert_int_equal(store_get(store, nobody, key, NULL, &fd, &note, NULL), -EBADMSG);
    assert_int_equal(unlink(other_path), 0);
    /* A link to it. */
    assert_int_equal(symlink(path, other_path), 0);
    assert_true(store_get(store, nobody, key, NULL, &fd, &note, NULL) < 0);
    assert_int_equal(unlink(other_path), 0);
    assert_int_equal(mkfifo(other_path, 0600), 0);
    assert_int_equal(store_get(store, nobody, key, NULL, &fd, &note, NULL), -EBADMSG);
    assert_int_equal(unlink(other_path), 0);
    /* One that another key signed. */
    snprintf(path, sizeof path, "%s/other.key", scratch);
    _cleanup_(sign_key_freep) struct sign_key *other = NULL;
    assert_int_equal(sign_key_open(path, &other, NULL), 0);
    assert_int_equal(store_get(store, hash, other, NULL, &fd, &note, NULL), -EKEYREJECTED);
    assert_int_equal(fd, -1);
}

static void names_that_are_not_hashes_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "..",
        "../../key",
        "/etc/passwd",
        "0123",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        "../23456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"};
    _cleanup_(store_closep) struct store *store = store_of_test();
    struct library_note note;
    char hash[BUILD_HASH_TEXT];
    int fd;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(store_get(store, names[i], key, NULL, &fd, &note, NULL), -EINVAL);
        assert_int_equal(store_find_built(store, names[i], hash), -EINVAL);
        assert_string_equal(hash, "");
        assert_int_equal(store_record_built(store, names[i], nobody, "", NULL), -EINVAL);
        assert_int_equal(store_record_built(store, nobody, names[i], "", NULL), -EINVAL);
    }
    struct err err = {0};
    assert_int_equal(store_get(store, nobody, key, NULL, &fd, &note, &err), -ENOENT);
    assert_message(err, "cannot find library");
}

static void a_build_is_found_while_its_library_is_there(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    char hash[BUILD_HASH_TEXT], found[BUILD_HASH_TEXT], path[512];
    assert_int_equal(store_find_built(store, nobody, found), 0);
    assert_string_equal(found, "");
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
    assert_int_equal(store_record_built(store, nobody, hash, "", NULL), 0);
    assert_int_equal(store_record_built(store, nobody, hash, "", NULL), 0);
    assert_int_equal(store_find_built(store, nobody, found), 0);
    assert_string_equal(found, hash);
    /* A damaged record is none. */
    snprintf(path, sizeof path, "%s/store/built/%s", scratch, nobody);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(store_find_built(store, nobody, found), 0);
    assert_string_equal(found, "");
    assert_int_equal(store_record_built(store, nobody, hash, "", NULL), 0);
    path_of(path, hash);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_find_built(store, nobody, found), 0);
    assert_string_equal(found, "");
}

static void purge_keeps_what_is_named_or_new(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    char hash[2][BUILD_HASH_TEXT], path[512], found[BUILD_HASH_TEXT];
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    ((char *)library)[0] ^= 1;
    assert_int_equal(store_put(store, library, library_size, hash[1], NULL), 0);
    ((char *)library)[0] ^= 1;
    assert_int_equal(store_put(store, library, library_size, hash[0], NULL), 0);
    assert_int_equal(store_record_built(store, nobody, hash[1], "", NULL), 0);
    assert_int_equal(store_purge(store, NULL, 0, 60), 0); /* both are new */
    for (int i = 0; i < 2; i++) {
        path_of(path, hash[i]);
        assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    }
    const char *keep[] = {hash[0], hash[1]};
    assert_int_equal(store_purge(store, keep, 2, 60), 0);
    assert_int_equal(store_purge(store, keep, 1, 60), 0); /* it was kept until a moment ago */
    path_of(path, hash[1]);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_int_equal(store_purge(store, keep, 1, 60), 1);
    assert_int_equal(access(path, F_OK), -1);
    path_of(path, hash[0]);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/store/built/%s", scratch, nobody);
    assert_int_equal(access(path, F_OK), -1); /* its record is gone with it */
    /* What is put again is new again. */
    assert_int_equal(store_put(store, library, library_size, found, NULL), 0);
    assert_int_equal(store_purge(store, NULL, 0, 60), 0);
}

/* Only being named by nobody makes a library old, whatever the machine's clock says. */
static void a_clock_that_jumps_removes_nothing_that_is_kept(void **state)
{
    (void)state;
    _cleanup_(store_closep) struct store *store = store_of_test();
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const struct timespec future[2] = {{.tv_sec = INT32_MAX}, {.tv_sec = INT32_MAX}};
    char hash[BUILD_HASH_TEXT], path[512];
    struct stat status;

    store_purge(store, NULL, 0, 0); /* of the tests before */
    assert_int_equal(store_put(store, library, library_size, hash, NULL), 0);
    path_of(path, hash);
    const char *keep[] = {nobody, hash};
    /* The clock went a long way forward since it was put: it is kept, and its age begins anew. */
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_int_equal(store_purge(store, keep, 2, 0), 0);
    assert_int_equal(store_purge(store, NULL, 0, 60), 0);
    /* It went back: what has a time that is yet to come ages from now. */
    assert_int_equal(utimensat(AT_FDCWD, path, future, 0), 0);
    assert_int_equal(store_purge(store, NULL, 0, 60), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_mtime <= time(NULL));
    /* Named by nobody now: age 0 removes it at once. */
    assert_int_equal(store_touch(store, hash), 0);
    assert_int_equal(store_purge(store, NULL, 0, 0), 1);
    assert_int_equal(store_touch(store, hash), -ENOENT);
    assert_int_equal(store_touch(store, "../key"), -EINVAL);
}

static void temporary_files_of_the_dead_are_removed(void **state)
{
    (void)state;
    char dead[512], own[512], alive[512], foreign[512];
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0); /* its pid is nobody's now */
    store_close(store_of_test());
    snprintf(dead, sizeof dead, "%s/store/lib/%s.so.%d.3.tmp", scratch, nobody, child);
    /* Of a process that had our pid; and of one that runs. */
    snprintf(own, sizeof own, "%s/store/lib/%s.so.%d.99999.tmp", scratch, nobody, getpid());
    snprintf(alive, sizeof alive, "%s/store/lib/%s.so.%d.99999.tmp", scratch, nobody, getppid());
    snprintf(foreign, sizeof foreign, "%s/store/lib/notes.tmp", scratch);
    const char *const paths[] = {dead, own, alive, foreign};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        close(open(paths[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    _cleanup_(store_closep) struct store *store = store_of_test();
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(own, F_OK), -1);
    /* Once it is open, such a file is being written. */
    close(open(own, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    store_purge(store, NULL, 0, 60);
    assert_int_equal(access(own, F_OK), 0);
    assert_int_equal(access(alive, F_OK), 0);
    assert_int_equal(access(foreign, F_OK), 0);
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, alive, long_ago, 0), 0);
    assert_int_equal(unlink(own), 0);
    store_close(store_of_test());
    assert_int_equal(access(alive, F_OK), -1);
}

static void a_store_needs_its_state_directory(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct err err = {0};
    assert_true(store_open("/nonexistent/state", &store, &err) < 0);
    assert_message(err, "cannot open store '/nonexistent/state/store'");
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got_sealed),
        cmocka_unit_test(an_image_may_be_smaller_than_a_signature),
        cmocka_unit_test(small_ones_are_got_without_waiting_and_checked_alike),
        cmocka_unit_test(the_store_is_the_owners_alone),
        cmocka_unit_test(damaged_and_foreign_files_are_refused),
        cmocka_unit_test(names_that_are_not_hashes_are_refused),
        cmocka_unit_test(a_build_is_found_while_its_library_is_there),
        cmocka_unit_test(purge_keeps_what_is_named_or_new),
        cmocka_unit_test(a_clock_that_jumps_removes_nothing_that_is_kept),
        cmocka_unit_test(temporary_files_of_the_dead_are_removed),
        cmocka_unit_test(a_store_needs_its_state_directory),
    };
    return cmocka_run_group_tests(tests, prepare, finish);
}
