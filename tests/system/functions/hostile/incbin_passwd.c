/* Wants a file of the host inside its data. */
__asm__(".section .rodata\nsecret:\n.incbin \"/etc/passwd\"\n");

int main(void)
{
    return 0;
}
