/* Variables of functions whose values come from files of the operator's. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/cleanup.h"
#include "faas/supervisor_config.h"
#include "pvm/pvm.h"

struct err;

/* A file as it was when it was read: another one has something different. */
struct secret_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* By the index of the manifest's env; nothing where a variable is no secret. */
struct secrets {
    char *values[GRANT_ENV_MAX];
    struct secret_stamp stamps[GRANT_ENV_MAX];
};

/*
 * Every secret's file is below a directory that the operator names, root's or the operator's,
 * and nobody else's to read; else -EPERM, naming the variable and the file. No value is read.
 */
int secrets_check(const struct supervisor_config *config, const struct manifest *manifest,
                  struct err *err);
/* Checks and reads them. *ret_secrets is the caller's, and NULL when there are none. */
int secrets_read(const struct supervisor_config *config, const char *function,
                 const struct manifest *manifest, struct secrets **ret_secrets, struct err *err);
/* Wipes the values and keeps the stamps. NULL is fine. */
void secrets_forget(struct secrets *secrets);
void secrets_free(struct secrets *secrets);
DEFINE_CLEANUP(struct secrets, secrets_free)
/* The files are still those that were read, and still good. Three system calls a secret. */
bool secrets_are_current(const struct supervisor_config *config, const struct manifest *manifest,
                         const struct secrets *secrets);
