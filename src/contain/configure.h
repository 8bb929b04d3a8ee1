/* The one configuration (config.json, as an engine would write it) of a function's containers. */
#pragma once

struct contain;
struct err;
struct talk;

/* Fills contain->config from the set-up. */
int configure(struct contain *contain, const struct talk *talk, struct err *err);
