/* Softmax over rows. Mirrors the crate `kernels`, modules `softmax` and `math`. */

EW_FN float ew_exp(float x)
{
    float scaled, k, r, p;
    int32_t n;
    if (x < -87.0f) {
        return 0.0f;
    }
    if (x > 88.0f) {
        return INFINITY;
    }
    scaled = x * 1.44269502f;
    n = scaled >= 0.0f ? (int32_t)(scaled + 0.5f) : (int32_t)(scaled - 0.5f);
    k = (float)n;
    r = (x - k * 0.693359375f) - k * -2.12194442e-4f;
    p = 1.98412701e-4f;
    p = p * r + 1.38888904e-3f;
    p = p * r + 8.33333377e-3f;
    p = p * r + 4.16666679e-2f;
    p = p * r + 0.166666672f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * ew_from_bits((uint32_t)(n + 127) << 23);
}

EW_FN void ew_softmax_f32(const float *x, size_t rows, size_t n, float *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++, x += n, out += n) {
        float top = -INFINITY, sum = 0.0f;
        for (i = 0; i < n; i++) {
            top = x[i] > top ? x[i] : top;
        }
        for (i = 0; i < n; i++) {
            out[i] = ew_exp(x[i] - top);
            sum += out[i];
        }
        for (i = 0; i < n; i++) {
            out[i] = out[i] / sum;
        }
    }
}

/* table[d] = round(2^23 * exp(-d * scale)) for the difference d to the largest input. */
EW_FN void ew_softmax_s8(const int8_t *x, size_t rows, size_t n, const uint32_t *table, int8_t *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++, x += n, out += n) {
        int32_t top = x[0];
        uint64_t sum = 0;
        for (i = 0; i < n; i++) {
            top = x[i] > top ? x[i] : top;
        }
        for (i = 0; i < n; i++) {
            sum += table[top - x[i]];
        }
        for (i = 0; i < n; i++) {
            const uint64_t scaled = ((uint64_t)table[top - x[i]] * 256u + sum / 2u) / (sum > 0u ? sum : 1u);
            out[i] = (int8_t)((int32_t)(scaled < 255u ? scaled : 255u) - 128);
        }
    }
}
