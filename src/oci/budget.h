/*
 * The budget of system calls, by stage: of the usual container (namespaces but the network's, the
 * groups of v1's trees, no terminal, no limits, no filter; `plain` of bench/run-oci.sh), which
 * reads the numbers below from here, counts with strace and says what is over. A stage that needs
 * more has a reason, and its number is changed with it. What the init's part is made of:
 * oci/init/plan.h.
 */
#pragma once

/* `run` to its end: the command, the init and the program (glibc's own start is some 15). */
#define OCI_CALLS_RUN 440
/* `create`: the command, and the init until the container waits. */
#define OCI_CALLS_CREATE 360
/* The init from the start on, with the program. */
#define OCI_CALLS_PROGRAM 68
/* `start`, the command. */
#define OCI_CALLS_START 42
/* `delete` of a stopped container, the command. */
#define OCI_CALLS_DELETE 120
