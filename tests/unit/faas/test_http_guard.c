/* What becomes of a connection that brings its head late, or nothing: over loopback, in real time.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "faas/gateway_loop.h"
#include "faas/http_guard.h"
#include "gateway_test.h"

static const char slow_head[] = "HTTP/1.1 408 a head\r\n\r\n";
static const char slow_body[] = "HTTP/1.1 408 a body\r\n\r\n";

struct peer {
    int near, far; /* the server's end, the client's */
    struct guarded *guarded;
};

static struct loop *loop;
static struct guard *guard;

static int open_guard(void **state)
{
    (void)state;
    const struct guard_options options = {.connections_max = 64,
                                          .idle_seconds = 1,
                                          .answers_max_bytes = 1 << 20,
                                          .slow_head = slow_head,
                                          .slow_body = slow_body};
    if (loop_new(&loop, NULL) < 0)
        return -1;
    guard = guard_new(loop, &options);
    return guard ? 0 : -1;
}

static int close_guard(void **state)
{
    (void)state;
    guard_free(guard);
    loop_free(loop);
    return 0;
}

static struct peer peer_open(const char *first)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    struct peer peer;
    _cleanup_(closep) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    peer.far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer.far, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(write(peer.far, first, strlen(first)), strlen(first));
    peer.near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(peer.near >= 0);
    loop_clock(loop);
    peer.guarded = guard_open(guard, peer.near);
    assert_non_null(peer.guarded);
    return peer;
}

static void peer_close(struct peer *peer)
{
    guard_close(peer->guarded);
    close(peer->near);
    close(peer->far);
}

/* What the peer was sent, all in one piece here; whether its end is there, too. */
static bool peer_read(const struct peer *peer, char ret_text[256])
{
    ssize_t n = recv(peer->far, ret_text, 255, MSG_DONTWAIT);

    ret_text[n > 0 ? n : 0] = '\0';
    return n == 0 || (n > 0 && recv(peer->far, &(char){0}, 1, MSG_DONTWAIT) == 0);
}

static void rounds(unsigned seconds)
{
    uint64_t end;

    loop_clock(loop);
    end = loop_now(loop) + seconds * 1000000000ull;
    while (loop_now(loop) < end) {
        assert_true(loop_round(loop, 50) >= 0);
        loop_clock(loop);
    }
}

static void a_head_that_does_not_end_gets_408_and_an_idle_connection_nothing(void **state)
{
    char text[256];

    (void)state;
    struct peer idle = peer_open(""), stuck = peer_open("GET / HT"), kept = peer_open("GET"),
                late = peer_open("GET");
    /* These have been served, one is idle since, the other begins its next request later. */
    char piece[8];
    assert_int_equal(read(kept.near, piece, sizeof piece), 3);
    assert_int_equal(read(late.near, piece, sizeof piece), 3);
    guard_wait(kept.guarded);
    guard_idle(kept.guarded);
    guard_wait(late.guarded);
    guard_idle(late.guarded);
    usleep(300000);
    assert_int_equal(write(late.far, "GET /next", 9), 9);

    rounds(3);
    assert_true(peer_read(&idle, text));
    assert_string_equal(text, "");
    assert_true(peer_read(&kept, text));
    assert_string_equal(text, "");
    assert_false(peer_read(&stuck, text));
    assert_false(peer_read(&late, text));
    assert_int_equal(guard_stats(guard)->slow, 0);

    rounds(GUARD_HEAD_SECONDS);
    assert_true(peer_read(&stuck, text));
    assert_string_equal(text, slow_head);
    assert_true(peer_read(&late, text));
    assert_string_equal(text, slow_head);
    assert_int_equal(guard_stats(guard)->slow, 2);
    peer_close(&idle);
    peer_close(&stuck);
    peer_close(&kept);
    peer_close(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_head_that_does_not_end_gets_408_and_an_idle_connection_nothing, open_guard,
            close_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
