/* Standard input to its end, by line and by byte; output buffered, raw and large. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char line[64];
    int lines = 0;

    while (lines < 2 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        printf("line %d: '%s'\n", ++lines, line);
    }
    int bytes = 0, byte, sum = 0;
    while ((byte = getchar()) != EOF) {
        bytes++;
        sum += byte;
    }
    printf("%d more bytes, sum %d, end %d, error %d\n", bytes, sum, feof(stdin) != 0,
           ferror(stdin));
    fflush(stdout);
    fprintf(stderr, "to the log\n");
    printf("write: %d\n", (int)write(1, "raw\n", 4));
    printf("write to a closed descriptor: %s\n",
           write(99, "x", 1) < 0 && errno == EBADF ? "EBADF" : "?");
    fflush(stdout);
    static char big[40000];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = i % 64 == 63 ? '\n' : (char)('a' + i / 64 % 26);
    fwrite(big, 1, sizeof big, stdout);
    return 0;
}
