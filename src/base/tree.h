/* A directory with all that is in it. */
#pragma once

/*
 * Removes `name` below `dir_fd`. Nobody else may write in either: folders are moved beside it while
 * they are emptied, so that none is too deep and no path too long. Links are removed, not followed.
 * 0 also when it is not there; -errno.
 */
int tree_remove(int dir_fd, const char *name);
