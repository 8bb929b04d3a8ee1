/* An instance between two calls: waiting for the next, and saying that one is done. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct template_state;

/* Sleeps until there is a request beyond the first `done`; serves the control socket meanwhile. */
void wait_request(struct template_state *state, struct channel *channel, uint32_t done);
/* The slot of request `number`, taken for good; false when it was withdrawn. */
bool wait_take(struct channel *channel, uint32_t number, uint32_t *ret_slot);
/*
 * The host is told when there is nothing more to do: each event would put the instance aside for
 * the host's sake. Should the next request take long, the host looks by itself.
 */
void wait_publish(struct channel *channel, uint32_t number);
