/* What steps of custom blocks have beside the other blocks. Mirrors the crate `dsp`, module `custom`. */

EW_FN float ew_sqrt_of(float x)
{
    return x > 0.0f ? sqrtf(x) : 0.0f;
}

EW_FN float ew_ln_of(float x)
{
    return ew_ln(x > 1e-10f ? x : 1e-10f);
}

EW_FN float ew_log10_of(float x)
{
    return ew_log10(x > 1e-10f ? x : 1e-10f);
}

/* 0 where the divisor is 0. */
EW_FN float ew_over(float x, float y)
{
    return y == 0.0f ? 0.0f : x / y;
}

EW_FN float ew_finite(float x)
{
    return ew_is_finite(x) ? x : 0.0f;
}

/* Sum of all values up to each. */
EW_FN void ew_running(const float *x, size_t n, float *out)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i];
        out[i] = sum;
    }
}

/* Variance, skewness, kurtosis. */
EW_FN void ew_moments_to(const float *x, size_t n, float *out)
{
    ew_moments m;
    ew_moments_of(x, n, &m);
    out[0] = m.m2;
    out[1] = m.skewness;
    out[2] = m.kurtosis;
}

EW_FN float ew_dot(const float *x, const float *y, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i] * y[i];
    }
    return sum;
}

/* Frequency of the bin with the most power, the first of equals; the mean's is left out. */
EW_FN float ew_peak_hz(const float *power, size_t bins, float width)
{
    size_t k, most = 1;
    for (k = 2; k < bins; k++) {
        if (power[k] > power[most]) {
            most = k;
        }
    }
    return power[most] > 0.0f ? (float)most * width : 0.0f;
}

EW_FN float ew_centroid_hz(const float *power, size_t bins, float width)
{
    float all = 0.0f, weighed = 0.0f;
    size_t k;
    for (k = 1; k < bins; k++) {
        all += power[k];
        weighed += (float)k * power[k];
    }
    return all > 0.0f ? weighed / all * width : 0.0f;
}

EW_FN float ew_evenness(const float *power, size_t bins, float factor)
{
    const float total = ew_total(power + 1, bins - 1u);
    return total > 0.0f ? ew_entropy_of(power + 1, bins - 1u, total) * factor : 0.0f;
}
