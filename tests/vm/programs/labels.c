/* labels [PATH...]: prints the security label of its session keyring, or of each file. */
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char label[4096];

    if (argc < 2) {
        long n =
            syscall(SYS_keyctl, KEYCTL_GET_SECURITY, KEY_SPEC_SESSION_KEYRING, label, sizeof label);
        if (n <= 0) {
            perror("keyctl");
            return 1;
        }
        printf("keyring %.*s\n", (int)n, label);
    }
    for (int i = 1; i < argc; i++) {
        ssize_t n = getxattr(argv[i], "security.selinux", label, sizeof label);
        if (n <= 0) {
            perror(argv[i]);
            return 1;
        }
        printf("%s %.*s\n", argv[i], (int)n, label);
    }
    return 0;
}
