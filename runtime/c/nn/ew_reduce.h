/* One value out of `count`, `inner` apart. Mirrors the crate `kernels`, module `reduce`. */

/* kind: 0 mean, 1 sum, 2 maximum, 3 minimum. */
EW_FN void ew_reduce_f32(int kind, const float *x, size_t n, size_t count, size_t inner, float *out)
{
    size_t i, k;
    for (i = 0; i < n; i++) {
        const float *from = x + i / inner * count * inner + i % inner;
        float sum = from[0];
        for (k = 1; k < count; k++) {
            const float v = from[k * inner];
            if (kind < 2) {
                sum += v;
            } else if (kind == 2 ? v > sum : v < sum) {
                sum = v;
            }
        }
        out[i] = kind == 0 ? sum / (float)count : sum;
    }
}

EW_FN void ew_reduce_sum_s8(const int8_t *x, size_t n, size_t count, size_t inner, int32_t in_zero, int32_t out_zero,
                            int32_t multiplier, int32_t shift, int8_t *out)
{
    ew_factor factor;
    size_t i, k;
    factor.multiplier = multiplier;
    factor.shift = shift;
    for (i = 0; i < n; i++) {
        const int8_t *from = x + i / inner * count * inner + i % inner;
        int32_t sum = 0;
        for (k = 0; k < count; k++) {
            sum += from[k * inner] - in_zero;
        }
        out[i] = ew_output(ew_requantize(sum, factor), out_zero, -128, 127);
    }
}

EW_FN void ew_reduce_extreme_s8(int larger, const int8_t *x, size_t n, size_t count, size_t inner, int8_t *out)
{
    size_t i, k;
    for (i = 0; i < n; i++) {
        const int8_t *from = x + i / inner * count * inner + i % inner;
        int8_t best = from[0];
        for (k = 1; k < count; k++) {
            best = (from[k * inner] > best) == (larger != 0) ? from[k * inner] : best;
        }
        out[i] = best;
    }
}
