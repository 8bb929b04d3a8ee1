/* What the runtime's sources have of glibc and musl has not; included ahead of each of them. */
#pragma once

/* "EPERM"; NULL: there is none of this number. */
const char *strerrorname_np(int number);
/* "TERM" */
const char *sigabbrev_np(int number);
