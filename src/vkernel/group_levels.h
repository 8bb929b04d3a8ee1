/* How deep below the root of v2 a group may lie for the programs in the kernel that look for it. */
#pragma once

#define GROUP_LEVELS_MAX 12
