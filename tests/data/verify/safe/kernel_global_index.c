static int buffer[64];
static int head, tail, count;
static int put(int v)
{
    if (count == 64)
        return -1;
    buffer[head] = v;
    head++;
    if (head == 64)
        head = 0;
    count++;
    return 0;
}
static int get(int *v)
{
    if (count == 0)
        return -1;
    *v = buffer[tail++];
    if (tail >= 64)
        tail = 0;
    count--;
    return 0;
}
int main(void)
{
    int s = 0, v = 0;
    for (int i = 0; i < 1000; i++) {
        put(i);
        if (i % 3 == 0 && get(&v) == 0)
            s += v;
    }
    return s;
}
