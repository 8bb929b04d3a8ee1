/* The instance's side of control.h. */
#pragma once

struct channel;
struct template_state;

/*
 * Does what lies in the control socket, and answers. Only between two calls, where no code of a
 * library is on the stack. System calls: recvmsg, mmap, mprotect, munmap, close, write.
 */
void control_serve(struct template_state *state, struct channel *channel);
