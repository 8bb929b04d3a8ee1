/* A kernel without input: aes. */
#include <stdint.h>
#include <string.h>
static uint8_t sbox[256];
static uint8_t state[4][4], rk[11][4][4];
static uint8_t rotl8(uint8_t x, int s)
{
    return (uint8_t)((x << s) | (x >> (8 - s)));
}
static void init_sbox(void)
{
    uint8_t p = 1, q = 1;
    do {
        p = p ^ (p << 1) ^ (p & 0x80 ? 0x1B : 0);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        q ^= q & 0x80 ? 0x09 : 0;
        uint8_t x = q ^ rotl8(q, 1) ^ rotl8(q, 2) ^ rotl8(q, 3) ^ rotl8(q, 4);
        sbox[p] = x ^ 0x63;
    } while (p != 1);
    sbox[0] = 0x63;
}
static uint8_t xtime(uint8_t x)
{
    return (uint8_t)((x << 1) ^ ((x >> 7) * 0x1b));
}
static void expand(const uint8_t *key)
{
    uint8_t *w = &rk[0][0][0];
    uint8_t rcon = 1;
    memcpy(w, key, 16);
    for (int i = 16; i < 176; i += 4) {
        uint8_t t[4];
        memcpy(t, w + i - 4, 4);
        if (i % 16 == 0) {
            uint8_t x = t[0];
            t[0] = sbox[t[1]] ^ rcon;
            t[1] = sbox[t[2]];
            t[2] = sbox[t[3]];
            t[3] = sbox[x];
            rcon = xtime(rcon);
        }
        for (int k = 0; k < 4; k++)
            w[i + k] = w[i - 16 + k] ^ t[k];
    }
}
static void add_key(int r)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            state[i][j] ^= rk[r][i][j];
}
static void sub_shift(void)
{
    uint8_t n[4][4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            n[i][j] = sbox[state[(i + j) % 4][j]];
    memcpy(state, n, sizeof n);
}
static void mix(void)
{
    for (int i = 0; i < 4; i++) {
        uint8_t *s = state[i], t = s[0] ^ s[1] ^ s[2] ^ s[3], u = s[0];
        s[0] ^= t ^ xtime(s[0] ^ s[1]);
        s[1] ^= t ^ xtime(s[1] ^ s[2]);
        s[2] ^= t ^ xtime(s[2] ^ s[3]);
        s[3] ^= t ^ xtime(s[3] ^ u);
    }
}
static void encrypt(uint8_t *block)
{
    memcpy(state, block, 16);
    add_key(0);
    for (int r = 1; r <= 10; r++) {
        sub_shift();
        if (r < 10)
            mix();
        add_key(r);
    }
    memcpy(block, state, 16);
}
int main(void)
{
    uint8_t key[16], block[16];
    for (int i = 0; i < 16; i++) {
        key[i] = i;
        block[i] = i * 17;
    }
    init_sbox();
    expand(key);
    encrypt(block);
    return block[0] == 0x69 ? 0 : 1;
}
