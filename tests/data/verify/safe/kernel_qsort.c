/* A kernel without input: qsort. */
static float arr[20] = {5,  4,   10.3,   1.1, 5.7, 100, 231, 111,   49.5,  99,
                        10, 150, 222.22, 101, 77,  44,  35,  20.54, 99.99, 88.88};
static int istack[100];
#define SWAP(a, b) \
    temp = (a);    \
    (a) = (b);     \
    (b) = temp;
static int sort(unsigned long n)
{
    unsigned long i, ir = n, j, k, l = 1;
    int jstack = 0, flag;
    float a, temp;
    flag = 0;
    for (;;) {
        if (ir - l < 7) {
            for (j = l + 1; j <= ir; j++) {
                a = arr[j - 1];
                for (i = j - 1; i >= l; i--) {
                    if (arr[i - 1] <= a)
                        break;
                    arr[i] = arr[i - 1];
                }
                arr[i] = a;
            }
            if (jstack == 0)
                break;
            ir = istack[jstack--];
            l = istack[jstack--];
        } else {
            k = (l + ir) >> 1;
            SWAP(arr[k - 1], arr[l]) if (arr[l] > arr[ir - 1])
            {
                SWAP(arr[l], arr[ir - 1])
            }
            if (arr[l - 1] > arr[ir - 1]) {
                SWAP(arr[l - 1], arr[ir - 1])
            }
            if (arr[l] > arr[l - 1]) {
                SWAP(arr[l], arr[l - 1])
            }
            i = l + 1;
            j = ir;
            a = arr[l - 1];
            for (;;) {
                i++;
                while (arr[i - 1] < a)
                    i++;
                j--;
                while (arr[j - 1] > a)
                    j--;
                if (j < i)
                    break;
                SWAP(arr[i - 1], arr[j - 1]);
            }
            arr[l - 1] = arr[j - 1];
            arr[j - 1] = a;
            jstack += 2;
            if (ir - i + 1 >= j - l) {
                istack[jstack] = ir;
                istack[jstack - 1] = i;
                ir = j - 1;
            } else {
                istack[jstack] = j - 1;
                istack[jstack - 1] = l;
                l = i;
            }
        }
    }
    return flag;
}
int main(void)
{
    return sort(20);
}
