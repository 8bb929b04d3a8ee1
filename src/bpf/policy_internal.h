/* What the files of the policy share. */
#pragma once

#include "bpf/policy.h"

/* Linux 6.2; the headers may be older. */
#define MAP_CGRP_STORAGE 32

/* A pattern of the policy's has the point, and all that it has if that is a pattern of its own. */
bool policy_allows_point(const char *pattern, const char *point);
