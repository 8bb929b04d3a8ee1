/* What the test of uprobes looks at: a function that is called again and again. */
#include <unistd.h>

/* A probe as <sys/sdt.h> makes it: a nop, and a note that says where that is, who counts those that
 * look at it, and where its arguments are. */
__attribute__((used, section(".probes"))) volatile unsigned short looked_at;
#define PROBE(number, text)                                                                    \
    __asm__ volatile(                                                                          \
        "990: nop\n"                                                                           \
        ".pushsection .note.stapsdt, \"\", \"note\"\n"                                         \
        ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                                          \
        "991: .asciz \"stapsdt\"\n992: .balign 4\n"                                            \
        "993: .8byte 990b, base_of_probes, looked_at\n"                                        \
        ".asciz \"victim\"\n.asciz \"turn\"\n.asciz \"-4@%0 -2@$-7 8@%1\"\n"                   \
        "994: .balign 4\n.popsection\n"                                                        \
        ".ifndef base_of_probes\n"                                                             \
        ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"            \
        ".weak base_of_probes\nbase_of_probes: .space 1\n.popsection\n.endif\n" ::"r"(number), \
        "m"(text))

__attribute__((noinline)) int probed_here(int number)
{
    const long text = 4242;

    __asm__ volatile("" : "+r"(number));
    if (looked_at)
        PROBE(number, text);
    return number + 1;
}

int main(void)
{
    for (int number = 0;; number = probed_here(number))
        usleep(10000);
}
