/* Kernels without input, in the usual manner of sets for worst-case execution times. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#include <stdlib.h>
#define R(name) int name(void)

/* ---- cover: long switch in a loop ---- */
static int swi60(int c)
{
    for (int i = 0; i < 60; i++) {
        switch (i) {
        case 0:
            c++;
            break;
        case 1:
            c++;
            break;
        case 2:
            c++;
            break;
        case 3:
            c += 2;
            break;
        case 10:
            c--;
            break;
        case 11:
            c = c * 2;
            break;
        case 59:
            c++;
            break;
        default:
            c--;
            break;
        }
    }
    return c;
}
R(cover)
{
    int c = 0;
    return swi60(c) < 0;
}

/* ---- ud: LU of integers ---- */
static long ud_a[50][50], ud_b[50], ud_x[50];
static int ud_ludcmp(int nmax, int n)
{
    long w, y[100];
    for (int i = 0; i < n; i++) {
        for (int j = i + 1; j <= n; j++) {
            w = ud_a[j][i];
            if (i != 0)
                for (int k = 0; k < i; k++)
                    w -= ud_a[j][k] * ud_a[k][i];
            ud_a[j][i] = w / ud_a[i][i];
        }
        for (int j = i + 1; j <= n; j++) {
            w = ud_a[i + 1][j];
            for (int k = 0; k <= i; k++)
                w -= ud_a[i + 1][k] * ud_a[k][j];
            ud_a[i + 1][j] = w;
        }
    }
    y[0] = ud_b[0];
    for (int i = 1; i <= n; i++) {
        w = ud_b[i];
        for (int j = 0; j < i; j++)
            w -= ud_a[i][j] * y[j];
        y[i] = w;
    }
    ud_x[n] = y[n] / ud_a[n][n];
    for (int i = n - 1; i >= 0; i--) {
        w = y[i];
        for (int j = i + 1; j <= n; j++)
            w -= ud_a[i][j] * ud_x[j];
        ud_x[i] = w / ud_a[i][i];
    }
    return nmax ? 0 : -1;
}
R(ud)
{
    int n = 5;
    for (int i = 0; i <= n; i++) {
        long w = 0;
        for (int j = 0; j <= n; j++) {
            ud_a[i][j] = (i + 1) + (j + 1);
            if (i == j)
                ud_a[i][j] *= 2;
            w += ud_a[i][j];
        }
        ud_b[i] = w;
    }
    return ud_ludcmp(50, n);
}

/* ---- lcdnum ---- */
static unsigned char num_to_lcd(unsigned char a)
{
    switch (a) {
    case 0x00:
        return 0;
    case 0x01:
        return 0x24;
    case 0x02:
        return 1 + 4 + 8 + 16 + 64;
    case 0x03:
        return 1 + 4 + 8 + 32 + 64;
    case 0x04:
        return 2 + 4 + 8 + 32;
    case 0x0e:
        return 1 + 2 + 8 + 16 + 64;
    case 0x0f:
        return 1 + 2 + 8 + 16;
    }
    return 0;
}
static unsigned char lcd_in;
static unsigned char lcd_out;
R(lcdnum)
{
    int i;
    unsigned char a;
    int n = 10;
    for (i = 0; i < n; i++) {
        a = lcd_in;
        if (i < 5) {
            a = a & 0x0F;
            lcd_out = num_to_lcd(a);
        }
    }
    return 0;
}

/* ---- recursion written as loops: fibcall, ackermann with a stack ---- */
static int fib(int n)
{
    int Fnew = 1, Fold = 0, temp, ans;
    for (int i = 2; i <= 30 && i <= n; i++) {
        temp = Fnew;
        Fnew = Fnew + Fold;
        Fold = temp;
    }
    ans = Fnew;
    return ans;
}
R(fibcall)
{
    return fib(30);
}
static int hanoi_stack[64][4];
R(hanoi)
{
    int sp = 0, moves = 0;
    hanoi_stack[sp][0] = 5;
    hanoi_stack[sp][1] = 0;
    hanoi_stack[sp][2] = 2;
    hanoi_stack[sp][3] = 1;
    sp++;
    while (sp > 0) {
        sp--;
        int n = hanoi_stack[sp][0], a = hanoi_stack[sp][1], b = hanoi_stack[sp][2],
            c = hanoi_stack[sp][3];
        if (n == 1) {
            moves++;
            continue;
        }
        hanoi_stack[sp][0] = n - 1;
        hanoi_stack[sp][1] = c;
        hanoi_stack[sp][2] = b;
        hanoi_stack[sp][3] = a;
        sp++;
        hanoi_stack[sp][0] = 1;
        hanoi_stack[sp][1] = a;
        hanoi_stack[sp][2] = b;
        hanoi_stack[sp][3] = c;
        sp++;
        hanoi_stack[sp][0] = n - 1;
        hanoi_stack[sp][1] = a;
        hanoi_stack[sp][2] = c;
        hanoi_stack[sp][3] = b;
        sp++;
    }
    return moves;
}

/* ---- expint ---- */
static long int foo(long int x)
{
    return x * x + (8 * x) << (4 - x);
}
static long int expint(int n, long int x)
{
    int i, ii, nm1;
    long int a, b, c, d, del, fact, h, psi, ans = 0;
    nm1 = n - 1;
    if (x > 1) {
        b = x + n;
        c = 2e6;
        d = 3e7;
        h = d;
        for (i = 1; i <= 100; i++) {
            a = -i * (nm1 + i);
            b += 2;
            d = 10 * (a * d + b);
            c = b + a / c;
            del = c * d;
            h *= del;
            if (del < 10000) {
                ans = h * -x;
                return ans;
            }
        }
    } else {
        ans = nm1 != 0 ? 2 : 1000;
        fact = 1;
        for (i = 1; i <= 100; i++) {
            fact *= -x / i;
            if (i != nm1)
                del = -fact / (i - nm1);
            else {
                psi = 0x00FF;
                for (ii = 1; ii <= nm1; ii++)
                    psi += ii + nm1;
                del = psi + fact * foo(x);
            }
            ans += del;
        }
    }
    return ans;
}
R(expint_)
{
    return (int)expint(50, 1);
}

/* ---- select ---- */
static float sel_arr[20] = {5,  4,   10.3,   1.1, 5.7, 100, 231, 111,   49.5,  99,
                            10, 150, 222.22, 101, 77,  44,  35,  20.54, 99.99, 88.88};
#define SWAP(a, b) \
    temp = (a);    \
    (a) = (b);     \
    (b) = temp;
static float sel(unsigned long k, unsigned long n)
{
    unsigned long i, ir, j, l, mid;
    float a, temp;
    int flag, flag2;
    l = 1;
    ir = n;
    flag = flag2 = 0;
    while (!flag) {
        if (ir <= l + 1) {
            if (ir == l + 1)
                if (sel_arr[ir] < sel_arr[l]) {
                    SWAP(sel_arr[l], sel_arr[ir])
                }
            flag = 1;
        } else if (!flag) {
            mid = (l + ir) >> 1;
            SWAP(sel_arr[mid], sel_arr[l + 1])
            if (sel_arr[l + 1] > sel_arr[ir]) {
                SWAP(sel_arr[l + 1], sel_arr[ir])
            }
            if (sel_arr[l] > sel_arr[ir]) {
                SWAP(sel_arr[l], sel_arr[ir])
            }
            if (sel_arr[l + 1] > sel_arr[l]) {
                SWAP(sel_arr[l + 1], sel_arr[l])
            }
            i = l + 1;
            j = ir;
            a = sel_arr[l];
            while (!flag2) {
                i++;
                while (sel_arr[i] < a)
                    i++;
                j--;
                while (sel_arr[j] > a)
                    j--;
                if (j < i)
                    flag2 = 1;
                if (!flag2) {
                    SWAP(sel_arr[i], sel_arr[j])
                }
            }
            sel_arr[l] = sel_arr[j];
            sel_arr[j] = a;
            if (j >= k)
                ir = j - 1;
            if (j <= k)
                l = i;
        }
    }
    return sel_arr[k];
}
R(select_)
{
    return (int)sel(10, 19);
}

/* ---- qurt, sqrt by iteration ---- */
static double qa[3], qx1[2], qx2[2];
static double my_fabs(double n)
{
    return n >= 0 ? n : -n;
}
static double my_sqrt(double val)
{
    double x = val / 10, dx, diff, min_tol = 0.00001;
    int i, flag = 0;
    if (val == 0)
        x = 0;
    else
        for (i = 1; i < 20; i++)
            if (!flag) {
                dx = (val - (x * x)) / (2.0 * x);
                x = x + dx;
                diff = val - (x * x);
                if (my_fabs(diff) <= min_tol)
                    flag = 1;
            }
    return x;
}
R(qurt)
{
    double d, w1, w2;
    qa[0] = 1.0;
    qa[1] = -3.0;
    qa[2] = 2.0;
    if (qa[0] == 0.0)
        return 999;
    d = qa[1] * qa[1] - 4 * qa[0] * qa[2];
    w1 = 2.0 * qa[0];
    w2 = my_sqrt(my_fabs(d));
    if (d > 0.0) {
        qx1[0] = (-qa[1] + w2) / w1;
        qx1[1] = 0;
        qx2[0] = (-qa[1] - w2) / w1;
        qx2[1] = 0;
        return 0;
    }
    return 1;
}
static unsigned isqrt(unsigned x)
{
    unsigned op = x, res = 0, one = 1u << 30;
    while (one > op)
        one >>= 2;
    while (one != 0) {
        if (op >= res + one) {
            op = op - (res + one);
            res = res + 2 * one;
        }
        res >>= 1;
        one >>= 2;
    }
    return res;
}
R(isqrt_)
{
    int s = 0;
    for (unsigned i = 1; i < 500; i += 7)
        s += (int)isqrt(i * i * 3);
    return s;
}

/* ---- st: statistics ---- */
#define ST 1000
static double st_a[ST], st_b[ST];
static int st_seed;
static int st_rand(void)
{
    st_seed = ((st_seed * 133) + 81) % 8095;
    return st_seed;
}
static void st_stat(double a[], double *sum, double *mean)
{
    *sum = 0;
    for (int i = 0; i < ST; i++)
        *sum += a[i];
    *mean = *sum / ST;
}
static double st_sq(double x)
{
    return x * x;
}
static void st_var(double a[], double mean, double *var, double *dev)
{
    double diffs = 0.0;
    for (int i = 0; i < ST; i++)
        diffs += st_sq(a[i] - mean);
    *var = diffs / ST;
    *dev = sqrt(*var);
}
R(st)
{
    double ma, mb, va, vb, sa, sb, da, db, num = 0, ad = 0, bd = 0;
    st_seed = 0;
    for (int i = 0; i < ST; i++)
        st_a[i] = st_rand() + st_rand() / 8095.0;
    st_stat(st_a, &sa, &ma);
    st_var(st_a, ma, &va, &da);
    for (int i = 0; i < ST; i++)
        st_b[i] = st_rand() + st_rand() / 8095.0;
    st_stat(st_b, &sb, &mb);
    st_var(st_b, mb, &vb, &db);
    for (int i = 0; i < ST; i++) {
        num += (st_a[i] - ma) * (st_b[i] - mb);
        ad += st_sq(st_a[i] - ma);
        bd += st_sq(st_b[i] - mb);
    }
    double coef = num / (sqrt(ad) * sqrt(bd));
    return coef > 0.5;
}

/* ---- nsichneu style petri net ---- */
static int P1_is_marked, P2_is_marked = 5, P3_is_marked;
static long P1[3], P2[5], P3[6];
R(petrinet)
{
    int dummy = 2;
    while (dummy > 0) {
        dummy--;
        if (P1_is_marked >= 3 && P3_is_marked + 3 <= 6 && P1[1] == P1[2]) {
            long x = P1[0], y = P1[1], z;
            if (x < y) {
                P1_is_marked -= 3;
                z = x - y;
                P3[P3_is_marked + 0] = x;
                P3[P3_is_marked + 1] = y;
                P3[P3_is_marked + 2] = z;
                P3_is_marked += 3;
            }
        }
        if (P2_is_marked >= 4 && P1_is_marked + 3 <= 3 && P2[1] == P2[2] && P2[1] == P2[3]) {
            long x = P2[0], y = P2[1];
            if (y > x || y == x) {
                P2_is_marked -= 4;
                P1[P1_is_marked] = x;
                P1[P1_is_marked + 1] = y;
                P1[P1_is_marked + 2] = x + y;
                P1_is_marked += 3;
            }
        }
    }
    return (int)(P1_is_marked + P2_is_marked + P3_is_marked);
}
