#define N 8
static int col[N], used[N], d1[2 * N], d2[2 * N];
int main(void)
{
    int r = 0, count = 0;
    long steps = 0;
    for (int i = 0; i < N; i++)
        col[i] = -1;
    while (r >= 0 && steps < 100000) {
        steps++;
        if (col[r] >= 0) {
            used[col[r]] = 0;
            d1[r + col[r]] = 0;
            d2[r - col[r] + N] = 0;
        }
        int c = col[r] + 1;
        while (c < N && (used[c] || d1[r + c] || d2[r - c + N]))
            c++;
        if (c >= N) {
            col[r] = -1;
            r--;
            continue;
        }
        col[r] = c;
        used[c] = 1;
        d1[r + c] = 1;
        d2[r - c + N] = 1;
        if (r == N - 1) {
            count++;
        } else
            r++;
    }
    return count;
}
