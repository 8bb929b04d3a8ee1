static const int coeff[35] = {-2, 3, -5, 7, 11, 13, -17};
static int in_data[700], out_data[720];
static long fir_result;
static void fir(const int *in, int *out, long in_len, const int *coef, long coef_len, long scale)
{
    long i, j, coef_len2 = (coef_len + 1) >> 1, acc_length = coef_len2;
    const int *in_ptr, *data_ptr = in, *coef_start = coef, *coef_ptr;
    long acc;
    for (i = 0; i < in_len; i++) {
        data_ptr = in + i;
        coef_ptr = coef_start;
        acc = 0;
        for (j = 0; j < coef_len && i - j >= 0; j++) {
            acc += (long)*coef_ptr++ * *data_ptr--;
            if (j + 1 >= coef_len || i - j - 1 < 0)
                break;
        }
        *out++ = (int)(acc / scale);
    }
}
int main(void)
{
    for (int i = 0; i < 700; i++)
        in_data[i] = i % 17;
    fir(in_data, out_data, 700, coeff, 35, 285);
    return out_data[3];
}
