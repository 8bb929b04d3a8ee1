struct DATA {
    int key;
    int value;
};
struct DATA data[15] = {{1, 100},   {5, 200},  {6, 300},  {7, 700},  {8, 900},
                        {9, 250},   {10, 400}, {11, 600}, {12, 800}, {13, 1500},
                        {14, 1200}, {15, 110}, {16, 140}, {17, 133}, {18, 10}};
int binary_search(int x)
{
    int fvalue = -1, mid, up = 14, low = 0;
    while (low <= up) {
        mid = (low + up) >> 1;
        if (data[mid].key == x) {
            up = low - 1;
            fvalue = data[mid].value;
        } else if (data[mid].key > x)
            up = mid - 1;
        else
            low = mid + 1;
    }
    return fvalue;
}
int main(void)
{
    binary_search(8);
    return 0;
}
