/* What a family tells its supervisor of keys: the kernel's own queues, in a namespace of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/family.h"

#define KEY 0x4711

/* The supervisor, as far as it answers. */
struct world {
    struct family family;
    int end;
    int error;   /* its answer to what is made */
    bool silent; /* none */
    bool steals; /* another member removes it before the answer */
    pthread_t thread;
    struct kin_message got[16];
    unsigned count;
};

static struct kin_page page;

static void answer(const struct kin_message *message, int error)
{
    struct kin_answer *place = &page.answers[message->ticket % KIN_ANSWERS];

    atomic_store(&place->error, error);
    atomic_store(&place->ticket, message->ticket);
}

static void *listen_to(void *data)
{
    struct world *world = data;
    struct kin_message message;

    while (read(world->end, &message, sizeof message) == sizeof message) {
        if (message.type == KIN_FORK_REFUSED) /* what the socket was filled with */
            continue;
        if (world->count < 16)
            world->got[world->count++] = message;
        if (message.type != KIN_KEY_MADE)
            continue;
        if (world->steals)
            msgctl(message.value, IPC_RMID, NULL);
        if (!world->silent)
            answer(&message, world->error);
    }
    return NULL;
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    int sockets[2];

    assert_non_null(world);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    world->family = (struct family){.kin = sockets[0], .page = &page};
    world->end = sockets[1];
    *state = world;
    return 0;
}

static void listen_now(struct world *world)
{
    assert_int_equal(pthread_create(&world->thread, NULL, listen_to, world), 0);
}

/* All that was said has been taken. */
static void hear_out(struct world *world)
{
    shutdown(world->family.kin, SHUT_WR);
    pthread_join(world->thread, NULL);
}

static int end(void **state)
{
    struct world *world = *state;

    close(world->family.kin);
    close(world->end);
    free(world);
    return 0;
}

static void what_nobody_may_read_is_told_when_it_goes(void **state)
{
    struct world *world = *state;
    int modes[] = {0200, 0, 0600};

    listen_now(world);
    for (unsigned i = 0; i < 3; i++) {
        int id = family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | modes[i]);
        assert_true(id >= 0);
        struct msqid_ds known;
        assert_int_equal(msgctl(id, IPC_STAT, &known), modes[i] == 0600 ? 0 : -1);
        assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, id), 0);
        assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, id), -EINVAL);
    }
    int id = family_key_get(&world->family, KIN_MEMORY, KEY, 4096, IPC_CREAT | 0200);
    assert_int_equal(family_key_remove(&world->family, KIN_MEMORY, id), 0);
    hear_out(world);
    assert_int_equal(world->count, 8);
    for (unsigned i = 0; i < 8; i += 2) {
        assert_int_equal(world->got[i].type, KIN_KEY_MADE);
        assert_int_equal(world->got[i].key, KEY);
        assert_int_equal(world->got[i + 1].type, KIN_KEY_REMOVED);
        assert_int_equal(world->got[i + 1].value, world->got[i].value);
        assert_int_equal(world->got[i + 1].kind, world->got[i].kind);
    }
}

static void what_has_no_key_is_not_told(void **state)
{
    struct world *world = *state;

    listen_now(world);
    int id = family_key_get(&world->family, KIN_QUEUE, IPC_PRIVATE, 0, 0600);
    assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, id), 0);
    hear_out(world);
    assert_int_equal(world->count, 0);
}

static void a_key_that_the_supervisor_does_not_know_is_not_kept(void **state)
{
    struct world *world = *state;

    world->silent = true;
    listen_now(world);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600), -EAGAIN);
    assert_int_equal(msgget(KEY, 0), -1);
    assert_int_equal(errno, ENOENT);
    hear_out(world);
    /* It may take the question later. */
    assert_int_equal(world->count, 2);
    assert_int_equal(world->got[1].type, KIN_KEY_REMOVED);
    assert_int_equal(world->got[1].value, world->got[0].value);
}

static void a_key_beyond_the_limit_is_not_kept(void **state)
{
    struct world *world = *state;

    world->error = ENOSPC;
    listen_now(world);
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 64, IPC_CREAT | 0600),
                     -ENOSPC);
    assert_int_equal(shmget(KEY, 0, 0), -1);
    assert_int_equal(errno, ENOENT);
    hear_out(world);
}

static void what_is_removed_before_it_is_known_is_told_afterwards(void **state)
{
    struct world *world = *state;

    world->steals = true;
    listen_now(world);
    int id = family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600);
    hear_out(world);
    assert_int_equal(world->count, 2);
    assert_int_equal(world->got[1].type, KIN_KEY_REMOVED);
    assert_int_equal(world->got[1].value, id);
}

static void a_full_socket_loses_no_removal(void **state)
{
    struct world *world = *state;
    const struct kin_message noise = {.type = KIN_FORK_REFUSED};

    assert_int_equal(fcntl(world->family.kin, F_SETFL, O_NONBLOCK), 0);
    int id = msgget(KEY, IPC_CREAT | 0600);
    while (write(world->family.kin, &noise, sizeof noise) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    /* It listens again after a moment, as after a flood. */
    pid_t pid = fork();
    if (pid == 0) {
        usleep(100000);
        _exit(family_key_remove(&world->family, KIN_QUEUE, id) == 0 ? 0 : 1);
    }
    usleep(300000);
    listen_now(world);
    int status = 1;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    hear_out(world);
    assert_int_equal(world->count, 1);
    assert_int_equal(world->got[0].type, KIN_KEY_REMOVED);
    assert_int_equal(world->got[0].value, id);
}

/* As a family's members are: owner of its names, and without a capability. */
static bool alone(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0};

    return unshare(geteuid() == 0 ? CLONE_NEWIPC : CLONE_NEWUSER | CLONE_NEWIPC) == 0 &&
           syscall(SYS_capset, &header, none) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_nobody_may_read_is_told_when_it_goes, begin, end),
        cmocka_unit_test_setup_teardown(what_has_no_key_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(a_key_that_the_supervisor_does_not_know_is_not_kept, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_key_beyond_the_limit_is_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(what_is_removed_before_it_is_known_is_told_afterwards,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_socket_loses_no_removal, begin, end),
    };

    if (!alone()) {
        print_message("no namespace of IPC here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
