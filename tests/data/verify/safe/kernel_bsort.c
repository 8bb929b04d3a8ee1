#define NUM 100
static int array[NUM + 1];
static int seed;
static int factor;
static void init(void)
{
    int i;
    factor = -1;
    for (i = 1; i <= NUM; i++)
        array[i] = i * factor * 3 + seed;
}
static void bubble(int a[])
{
    int sorted = 0, temp, last, index, i;
    for (i = 1; i <= NUM - 1; i++) {
        sorted = 1;
        for (index = 1; index <= NUM - 1; index++) {
            if (index > NUM - i)
                break;
            if (a[index] > a[index + 1]) {
                temp = a[index];
                a[index] = a[index + 1];
                a[index + 1] = temp;
                sorted = 0;
            }
        }
        if (sorted)
            break;
    }
}
int main(void)
{
    init();
    bubble(array);
    return array[NUM];
}
