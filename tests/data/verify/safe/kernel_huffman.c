/* A kernel without input: huffman. */
#include <string.h>
struct tree {
    unsigned char byte;
    struct tree *left, *right;
    unsigned freq;
};
static struct tree nodes[512];
static struct tree *heap[256];
static int used, n;
static unsigned char text[] = "You are doing fine with this text, it has letters.";
static struct {
    unsigned code;
    int len;
} codes[256];
static struct tree *stack[512];
static unsigned cst[512];
static int lst[512];
static void push(struct tree *t)
{
    int i = n++;
    while (i > 0 && heap[(i - 1) / 2]->freq > t->freq) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = t;
}
static struct tree *pop(void)
{
    struct tree *r = heap[0], *t = heap[--n];
    int i = 0;
    for (;;) {
        int c = 2 * i + 1;
        if (c >= n)
            break;
        if (c + 1 < n && heap[c + 1]->freq < heap[c]->freq)
            c++;
        if (heap[c]->freq >= t->freq)
            break;
        heap[i] = heap[c];
        i = c;
    }
    heap[i] = t;
    return r;
}
int main(void)
{
    unsigned f[256];
    memset(f, 0, sizeof f);
    for (unsigned i = 0; i < sizeof text - 1; i++)
        f[text[i]]++;
    for (int i = 0; i < 256; i++)
        if (f[i]) {
            nodes[used].byte = i;
            nodes[used].freq = f[i];
            push(&nodes[used++]);
        }
    while (n > 1) {
        struct tree *a = pop(), *b = pop(), *c = &nodes[used++];
        c->left = a;
        c->right = b;
        c->freq = a->freq + b->freq;
        push(c);
    }
    int top = 0;
    stack[top++] = heap[0];
    while (top > 0) {
        struct tree *t = stack[--top];
        unsigned c = cst[top];
        int l = lst[top];
        if (!t->left) {
            codes[t->byte].code = c;
            codes[t->byte].len = l;
        } else {
            stack[top] = t->left;
            cst[top] = c << 1;
            lst[top++] = l + 1;
            stack[top] = t->right;
            cst[top] = c << 1 | 1;
            lst[top++] = l + 1;
        }
    }
    int bits = 0;
    for (unsigned i = 0; i < sizeof text - 1; i++)
        bits += codes[text[i]].len;
    return bits > 300;
}
