/* A kernel without input: small ones. */
#include <stdint.h>
static int foo[5][5][5][5];
static int search(int key)
{
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 5; k++)
                for (int l = 0; l < 5; l++)
                    if (foo[i][j][k][l] == key)
                        return foo[i][j][k][l] + key;
    return -1;
}
static int cnt[10][10], Postotal, Negtotal, Poscnt, Negcnt, Seed;
static int rnd(void)
{
    Seed = ((Seed * 133) + 81) % 8095;
    return Seed;
}
static void sum(int A[10][10])
{
    for (int o = 0; o < 10; o++)
        for (int i = 0; i < 10; i++)
            if (A[o][i] > 0) {
                Postotal += A[o][i];
                Poscnt++;
            } else {
                Negtotal += A[o][i];
                Negcnt++;
            }
}
static unsigned char prime(uint32_t n)
{
    uint32_t i;
    if (n % 2 == 0)
        return n == 2;
    for (i = 3; i * i <= n; i += 2)
        if (n % i == 0)
            return 0;
    return n > 1;
}
static void duff(char *to, char *from, int count)
{
    int n = (count + 7) / 8;
    switch (count % 8) {
    case 0:
        do {
            *to++ = *from++;
        case 7:
            *to++ = *from++;
        case 6:
            *to++ = *from++;
        case 5:
            *to++ = *from++;
        case 4:
            *to++ = *from++;
        case 3:
            *to++ = *from++;
        case 2:
            *to++ = *from++;
        case 1:
            *to++ = *from++;
        } while (--n > 0);
    }
}
static char s1[100], s2[100];
static int fac(int n)
{
    int r = 1;
    for (; n > 0; n--)
        r *= n;
    return r;
}
static int complex_(int a, int b)
{
    while (a < 30) {
        while (b < a) {
            if (b > 5)
                b = b * 3;
            else
                b = b + 2;
            if (b >= 10 && b <= 12)
                a = a + 10;
            else
                a = a + 1;
        }
        a = a + 2;
        b = b - 10;
    }
    return 1;
}
static int icrc_tab[256];
static unsigned short icrc1(unsigned short crc, unsigned char on)
{
    unsigned short ans = crc ^ on << 8;
    for (int i = 0; i < 8; i++) {
        if (ans & 0x8000)
            ans = (ans <<= 1) ^ 4129;
        else
            ans <<= 1;
    }
    return ans;
}
int main(void)
{
    Seed = 0;
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 5; k++)
                for (int l = 0; l < 5; l++)
                    foo[i][j][k][l] = i + j * k - l;
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++)
            cnt[i][j] = rnd() - 4000;
    sum(cnt);
    duff(s1, s2, 43);
    for (int i = 0; i < 256; i++)
        icrc_tab[i] = icrc1(i << 8, 0);
    return search(400) + prime(7919) + fac(10) + complex_(1, 1);
}
