/* An object of 1 GiB, which wasm32 could hold. */
unsigned char large[1U << 30] = {1, [(1U << 30) - 1] = 1};

int main(int argc, char **argv)
{
    (void)argv;
    return large[argc];
}
