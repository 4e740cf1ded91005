/* Softmax over rows. Mirrors the crate `kernels`, modules `softmax` and `math`. */

EW_FN float ew_exp(float x)
{
    float scaled, k, r, p;
    int32_t n;
    if (x < -87.0f) {
        return 0.0f;
    }
    /* There is no integer for what is no number. */
    if (!(x <= 88.0f)) {
        return x > 88.0f ? INFINITY : x;
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

/* table[d] is e to the power -d * scale in Q0 for the difference d to the largest input, 0 where it is skipped. Returns the reciprocal of
 * the sum of a row, with its headroom. */
EW_FN int32_t ew_softmax_scale(const int8_t *x, size_t n, const uint32_t *table, int32_t *top, int32_t *headroom)
{
    size_t i;
    uint32_t sum = 0;
    *top = x[0];
    *headroom = 0;
    for (i = 0; i < n; i++) {
        *top = x[i] > *top ? x[i] : *top;
    }
    for (i = 0; i < n; i++) {
        sum += (uint32_t)ew_rounding_shift((int32_t)table[*top - x[i]], 12);
    }
    while ((sum & 0x80000000u) == 0u) {
        sum <<= 1;
        (*headroom)++;
    }
    return ew_one_over_one_plus((int32_t)(sum ^ 0x80000000u));
}

EW_FN void ew_softmax_s8(const int8_t *x, size_t rows, size_t n, const uint32_t *table, int8_t *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++, x += n, out += n) {
        int32_t top, headroom, v;
        const int32_t scale = ew_softmax_scale(x, n, table, &top, &headroom);
        for (i = 0; i < n; i++) {
            v = ew_rounding_shift(ew_high_mul(scale, (int32_t)table[top - x[i]]), 12 - headroom + 23) - 128;
            out[i] = (int8_t)(v > 127 ? 127 : v);
        }
    }
}

EW_FN void ew_softmax_s8_s16(const int8_t *x, size_t rows, size_t n, const uint32_t *table, int16_t *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++, x += n, out += n) {
        int32_t top, headroom, v;
        const int32_t scale = ew_softmax_scale(x, n, table, &top, &headroom);
        for (i = 0; i < n; i++) {
            v = ew_rounding_shift(ew_high_mul(scale, (int32_t)table[top - x[i]]), 12 - headroom + 15) - 32768;
            out[i] = (int16_t)(v > 32767 ? 32767 : v);
        }
    }
}
