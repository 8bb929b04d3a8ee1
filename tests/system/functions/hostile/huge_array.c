/* A data section of 4 GiB. */
unsigned char huge[1ULL << 32] = {1, [(1ULL << 32) - 1] = 1};

int main(void)
{
    return huge[5];
}
