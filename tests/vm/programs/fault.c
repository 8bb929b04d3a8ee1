/* Ends by a fault of its own: signal 11, at address 16. */
int main(void)
{
    *(volatile int *)16 = 1;
    return 0;
}
