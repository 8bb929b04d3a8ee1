/* Virtual kernels of containers: the OCI runtime is asked, which keeps them. */
#pragma once

#include <stdbool.h>

struct json_object;

/* Whether `name` is a container's: pVMs have numbers. */
bool vk_is_container(const char *name);

/*
 * Runs `vireo-runtime vk WORDS`; what it prints is JSON, the caller's. Its errors go to standard
 * error as they are. An exit code.
 */
int vk_container_ask(const char *const *words, struct json_object **ret_answer);
