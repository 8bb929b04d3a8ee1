/* What the test of uprobes looks at: a function that is called again and again. */
#include <unistd.h>

__attribute__((noinline)) int probed_here(int number)
{
    __asm__ volatile("" : "+r"(number));
    return number + 1;
}

int main(void)
{
    for (int number = 0;; number = probed_here(number))
        usleep(10000);
}
