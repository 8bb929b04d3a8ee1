/* What program and guest share: slot n counts waits below 2^n microseconds. */
#pragma once

#define SLOTS 24
