/*
 * The layer io against its contracts, and what its names and descriptors must never reach. Calls
 * are made as proved code makes them: on the call stack, as a host's.
 */
#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vireo/io_native.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"
#include "guest/wasm_internal.h"

static char top[] = "/tmp/vireo-native-io-XXXXXX";
static struct host host;
static int connector[2];
static const char places[1][ENDPOINT_MAX_BYTES + 1] = {"db.example.org:5432"};

/* ---- a call ---- */

struct one {
    const char *name;
    const union argument *a;
    int64_t result;
};

static void enter(void *argument)
{
    struct one *one = argument;
    const union argument *a = one->a;
    const char *name = one->name, *text = (const char *)a[0].pointer;
    int32_t fd = (int32_t)a[0].number;
    void *to = (void *)(uintptr_t)a[1].pointer;
    uint32_t bytes = (uint32_t)a[1].number, room = (uint32_t)a[2].number;

    if (strcmp(name, "open") == 0)
        one->result = vireo_import_open(text, bytes, room);
    else if (strcmp(name, "read") == 0)
        one->result = vireo_import_read(fd, to, room);
    else if (strcmp(name, "pread") == 0)
        one->result = vireo_import_pread(fd, to, room, (int64_t)a[3].number);
    else if (strcmp(name, "write") == 0)
        one->result = vireo_import_write(fd, to, room);
    else if (strcmp(name, "pwrite") == 0)
        one->result = vireo_import_pwrite(fd, to, room, (int64_t)a[3].number);
    else if (strcmp(name, "lseek") == 0)
        one->result = vireo_import_lseek(fd, (int64_t)a[1].number, (int32_t)a[2].number,
                                         (int64_t *)(uintptr_t)a[3].pointer);
    else if (strcmp(name, "ftruncate") == 0)
        one->result = vireo_import_ftruncate(fd, (int64_t)a[1].number);
    else if (strcmp(name, "fsync") == 0)
        one->result = vireo_import_fsync(fd);
    else if (strcmp(name, "close") == 0)
        one->result = vireo_import_close(fd);
    else if (strcmp(name, "mkdir") == 0)
        one->result = vireo_import_mkdir(text, bytes);
    else if (strcmp(name, "unlink") == 0)
        one->result = vireo_import_unlink(text, bytes);
    else if (strcmp(name, "rmdir") == 0)
        one->result = vireo_import_rmdir(text, bytes);
    else if (strcmp(name, "rename") == 0)
        one->result =
            vireo_import_rename(text, bytes, (const char *)a[2].pointer, (uint32_t)a[3].number);
    else if (strcmp(name, "poll") == 0)
        one->result = vireo_import_poll(fd, (int32_t)a[1].number, (int32_t)room);
    else if (strcmp(name, "shutdown") == 0)
        one->result = vireo_import_shutdown(fd, (int32_t)a[1].number);
    else if (strcmp(name, "vireo_connect") == 0)
        one->result = vireo_import_connect(text, bytes);
    else
        one->result = INT64_MAX;
}

static int64_t call(const char *name, const union argument *a)
{
    struct one one = {.name = name, .a = a};

    assert_int_equal(wasm_enter(&host, enter, &one), HOST_RETURNED);
    assert_true(one.result != INT64_MAX);
    return one.result;
}

/* The buffer of an argument. */
#define AT(text)                          \
    {.pointer = (const uint8_t *)(text)}, \
    {                                     \
        .number = strlen(text)            \
    }
#define N(n)                    \
    {                           \
        .number = (uint64_t)(n) \
    }
#define CALL(name, ...) call(name, (union argument[ALLOW_PARAMS]){__VA_ARGS__})

/* ---- a host with a writable folder and one that is not ---- */

static int folder_open(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", top, name);
    mkdir(path, 0700);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int set_up(void **state)
{
    struct wasi_directory folders[2];
    char path[64];

    (void)state;
    if (!mkdtemp(top) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, connector) < 0)
        return -1;
    folders[0] = (struct wasi_directory){folder_open("granted"), "/granted", true};
    folders[1] = (struct wasi_directory){folder_open("fixed"), "/granted/fixed", false};
    snprintf(path, sizeof path, "%s/secret", top);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/granted/out", top);
    if (symlink("../secret", path) < 0)
        return -1;
    struct wasi_options options = {.directories = folders,
                                   .directory_count = 2,
                                   .connector = connector[0],
                                   .connects = places,
                                   .connect_count = 1,
                                   .platform = -1};
    return wasm_runtime_init(NULL) < 0 || wasm_stack_prepare() < 0 ||
                   wasi_new(&options, &host.wasi, NULL) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    wasi_free(host.wasi);
    snprintf(command, sizeof command, "rm -r %s", top);
    return system(command);
}

/* ---- tests ---- */

static void each_keeps_its_contract_at_every_length(void **state)
{
    /* Open: of a file. The others: the log, a folder, what is not there, no number of a table. */
    static const int64_t fds[] = {5, 2, 3, 4, 17, -1, 5000, INT32_MAX, INT32_MIN};
    static const int64_t longs[] = {0, 1, 40, -1, INT64_MAX, INT64_MIN};
    static const uint64_t lengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 40, 4000, 4096};
    uint8_t *pages[ALLOW_PARAMS];
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < ALLOW_PARAMS; i++)
        pages[i] = contract_page();
    for (size_t e = 0; e < allow_entry_count; e++) {
        const struct allow_entry *entry = &allow_entries[e];
        if (entry->layer != ALLOW_IO)
            continue;
        seen++;
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (size_t f = 0; f < sizeof fds / sizeof *fds; f++)
                for (size_t n = 0; n < sizeof longs / sizeof *longs; n++) {
                    union argument a[ALLOW_PARAMS];
                    for (unsigned i = 0; i < ALLOW_PARAMS; i++)
                        a[i].number = entry->params[i].kind == ALLOW_SIZE   ? lengths[l]
                                      : entry->params[i].kind == ALLOW_LONG ? (uint64_t)longs[n]
                                      : i == 0                              ? (uint64_t)fds[f]
                                                                            : n;
                    wasi_reset(host.wasi);
                    assert_int_equal(CALL("open", AT("/granted/file"), N(O_RDWR | O_CREAT)), 5);
                    contract_check(entry, a, pages, (l + f + n) % 2, "/granted/abc", call);
                }
    }
    assert_true(seen >= 15);
    wasi_reset(host.wasi);
}

static void what_fills_does_so_also_where_it_fails(void **state)
{
    int64_t at = 77;

    (void)state;
    assert_int_equal(CALL("lseek", N(-1), N(0), N(0), {.pointer = (uint8_t *)&at}), -EBADF);
    assert_true(at == 0);
}

static void no_name_leads_out(void **state)
{
    static const struct {
        const char *path;
        int error;
    } names[] = {
        {"", ENOENT},
        {"/", ENOENT},
        {"/etc/passwd", ENOENT},
        {"etc/passwd", ENOENT},
        {"..", ENOENT},
        {"/grantedx/a", ENOENT},
        {"/grante", ENOENT},
        {"/granted/../secret", EPERM},
        {"/granted/./../granted/../secret", EPERM},
        {"/granted/..", EPERM},
        {"/granted/out", EPERM},
        {"/granted/fixed/../../secret", EPERM},
        {"/granted/none/../../secret", ENOENT},
        {"/granted", EISDIR},
        {"/granted/", EISDIR},
        {"/granted/fixed", EISDIR},
    };
    char longest[5000];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(CALL("open", AT(names[i].path), N(O_RDONLY)), -names[i].error);
    assert_int_equal(call("open",
                          (union argument[ALLOW_PARAMS]){
                              {.pointer = (uint8_t *)"/granted/a\0b"}, N(12), N(O_RDONLY)}),
                     -EINVAL);
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "/granted/", 9);
    longest[4999] = 0;
    assert_int_equal(CALL("open", AT(longest), N(O_RDONLY)), -ENAMETOOLONG);
    assert_true(CALL("unlink", AT("/granted/out")) == 0); /* the link itself */
    assert_true(CALL("unlink", AT("/granted/../secret")) < 0);
    assert_true(CALL("rename", AT("/granted/file"), AT("/granted/../file")) < 0);
    assert_true(CALL("mkdir", AT("/granted/../folder")) < 0);
    assert_true(CALL("rmdir", AT("/granted/..")) < 0);
    char secret[64];
    snprintf(secret, sizeof secret, "%s/secret", top);
    assert_int_equal(access(secret, F_OK), 0);
}

static void a_folder_that_is_read_only_is_not_written(void **state)
{
    (void)state;
    static const uint32_t flags[] = {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_int_equal(CALL("open", AT("/granted/fixed/a"), N(flags[i])), -EACCES);
    assert_int_equal(CALL("mkdir", AT("/granted/fixed/a")), -EACCES);
    assert_int_equal(CALL("unlink", AT("/granted/fixed/a")), -EACCES);
    assert_int_equal(CALL("rename", AT("/granted/file"), AT("/granted/fixed/a")), -EACCES);
    /* Flags that are for others: paths, unnamed files, signals. */
    static const uint32_t refused[] = {O_PATH,    O_TMPFILE | O_RDWR, O_ASYNC,     O_DIRECT,
                                       O_ACCMODE, 1u << 31,           O_DIRECTORY, O_NOATIME};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(CALL("open", AT("/granted/file"), N(refused[i])), -EINVAL);
}

static void a_descriptor_is_what_was_opened_and_no_more(void **state)
{
    char text[8];

    (void)state;
    int64_t reads = CALL("open", AT("/granted/file"), N(O_RDONLY | O_CREAT));
    int64_t writes = CALL("open", AT("/granted/file"), N(O_WRONLY | O_TRUNC));
    assert_true(reads >= 5 && writes == reads + 1);
    assert_int_equal(CALL("write", N(reads), AT("x")), -EBADF);
    assert_int_equal(CALL("ftruncate", N(reads), N(0)), -EINVAL);
    assert_int_equal(CALL("read", N(writes), {.pointer = (uint8_t *)text}, N(8)), -EBADF);
    assert_int_equal(CALL("write", N(writes), AT("four")), 4);
    assert_int_equal(CALL("read", N(reads), {.pointer = (uint8_t *)text}, N(8)), 4);
    assert_memory_equal(text, "four", 4);
    assert_int_equal(CALL("shutdown", N(reads), N(2)), -ENOTSOCK);
    assert_int_equal(CALL("close", N(reads)), 0);
    assert_int_equal(CALL("close", N(reads)), -EBADF);
    assert_int_equal(CALL("close", N(writes)), 0);
    /* Folders are opened by name alone, and stay. */
    assert_int_equal(CALL("close", N(3)), -EBADF);
    assert_int_equal(CALL("fsync", N(3)), -EBADF);
}

static void descriptors_end(void **state)
{
    unsigned count = 0;
    int64_t fd;

    (void)state;
    while ((fd = CALL("open", AT("/granted/file"), N(O_RDONLY | O_CREAT))) >= 0)
        count++;
    assert_int_equal(fd, -EMFILE);
    assert_true(count <= WASI_FDS_MAX);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(CALL("close", N(5 + i)), 0);
}

static void a_connection_is_to_a_place_of_the_manifest(void **state)
{
    static const char *const others[] = {"", "db.example.org:543", "db.example.org:54322",
                                         "DB.example.org:5432", "127.0.0.1:5432"};
    struct guest_connect asked;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(CALL("vireo_connect", AT(others[i])), -EACCES);
    assert_int_equal(recv(connector[1], &asked, sizeof asked, MSG_DONTWAIT), -1);
    /* The connector refuses, and is gone. */
    assert_int_equal(send(connector[1], &(struct guest_connected){-ECONNREFUSED},
                          sizeof(struct guest_connected), 0),
                     sizeof(struct guest_connected));
    assert_int_equal(CALL("vireo_connect", AT("db.example.org:5432")), -ECONNREFUSED);
    close(connector[1]);
    assert_true(CALL("vireo_connect", AT("db.example.org:5432")) < 0);
}

static void outside_of_a_call_there_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(vireo_import_open("/granted/file", 13, O_RDONLY), -EACCES);
    assert_int_equal(vireo_import_close(5), -EBADF);
    assert_int_equal(vireo_import_connect("db.example.org:5432", 19), -EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_keeps_its_contract_at_every_length),
        cmocka_unit_test(what_fills_does_so_also_where_it_fails),
        cmocka_unit_test(no_name_leads_out),
        cmocka_unit_test(a_folder_that_is_read_only_is_not_written),
        cmocka_unit_test(a_descriptor_is_what_was_opened_and_no_more),
        cmocka_unit_test(descriptors_end),
        cmocka_unit_test(a_connection_is_to_a_place_of_the_manifest),
        cmocka_unit_test(outside_of_a_call_there_is_nothing),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
