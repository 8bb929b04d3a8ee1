/* vireo vk learn: argv[0] is "learn". An exit code: the run's. */
#pragma once

int vk_learn(int argc, char **argv);
