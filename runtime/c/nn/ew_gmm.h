/* Log-likelihood under a Gaussian mixture. Mirrors the crate `kernels`, modules `gmm` and `math`. */
EW_FN float ew_gmm_ln(float x)
{
    int32_t exponent = (int32_t)(ew_bits_of(x) >> 23) - 127;
    float fraction = ew_from_bits((ew_bits_of(x) & 0x7fffffu) | 0x3f800000u);
    float t, square, p, whole;
    if (fraction > 1.41421354f) {
        fraction *= 0.5f;
        exponent += 1;
    }
    t = (fraction - 1.0f) / (fraction + 1.0f);
    square = t * t;
    p = 0.222222224f;
    p = p * square + 0.285714298f;
    p = p * square + 0.400000006f;
    p = p * square + 0.666666687f;
    p = p * square + 2.0f;
    whole = (float)exponent * 0.693147182f;
    return p * t + whole;
}

EW_FN float ew_gmm_score_f32(const float *x, const uint16_t *axes, size_t n, const float *mean, const float *offsets,
                             const float *factors, const float *constants, size_t components, int diagonal, float centre,
                             float scale)
{
    const float lowest = -1e30f;
    float top = lowest, sum = 0.0f, score;
    size_t k, r, c;
    for (k = 0; k < components; k++) {
        float distance = 0.0f, half, log;
        for (r = 0; r < n; r++) {
            float y = *offsets++;
            for (c = diagonal != 0 ? r : 0; c <= r; c++) {
                const float centred = x[axes[c]] - mean[c];
                y += *factors++ * centred;
            }
            distance += y * y;
        }
        half = 0.5f * distance;
        log = constants[k] - half;
        log = log > lowest ? log : lowest;
        if (log > top) {
            sum = sum * ew_exp(top - log) + 1.0f;
            top = log;
        } else {
            sum += ew_exp(log - top);
        }
    }
    score = (centre - (top + ew_gmm_ln(sum))) * scale;
    return score < 1000.0f ? score : 1000.0f;
}
