/*
 * ELF objects as a tenant may send them, read by libbpf as vireo-bpf does: whatever the object, an
 * image comes that says why there is none or whose every part is inside, or libbpf itself ends the
 * process. That is what the process is for, so it is counted, and said at the end; a fault in code
 * of ours is a find.
 *
 * Each object is read in a child, as there: libbpf may leave nothing as it was. What the child
 * covered of our code is counted here.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/err.h"
#include "base/fd.h"
#include "bpf/image.h"
#include "bpf/object.h"
#include "bpf/policy.h"
#include "fuzz.h"

#define BYTES_MAX (256u << 10)
#define SECTIONS_MAX 64
#define FRAMES_MAX 64

/* How a child ended; else it is 0. */
enum end { NOTHING_WRITTEN = 1, FAULT_OF_OURS = 70, FAULT_OF_LIBRARY };

static unsigned long objects, images, library_faults;

/* ---- what libbpf asks of the kernel, as the reader's linker has it ---- */

__attribute__((visibility("default"))) long syscall(long number, ...);
long syscall(long number, ...)
{
    va_list args;
    long a[6];

    va_start(args, number);
    for (size_t i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == __NR_bpf)
        return __wrap_syscall(number, a[0], a[1], a[2]);
    register long fourth __asm__("r10") = a[3], fifth __asm__("r8") = a[4],
                         sixth __asm__("r9") = a[5];
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth),
                       "r"(sixth)
                     : "rcx", "r11", "memory");
    return r;
}

static void *of_library(const char *name)
{
    void *at = dlsym(RTLD_NEXT, name);

    CHECK(at);
    return at;
}

struct btf *__real_btf__load_vmlinux_btf(void);
struct btf *__real_btf__load_vmlinux_btf(void)
{
    return ((struct btf * (*)(void)) of_library("btf__load_vmlinux_btf"))();
}

struct btf *btf__load_vmlinux_btf(void)
{
    return __wrap_btf__load_vmlinux_btf();
}

void __real_btf__free(struct btf *types);
void __real_btf__free(struct btf *types)
{
    ((void (*)(struct btf *))of_library("btf__free"))(types);
}

void btf__free(struct btf *types)
{
    __wrap_btf__free(types);
}

/* ---- a child, and whose fault its end is ---- */

extern const char __start_ours[], __stop_ours[];
extern uint8_t __start___sancov_cntrs[], __stop___sancov_cntrs[];
static uint8_t *covered; /* by the child; shared */
/* libFuzzer counts what is here as covered. */
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t of_child[4096];

static size_t counters(void)
{
    return (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
}

/* The innermost frame that is ours or a library's for objects: what is called from there (memcpy(),
 * what the sanitizers put before it) is neither. */
static enum end whose_fault(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    Dl_info info;

    for (int i = 0; i < count; i++) {
        const char *at = frames[i];
        if (at >= __start_ours && at < __stop_ours)
            return FAULT_OF_OURS;
        if (dladdr(at, &info) &&
            (strstr(info.dli_fname, "libbpf") || strstr(info.dli_fname, "libelf")))
            return FAULT_OF_LIBRARY;
    }
    return FAULT_OF_OURS;
}

static void on_fault(int number)
{
    (void)number;
    _exit(whose_fault());
}

void __sanitizer_set_death_callback(void (*callback)(void));
static void on_report(void)
{
    _exit(whose_fault());
}

static _Noreturn void child(const uint8_t *bytes, size_t size, int output_fd)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const struct rlimit cpu = {5, 5};
    const struct object_settings none = {NULL, 0};
    bool kernel_types;

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        signal(faults[i], on_fault);
    signal(SIGALRM, SIG_DFL);
    __sanitizer_set_death_callback(on_report);
    setrlimit(RLIMIT_CPU, &cpu);
    memset(__start___sancov_cntrs, 0, counters());
    int r = object_read(bytes, size, &none, output_fd, &kernel_types);
    memcpy(covered, __start___sancov_cntrs, counters());
    _exit(r < 0 ? NOTHING_WRITTEN : 0);
}

/* ---- objects ---- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Only within one section, or the table of sections: bytes that come or go elsewhere would move all
 * that follows. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    Elf64_Ehdr head;
    Elf64_Shdr section = {0};

    if (size < sizeof head || seed % 16 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(&head, data, sizeof head);
    if (head.e_shoff > size || head.e_shnum == 0 || head.e_shnum > SECTIONS_MAX ||
        (size - head.e_shoff) / sizeof section < head.e_shnum)
        return LLVMFuzzerMutate(data, size, max_size);
    uint64_t at = head.e_shoff, bytes = head.e_shnum * sizeof section;
    if (seed % 4) {
        memcpy(&section, data + at + seed / 16 % head.e_shnum * sizeof section, sizeof section);
        at = section.sh_offset;
        bytes = section.sh_size;
    }
    if (section.sh_type == SHT_NOBITS || at > size || bytes == 0 || bytes > size - at)
        return LLVMFuzzerMutate(data, size, max_size);
    LLVMFuzzerMutate(data + at, bytes, bytes);
    return size;
}

static void say_faults(void)
{
    fprintf(stderr, "%lu objects: %lu images, %lu ended libbpf or libelf\n", objects, images,
            library_faults);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    void *frame;

    (void)argc, (void)argv;
    (void)backtrace(&frame, 1); /* it loads its library now, not in a handler */
    covered = mmap(NULL, counters(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(covered != MAP_FAILED && counters() <= sizeof of_child);
    atexit(say_faults);
    return 0;
}

/* What was written is an image, whole. */
static void image_is_proper(int output_fd)
{
    struct image image;
    struct stat status;
    struct err err = {0};

    CHECK(fstat(output_fd, &status) == 0 && status.st_size > 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    CHECK(bytes && pread(output_fd, bytes, (size_t)status.st_size, 0) == status.st_size);
    const struct image_header *header = (const void *)bytes;
    CHECK((size_t)status.st_size >= sizeof *header);
    CHECK(memchr(header->text, '\0', sizeof header->text));
    if (header->error == 0) {
        CHECK(image_open(bytes, (size_t)status.st_size, &image, &err) == 0);
        images++;
    } else {
        CHECK(header->error < 0 && header->text[0]);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int output_fd = memfd_create("image", MFD_CLOEXEC), status;

    CHECK(output_fd >= 0);
    if (size == 0 || size > BYTES_MAX) {
        close(output_fd);
        return 0;
    }
    memset(covered, 0, counters());
    pid_t pid = fork();
    if (pid == 0)
        child(data, size, output_fd);
    CHECK(pid > 0);
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR); /* libFuzzer's own alarm */
    memcpy(of_child, covered, counters());
    objects++;
    int end = WIFEXITED(status) ? WEXITSTATUS(status) : FAULT_OF_LIBRARY; /* its limit of time */
    CHECK(end != FAULT_OF_OURS && end != NOTHING_WRITTEN);
    library_faults += end == FAULT_OF_LIBRARY;
    if (end == 0)
        image_is_proper(output_fd);
    close(output_fd);
    return 0;
}
