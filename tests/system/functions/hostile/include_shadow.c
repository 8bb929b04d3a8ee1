/* Wants to read a file of the host at build time, into its error messages. */
#include "/etc/shadow"

int main(void)
{
    return 0;
}
