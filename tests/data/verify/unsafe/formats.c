/* Formats that the C library reads in another way than one would think. */
#include "unsafe.h"
#include <stdio.h>
#include <wchar.h>

/* A width of 0 is no limit, nor is one beyond an int. */
R(scan_zero_width)
{
    char b[4] = {0};
    scanf("%0s", b);
    return b[0];
}

R(scan_zero_set)
{
    char b[4] = {0};
    scanf("%0[a-z]", b);
    return b[0];
}

R(scan_zero_of_text)
{
    char b[4] = {0};
    sscanf("much longer", "%000s", b);
    return b[0];
}

R(scan_wide_width)
{
    static char b[64];
    scanf("%4294967360s", b);
    return b[0];
}

/* A float by whatever length it has. */
R(scan_half_float)
{
    char b[2] = {0};
    scanf("%1hf", (float *)b);
    return b[0];
}

R(scan_long_long_float)
{
    double d = 0;
    scanf("%llf", &d);
    return d > 1;
}

R(scan_size_float)
{
    float d = 0;
    scanf("%zf", (double *)&d);
    return d > 1;
}

/* By its own name the function reads "%as" as a text that is to be allocated. */
int scan_of_old(const char *format, ...) __asm__("scanf");

R(scan_allocated)
{
    float b = 0;
    scan_of_old("%as", &b);
    return b > 1;
}

R(scan_allocated_set)
{
    float b = 0;
    scan_of_old("%a[0-9]", &b);
    return b > 1;
}

R(print_long_long_float)
{
    char b[400] = {0};
    sprintf(b, "%llf", 1.0);
    return b[0];
}

/* Of two lengths the library knows neither, and takes no argument: the next one is another's. */
R(print_long_half)
{
    printf("%lhd %s", 5L, "x");
    return 0;
}

R(print_three_longs)
{
    printf("%llld %s", 5LL, "x");
    return 0;
}

R(print_three_halves)
{
    printf("%hhhd %s", 5, "x");
    return 0;
}

R(print_size_long)
{
    printf("%zld %s", 5L, "x");
    return 0;
}

R(print_long_size)
{
    printf("%lzu %s", 5L, "x");
    return 0;
}

R(print_half_float)
{
    printf("%lhf %s", 5.0, "x");
    return 0;
}

R(print_into)
{
    char b[40] = {0};
    sprintf(b, "%jjd %s", 5L, "x");
    return b[0];
}

R(print_wide_unknown)
{
    wprintf(L"%\u00e9d %s", 5, "x");
    return 0;
}

R(print_wide_digit)
{
    wprintf(L"%\uff15d %s", 5, "x");
    return 0;
}

/* A format ends in the field that it begins in, and has no address in it. */
static int target;
static const struct {
    char text[8];
    int *address;
} with_address = {"abcdefgh", &target};
static const struct {
    char text[2], more[8];
} halves = {"%d", "x"};
static const struct {
    wchar_t text[2], more[8];
} wide_halves = {L"%d", L"x"};

R(format_into_address)
{
    printf(with_address.text);
    return 0;
}

R(format_beyond_its_field)
{
    printf(halves.text, 5);
    return 0;
}

R(format_beyond_from_inside)
{
    printf(&halves.text[1]);
    return 0;
}

R(format_wide_beyond)
{
    wprintf(wide_halves.text, 5);
    return 0;
}

R(scan_beyond_its_field)
{
    int n = 0;
    scanf(halves.text, &n);
    return n;
}

R(text_into_address)
{
    char b[16];
    sprintf(b, "%s", with_address.text);
    return b[0];
}
