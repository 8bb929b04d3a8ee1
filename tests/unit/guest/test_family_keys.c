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
    int error;    /* its answer to what is wanted or sought */
    bool silent;  /* none */
    bool quicker; /* another member makes it before the answer */
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
        if (message.type != KIN_KEY_WANTED && message.type != KIN_KEY_SOUGHT)
            continue;
        if (world->quicker)
            msgget(message.key, IPC_CREAT | 0600);
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

/* What was said is this, in this order. */
static void assert_said(const struct world *world, const enum kin_type *types, unsigned count)
{
    assert_int_equal(world->count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(world->got[i].type, types[i]);
        assert_int_equal(world->got[i].key, KEY);
    }
}

static void a_key_is_told_before_it_is_there_and_when_it_goes(void **state)
{
    static const enum kin_type types[] = {KIN_KEY_WANTED, KIN_KEY_MADE, KIN_KEY_REMOVED,
                                          KIN_KEY_WANTED, KIN_KEY_MADE, KIN_KEY_REMOVED,
                                          KIN_KEY_WANTED, KIN_KEY_MADE};
    struct world *world = *state;

    listen_now(world);
    int queue = family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600);
    assert_true(queue >= 0);
    /* One that is there is nothing new. */
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600), queue);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, 0), queue);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | IPC_EXCL | 0600),
                     -EEXIST);
    assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, queue), 0);
    assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, queue), -EINVAL);
    int memory = family_key_get(&world->family, KIN_MEMORY, KEY, 64, IPC_CREAT | IPC_EXCL | 0600);
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 8192, 0), -EINVAL);
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 8192, IPC_CREAT | IPC_EXCL),
                     -EEXIST);
    assert_int_equal(family_key_remove(&world->family, KIN_MEMORY, memory), 0);
    /* What nobody may read has a key that nobody knows when it goes: the supervisor looks. */
    int secret = family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0200);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, 0600), -EACCES);
    assert_int_equal(family_key_remove(&world->family, KIN_QUEUE, secret), 0);
    hear_out(world);
    assert_said(world, types, 8);
    assert_int_equal(world->got[1].value, queue);
    assert_int_equal(world->got[2].value, queue);
    assert_int_equal(world->got[4].value, memory);
    assert_int_equal(world->got[5].kind, KIN_MEMORY);
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

/* The question waits a second; the other answer is that there are too many. */
static void a_key_that_the_supervisor_does_not_take_is_not_made(void **state)
{
    static const enum kin_type types[] = {KIN_KEY_WANTED, KIN_KEY_WANTED};
    struct world *world = *state;

    world->silent = true;
    listen_now(world);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600), -EAGAIN);
    world->silent = false;
    world->error = ENOSPC;
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 64, IPC_CREAT | 0600),
                     -ENOSPC);
    assert_int_equal(msgget(KEY, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(shmget(KEY, 0, 0), -1);
    assert_int_equal(errno, ENOENT);
    hear_out(world);
    assert_said(world, types, 2);
}

static void a_key_whose_owner_is_not_told_is_neither_anothers_nor_nobodys(void **state)
{
    struct world *world = *state;

    world->silent = true;
    listen_now(world);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, 0), -EAGAIN);
    world->silent = false;
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_EXCL), -ENOENT);
    world->error = EPERM;
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 0, 0), -EPERM);
    hear_out(world);
    /* Where there is no supervisor it is nobody's. */
    const int socket = world->family.kin;
    world->family.kin = -1;
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, 0), -ENOENT);
    world->family.kin = socket;
}

static void who_is_quicker_has_made_it(void **state)
{
    static const enum kin_type types[] = {KIN_KEY_WANTED, KIN_KEY_WANTED};
    struct world *world = *state;

    world->quicker = true;
    listen_now(world);
    int id = family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | 0600);
    assert_true(id >= 0);
    assert_int_equal(msgctl(id, IPC_RMID, NULL), 0);
    assert_int_equal(family_key_get(&world->family, KIN_QUEUE, KEY, 0, IPC_CREAT | IPC_EXCL | 0600),
                     -EEXIST);
    assert_int_equal(msgctl(msgget(KEY, 0), IPC_RMID, NULL), 0);
    hear_out(world);
    assert_said(world, types, 2);
}

static void what_the_kernel_does_not_make_is_told(void **state)
{
    static const enum kin_type types[] = {KIN_KEY_WANTED, KIN_KEY_MADE};
    struct world *world = *state;

    listen_now(world);
    assert_int_equal(family_key_get(&world->family, KIN_MEMORY, KEY, 0, IPC_CREAT | 0600), -EINVAL);
    hear_out(world);
    assert_said(world, types, 2);
    assert_int_equal(world->got[1].value, -1);
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
        cmocka_unit_test_setup_teardown(a_key_is_told_before_it_is_there_and_when_it_goes, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_has_no_key_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(a_key_that_the_supervisor_does_not_take_is_not_made, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_key_whose_owner_is_not_told_is_neither_anothers_nor_nobodys, begin, end),
        cmocka_unit_test_setup_teardown(who_is_quicker_has_made_it, begin, end),
        cmocka_unit_test_setup_teardown(what_the_kernel_does_not_make_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_full_socket_loses_no_removal, begin, end),
    };

    if (!alone()) {
        print_message("no namespace of IPC here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
