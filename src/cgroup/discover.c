/* Where the control group trees are: /proc/self/mountinfo and /proc/self/cgroup, read as text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/internal.h"

#define LINE_MAX_BYTES 4096

/* The kernel writes space, tab, newline and backslash as \ooo (proc_pid_mountinfo(5)). */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        unsigned code;
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            code = (unsigned)(from[1] - '0') * 64 + (unsigned)(from[2] - '0') * 8 +
                   (unsigned)(from[3] - '0');
            *to++ = (char)code;
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* Copies a word; false when it is missing or does not fit. */
static bool word_copy(const char *word, char *to, size_t size)
{
    if (!word || strlen(word) >= size)
        return false;
    strcpy(to, word);
    return true;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPEROPTIONS */
static bool mount_parse(char *line, struct cgroup_mount *mount)
{
    char *dash = strstr(line, " - ");
    if (!dash)
        return false;
    *dash = '\0';

    char *rest = dash + 3;
    const char *type = strsep(&rest, " ");
    strsep(&rest, " "); /* source: a name that anyone may choose */
    const char *options = strsep(&rest, " ");
    bool unified = strcmp(type, "cgroup2") == 0;
    if (!unified && strcmp(type, "cgroup") != 0)
        return false;

    char *fields = line;
    strsep(&fields, " ");
    strsep(&fields, " ");
    strsep(&fields, " ");
    const char *root = strsep(&fields, " ");
    const char *point = strsep(&fields, " ");
    mount->unified = unified;
    if (!word_copy(root, mount->root, sizeof mount->root) ||
        !word_copy(point, mount->point, sizeof mount->point) ||
        !word_copy(options, mount->controllers, sizeof mount->controllers))
        return false;
    unescape(mount->root);
    unescape(mount->point);
    return mount->root[0] == '/' && mount->point[0] == '/';
}

/* The next line of *text into `line`; false at the end. A line that is too long comes out empty. */
static bool line_next(const char **text, char line[LINE_MAX_BYTES])
{
    if (!**text)
        return false;
    size_t length = strcspn(*text, "\n");
    size_t kept = length < LINE_MAX_BYTES ? length : 0;
    memcpy(line, *text, kept);
    line[kept] = '\0';
    *text += length + ((*text)[length] == '\n');
    return true;
}

size_t cgroup_parse_mounts(const char *text, struct cgroup_mount *mounts, size_t max)
{
    char line[LINE_MAX_BYTES];
    size_t count = 0;

    while (count < max && line_next(&text, line))
        if (mount_parse(line, &mounts[count]))
            count++;
    return count;
}

bool cgroup_list_has(const char *list, const char *word)
{
    size_t length = strlen(word);

    while (*list) {
        size_t n = strcspn(list, ", \n");
        if (n == length && memcmp(list, word, n) == 0)
            return true;
        list += n + (list[n] != '\0');
    }
    return false;
}

int cgroup_parse_self(const char *text, const char *controller, char *ret_path, size_t size)
{
    char line[LINE_MAX_BYTES];

    /* NUMBER:CONTROLLERS:PATH; the path may hold colons, so only the first two separate. */
    while (line_next(&text, line)) {
        char *rest = line;
        const char *number = strsep(&rest, ":");
        const char *controllers = strsep(&rest, ":");
        if (!rest || rest[0] != '/')
            continue;
        bool found = *controller ? cgroup_list_has(controllers, controller)
                                 : strcmp(number, "0") == 0 && !*controllers;
        if (!found)
            continue;
        if (strlen(rest) >= size)
            return -ENAMETOOLONG;
        strcpy(ret_path, rest);
        return 0;
    }
    return -ENOENT;
}

/* Whether `path` is `root` or lies below it. */
static bool is_below(const char *path, const char *root)
{
    size_t length = strlen(root);

    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* A cgroup namespace shows what is outside of its root as "/../..." (cgroup_namespaces(7)). */
static bool leaves_namespace(const char *path)
{
    return strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0');
}

int cgroup_own_directory(const struct cgroup_mount *mount, const char *own, char *ret_path,
                         size_t size)
{
    const char *below = own;

    if (leaves_namespace(own))
        below = "";
    else if (strcmp(mount->root, "/") != 0)
        below = is_below(own, mount->root) ? own + strlen(mount->root) : "";
    if (strcmp(below, "/") == 0)
        below = "";

    int n = snprintf(ret_path, size, "%s%s", mount->point, below);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
