/* The guest program: a template. */
#pragma once

/* Serves its host on GUEST_CONTROL_FD until that closes; returns the exit status. */
int template_main(void);
