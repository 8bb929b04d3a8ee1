/* vireo-bpf skel NAME: reads an object from standard input, writes a header for guests. */
#pragma once

/* The program's exit status. `name` is a C name. */
int skeleton_main(const char *name);
