/* vireo run, for who wants to know what it did. */
#pragma once

struct vk_learned;

/*
 * As `vireo run` with these words (argv[0] is passed over), with every system call of the instance
 * counted. An exit code of ours; *ret_exit is the run's.
 */
int run_learn(int argc, char **argv, struct vk_learned *learned, int *ret_exit);
