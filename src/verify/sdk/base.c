/*
 * The C library's functions that verified code may call, as C: they are copied into their callers
 * and verified with them, so that nothing about them is assumed.
 */
#include <stddef.h>

#include <vireo/io_native.h>

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *x = s;
    for (size_t i = 0; i < n; i++)
        if (x[i] == (unsigned char)c)
            return (void *)(x + i);
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

size_t strnlen(const char *s, size_t most)
{
    size_t n = 0;
    while (n < most && s[n] != 0)
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != 0 && a[i] == b[i])
        i++;
    return (int)(unsigned char)a[i] - (int)(unsigned char)b[i];
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (int)(unsigned char)a[i] - (int)(unsigned char)b[i];
        if (a[i] == 0)
            return 0;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    size_t i = 0;
    while (s[i] != (char)c) {
        if (s[i] == 0)
            return NULL;
        i++;
    }
    return (char *)s + i;
}

int isdigit(int c)
{
    return c >= '0' && c <= '9';
}
int islower(int c)
{
    return c >= 'a' && c <= 'z';
}
int isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}
int isalpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
int isalnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
int isspace(int c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}
int isblank(int c)
{
    return c == ' ' || c == 9;
}
int isxdigit(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
int isprint(int c)
{
    return c >= 32 && c < 127;
}
int isgraph(int c)
{
    return c > 32 && c < 127;
}
int iscntrl(int c)
{
    return (c >= 0 && c < 32) || c == 127;
}
int ispunct(int c)
{
    return c > 32 && c < 127 &&
           !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}
int tolower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}
int toupper(int c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

char *strcpy(char *to, const char *from)
{
    size_t i = 0;
    while ((to[i] = from[i]) != 0)
        i++;
    return to;
}

char *strncpy(char *to, const char *from, size_t n)
{
    size_t i = 0;
    for (; i < n && from[i] != 0; i++)
        to[i] = from[i];
    for (; i < n; i++)
        to[i] = 0;
    return to;
}

char *strcat(char *to, const char *from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *to, const char *from, size_t n)
{
    char *end = to + strlen(to);
    size_t i = 0;
    for (; i < n && from[i] != 0; i++)
        end[i] = from[i];
    end[i] = 0;
    return to;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    for (size_t i = 0;; i++) {
        if (s[i] == (char)c)
            found = s + i;
        if (s[i] == 0)
            return (char *)found;
    }
}

static int is_among(char c, const char *set)
{
    for (size_t i = 0; set[i] != 0; i++)
        if (set[i] == c)
            return 1;
    return 0;
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && is_among(s[n], set))
        n++;
    return n;
}

size_t strcspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && !is_among(s[n], set))
        n++;
    return n;
}

char *strpbrk(const char *s, const char *set)
{
    size_t n = strcspn(s, set);
    return s[n] != 0 ? (char *)s + n : NULL;
}

char *strstr(const char *s, const char *what)
{
    for (size_t i = 0;; i++) {
        size_t k = 0;
        while (what[k] != 0 && s[i + k] == what[k])
            k++;
        if (what[k] == 0)
            return (char *)s + i;
        if (s[i] == 0)
            return NULL;
    }
}

/*
 * The state of a number that is read: where its text ends decides one branch a character, and what
 * the characters are none. (Each branch on what nobody knows is two ways to look at.)
 */
struct number {
    unsigned long value, begun, digits, negative, over;
};

static int number_goes_on(struct number *n, unsigned long c, unsigned long base)
{
    unsigned long space = (c == ' ') | (c - 9 <= 4), sign = (c == '-') | (c == '+');
    unsigned long digit = (c - '0') * (c - '0' <= 9) + (c - 'a' + 10) * (c - 'a' <= 25) +
                          (c - 'A' + 10) * (c - 'A' <= 25) +
                          99 * !((c - '0' <= 9) | (c - 'a' <= 25) | (c - 'A' <= 25));
    unsigned long more = digit < base;

    n->over |= (unsigned long)__builtin_mul_overflow(n->value, 1 + (base - 1) * more, &n->value);
    n->over |= (unsigned long)__builtin_add_overflow(n->value, digit * more, &n->value);
    n->digits |= more;
    n->negative |= (c == '-') & !n->begun;
    unsigned long on = more | ((space | sign) & !n->begun);
    n->begun |= more | sign;
    return on;
}

static unsigned long number_of(const struct number *n)
{
    return (n->value ^ (0 - n->negative)) + n->negative;
}

long atol(const char *s)
{
    struct number n = {0};
    for (; *s && number_goes_on(&n, (unsigned char)*s, 10); s++)
        ;
    return (long)number_of(&n);
}

int atoi(const char *s)
{
    return (int)atol(s);
}

size_t wcslen(const wchar_t *s)
{
    size_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

wchar_t *wcscpy(wchar_t *to, const wchar_t *from)
{
    size_t i = 0;
    while ((to[i] = from[i]) != 0)
        i++;
    return to;
}

wchar_t *wcsncpy(wchar_t *to, const wchar_t *from, size_t n)
{
    size_t i = 0;
    for (; i < n && from[i] != 0; i++)
        to[i] = from[i];
    for (; i < n; i++)
        to[i] = 0;
    return to;
}

wchar_t *wcscat(wchar_t *to, const wchar_t *from)
{
    wcscpy(to + wcslen(to), from);
    return to;
}

wchar_t *wcsncat(wchar_t *to, const wchar_t *from, size_t n)
{
    wchar_t *end = to + wcslen(to);
    size_t i = 0;
    for (; i < n && from[i] != 0; i++)
        end[i] = from[i];
    end[i] = 0;
    return to;
}

wchar_t *wmemset(wchar_t *to, wchar_t c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = c;
    return to;
}

wchar_t *wmemcpy(wchar_t *to, const wchar_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
    return to;
}

int wcscmp(const wchar_t *a, const wchar_t *b)
{
    size_t i = 0;
    while (a[i] != 0 && a[i] == b[i])
        i++;
    return (a[i] > b[i]) - (a[i] < b[i]);
}

int strcasecmp(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != 0 && tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]))
        i++;
    return tolower((unsigned char)a[i]) - tolower((unsigned char)b[i]);
}

int strncasecmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int difference = tolower((unsigned char)a[i]) - tolower((unsigned char)b[i]);
        if (difference != 0 || a[i] == 0)
            return difference;
    }
    return 0;
}

/* 0x and 0 in front say the base where it is open. What comes behind them. */
static const char *number_base(const char *s, int *base, struct number *n)
{
    const char *at = s;
    while (*at == ' ' || (*at >= 9 && *at <= 13))
        at++;
    int negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2])) {
        *base = 16;
        n->begun = 1;
        n->negative = (unsigned long)negative;
        return at + 2;
    }
    if (*base == 0)
        *base = *at == '0' ? 8 : 10;
    return s;
}

static struct number number_read(const char *s, char **end, int base)
{
    struct number n = {0};
    const char *at = base == 0 || base == 16 ? number_base(s, &base, &n) : s;
    while (*at && number_goes_on(&n, (unsigned char)*at, (unsigned long)base))
        at++;
    if (end)
        *end = (char *)(n.digits ? at : s);
    return n;
}

/* What <errno.h> makes of errno. */
int *__errno_location(void)
{
    static int number;
    return &number;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    struct number n = number_read(s, end, base);
    return n.over ? ~0ul : number_of(&n);
}

long strtol(const char *s, char **end, int base)
{
    struct number n = number_read(s, end, base);
    unsigned long most = (~0ul >> 1) + n.negative;
    if (n.over | (n.value > most))
        n.value = most;
    return (long)number_of(&n);
}

/*
 * Files and connections: what the guest does for them is on the allow-list, by names of its own and
 * with lengths; here it gets those of POSIX, and errno.
 */

static int answered(int answer)
{
    if (answer >= 0)
        return answer;
    *__errno_location() = -answer;
    return -1;
}

/* At once; what is more is a short read or write. */
static unsigned at_most(size_t bytes)
{
    return bytes > 0x7ffff000 ? 0x7ffff000 : (unsigned)bytes;
}

/* Longer than any path: that it is too long is said there. */
static unsigned path_bytes(const char *path)
{
    return (unsigned)strnlen(path, 4096);
}

/* Who may do what with a file is its function's alone: there is no mode. */
int open(const char *path, int flags, ...)
{
    return answered(vireo_import_open(path, path_bytes(path), (unsigned)flags));
}

int creat(const char *path, unsigned mode)
{
    (void)mode;
    return open(path, 01 | 0100 | 01000); /* O_WRONLY, O_CREAT, O_TRUNC */
}

long read(int fd, void *to, size_t room)
{
    return answered(vireo_import_read(fd, to, at_most(room)));
}

long pread(int fd, void *to, size_t room, long at)
{
    return answered(vireo_import_pread(fd, to, at_most(room), at));
}

long write(int fd, const void *from, size_t bytes)
{
    return answered(vireo_import_write(fd, from, at_most(bytes)));
}

long pwrite(int fd, const void *from, size_t bytes, long at)
{
    return answered(vireo_import_pwrite(fd, from, at_most(bytes), at));
}

long lseek(int fd, long by, int whence)
{
    long at;
    return answered(vireo_import_lseek(fd, by, whence, &at)) < 0 ? -1 : at;
}

int ftruncate(int fd, long bytes)
{
    return answered(vireo_import_ftruncate(fd, bytes));
}

int fsync(int fd)
{
    return answered(vireo_import_fsync(fd));
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int close(int fd)
{
    return answered(vireo_import_close(fd));
}

int mkdir(const char *path, unsigned mode)
{
    (void)mode;
    return answered(vireo_import_mkdir(path, path_bytes(path)));
}

int unlink(const char *path)
{
    return answered(vireo_import_unlink(path, path_bytes(path)));
}

int rmdir(const char *path)
{
    return answered(vireo_import_rmdir(path, path_bytes(path)));
}

int rename(const char *from, const char *to)
{
    return answered(vireo_import_rename(from, path_bytes(from), to, path_bytes(to)));
}

/* 0x4000: MSG_NOSIGNAL, which is always so. */
long send(int fd, const void *from, size_t bytes, int flags)
{
    return flags & ~0x4000 ? answered(-22) : write(fd, from, bytes); /* EINVAL */
}

long recv(int fd, void *to, size_t room, int flags)
{
    return flags ? answered(-22) : read(fd, to, room);
}

int shutdown(int fd, int how)
{
    return answered(vireo_import_shutdown(fd, how));
}

struct pollfd {
    int fd;
    short events, revents;
};

/* For one descriptor. */
int poll(struct pollfd *fds, unsigned long count, int timeout_ms)
{
    if (count != 1)
        return answered(-22); /* EINVAL */
    int ready = answered(vireo_import_poll(fds->fd, fds->events, timeout_ms));
    fds->revents = (short)(ready < 0 ? 0 : ready);
    return ready > 0 ? 1 : ready;
}
