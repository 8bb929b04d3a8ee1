static float w[20], px[20];
static float out;
static float lms(float x, float d, float *b, int l, float mu, float alpha)
{
    int ll;
    float e, mu_e, y;
    static float sigma = 2.0f;
    px[0] = x;
    sigma = alpha * (px[0] * px[0]) + (1 - alpha) * sigma;
    y = b[0] * px[0];
    for (ll = 1; ll <= l; ll++)
        y = y + b[ll] * px[ll];
    e = d - y;
    mu_e = mu * e / sigma;
    for (ll = 0; ll <= l; ll++)
        b[ll] = b[ll] + mu_e * px[ll];
    for (ll = l; ll >= 1; ll--)
        px[ll] = px[ll - 1];
    return y;
}
int main(void)
{
    for (int i = 0; i < 100; i++)
        out = lms((float)i, 1.0f, w, 19, 0.01f, 0.1f);
    return out > 0;
}
