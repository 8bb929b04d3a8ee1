#include <string.h>
static char text[32];
static int counts[26];
static void copy(char *to, const char *from, unsigned size)
{
    unsigned i = 0;
    while (i + 1 < size && from[i]) {
        to[i] = from[i];
        i++;
    }
    to[i] = 0;
}
int main(void)
{
    copy(text, "the quick brown fox", sizeof text);
    for (unsigned i = 0; i < strlen("the quick"); i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            counts[text[i] - 'a']++;
    return counts[3];
}
