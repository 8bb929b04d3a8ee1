/* The attacks without a wall, to see that they work: outside SCRIPT. */
#include <stdio.h>
#include <string.h>

#include "attacks.h"

int main(int argc, char **argv)
{
    static char out[1 << 20];

    if (argc != 2)
        return 2;
    fwrite(out, 1, attack(argv[1], strlen(argv[1]), out, sizeof out), stdout);
    return 0;
}
