/* The HTTP server's own: shared by gateway_http.c, http_connection.c and http_reply.c. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faas/gateway_http.h"
#include "faas/gateway_loop.h"
#include "faas/http_head.h"

/* Of a connection that has begun a request; given back when the request is over. */
#define INPUT_SMALL (4u << 10)
/* Heads that need more get this; all of them together at most INPUTS_LARGE_MAX. */
#define INPUT_LARGE (64u << 10)
#define INPUTS_LARGE_MAX 1024
/* Bodies are read through one buffer of the server. Of chunks no more at once than fits an input
 * behind the longest head: the next request may follow them. */
#define SCRATCH_BYTES (256u << 10)
#define CHUNKS_READ_BYTES (16u << 10)
/* What one turn of a connection may read before it is another's. */
#define TURN_BYTES (256u << 10)
/* Objects kept for the next one, so that a steady load allocates none. */
#define SPARE_MAX 1024
/* A refused body is read to its end if it is not longer, so that the connection can go on. */
#define DISCARD_MAX (1u << 20)
/* A client that still sends when its connection is closed often sees the reset, not the reply: for
 * so long it is listened to. */
#define LINGER_NS 2000000000ull
#define LINGER_MAX_BYTES (16u << 20)

#define SECOND_NS 1000000000ull

/*
 * Connections that have something to do wait in lanes, one for each function (by a hash of the
 * target's first two segments); lane 0 has those that have not said what they want. Each turn
 * serves one connection of the next lane, so that a lane with a thousand connections delays the
 * others by one turn each.
 */
#define LANES 64
#define TURNS 64 /* a run; between runs the loop delivers answers */
#define ACCEPTS 16

struct connection;

struct request {
    struct http_request public; /* first: a http_request is a request */
    struct request *next;       /* while it is spare */
    struct connection *connection;
    bool replied;
    bool discard; /* what is left of the body is nobody's */
    bool streaming;
    ssize_t (*read)(struct http_request *request, char *buffer, size_t max);

    /* Of the reply, what the socket did not take yet. */
    char *rest; /* malloc'ed: head, and a body that is not owned */
    size_t rest_at, rest_bytes;
    const char *body;
    size_t body_left;
    void (*release)(void *owner);
    void *owner;
    size_t held_bytes; /* counted in server->held_bytes */

    uint64_t body_taken; /* bytes of the body so far */
    struct http_chunks chunks;
    struct http_head head; /* last: its end is not cleared */
};

enum connection_state {
    CONNECTION_HEAD,   /* waits for a request, or for the rest of its head */
    CONNECTION_BEGIN,  /* has a head, waits for its turn in the lane of its function */
    CONNECTION_BODY,   /* the body comes in */
    CONNECTION_WAIT,   /* a complete request waits for its reply, or for the reply to be taken */
    CONNECTION_LINGER, /* all is said: until the peer has read it */
};

struct connection {
    struct connection *next, *previous; /* in server->idle or ->busy, oldest first */
    struct connection *lane_next;
    struct http_server *server;
    struct request *request;
    struct loop_watch watch;
    struct loop_timer timer; /* armed for deadline_ns or earlier */
    uint64_t deadline_ns;
    uint64_t since_ns; /* of what the deadline is about */
    char *input;
    uint32_t input_bytes, input_capacity, input_at; /* what was used of it */
    struct http_scan scan;
    enum connection_state state;
    uint8_t lane;
    bool in_lane, idle;
    bool readable, writable, peer_closed; /* as epoll said last */
    bool broken;                          /* nothing more can be sent */
    bool close_behind;                    /* this reply is the last */
    uint64_t sent_bytes;                  /* of the present reply */
    struct sockaddr_in6 peer;             /* or a sockaddr_in; family 0: none */
};

struct connection_list {
    struct connection *first, *last;
};

struct http_server {
    struct loop *loop;
    const struct http_callbacks *callbacks;
    void *user;
    struct http_options options;
    struct loop_watch listener;
    struct loop_timer accept_timer; /* descriptors ran out: try again */
    bool listening, acceptable;

    struct connection_list idle, busy;
    unsigned connection_count, active;
    struct {
        struct connection *first, *last;
    } lanes[LANES];
    uint64_t lanes_used; /* a bit each */
    unsigned lane_last;
    struct connection *in_turn; /* whose turn runs */

    struct connection *spare_connections;
    struct request *spare_requests;
    char *spare_inputs; /* linked through their first bytes */
    unsigned spare_connection_count, spare_request_count, spare_input_count;
    unsigned large_inputs;
    size_t held_bytes; /* of replies that wait for their readers */
    struct http_stats stats;

    time_t date_second;
    char date[40];
    char scratch[SCRATCH_BYTES];
};

/* gateway_http.c */
void connection_ready(struct connection *connection); /* into its lane */
void connection_close(struct connection *connection);
void connection_set_idle(struct connection *connection, bool idle);
void connection_deadline(struct connection *connection, uint64_t deadline_ns);
struct request *request_take(struct connection *connection);
void request_put(struct request *request);
int input_grow(struct connection *connection);
void input_put(struct connection *connection);

/* http_connection.c */
/* One turn. True when it wants another at once. May have closed the connection. */
bool connection_turn(struct connection *connection);
/* The deadline of what it does has come. */
void connection_late(struct connection *connection);
void connection_begin(struct connection *connection);

/* http_reply.c */
/* Sends what is left of the reply. True when all is gone, or can't be sent any more. */
bool reply_send(struct connection *connection);
void reply_drop(struct request *request); /* its memory */
/* A problem of the server's own, for a request that no receiver has seen; the last reply. */
void reply_refusal(struct connection *connection, const struct http_refusal *refusal);
void send_continue(struct connection *connection);
