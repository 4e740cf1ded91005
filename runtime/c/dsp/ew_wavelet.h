/* Wavelet bands of one axis and their statistics. Mirrors the crate `dsp`, module `wavelet`. */

typedef struct {
    size_t length;     /* of the filters */
    const float *taps; /* low-pass and high-pass tap in turns */
    size_t levels;
} ew_wavelet;

/* Shell's method. */
EW_FN void ew_sort(float *x, size_t n)
{
    static const uint16_t gaps[12] = {19930u, 8858u, 3937u, 1750u, 701u, 301u, 132u, 57u, 23u, 10u, 4u, 1u};
    size_t g, i;
    for (g = 0; g < 12u; g++) {
        const size_t gap = gaps[g];
        for (i = gap; i < n; i++) {
            const float v = x[i];
            size_t j = i;
            while (j >= gap && x[j - gap] > v) {
                x[j] = x[j - gap];
                j -= gap;
            }
            x[j] = v;
        }
    }
}

/* Entropy of sorted values over 100 equal steps between the smallest and the largest. */
EW_FN float ew_entropy(const float *sorted, size_t n)
{
    const float count = (float)n, least = sorted[0], most = sorted[n - 1u];
    const float range = most - least;
    const float steps = range > 0.0f ? 100.0f / range : 0.0f;
    const float middle = 0.5f * least + 0.5f * most;
    float sum = 0.0f, p;
    int32_t step = 0;
    uint32_t many = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        const float from = (sorted[i] - middle) * steps;
        int32_t at = 0;
        if (from >= 50.0f) {
            at = 99;
        } else if (from > -50.0f) {
            const int32_t whole = (int32_t)from;
            at = from < (float)whole ? whole + 49 : whole + 50;
        }
        if (at != step && many > 0u) {
            p = (float)many / count;
            sum -= p * ew_ln(p);
            many = 0;
        }
        step = at;
        many++;
    }
    p = (float)many / count;
    return sum - p * ew_ln(p);
}

/* 14 values of a band, which is sorted on the way. */
EW_FN void ew_band(float *x, size_t n, float *out)
{
    const float count = (float)n;
    size_t i, zero = 0, middle = 0;
    ew_moments m;
    ew_moments_of(x, n, &m);
    out[11] = ew_rms(x, n);
    for (i = 1; i < n; i++) {
        zero += (x[i - 1u] > 0.0f) != (x[i] > 0.0f) ? 1u : 0u;
        middle += (x[i - 1u] > m.mean) != (x[i] > m.mean) ? 1u : 0u;
    }
    ew_sort(x, n);
    out[0] = ew_entropy(x, n);
    out[1] = (float)zero / count;
    out[2] = (float)middle / count;
    out[3] = x[((n - 1u) * 5u + 50u) / 100u];
    out[4] = x[((n - 1u) * 25u + 50u) / 100u];
    out[5] = x[((n - 1u) * 75u + 50u) / 100u];
    out[6] = x[((n - 1u) * 95u + 50u) / 100u];
    out[7] = x[((n - 1u) * 50u + 50u) / 100u];
    out[8] = m.mean;
    out[9] = sqrtf(m.m2);
    out[10] = m.m2 * (count / (count - 1.0f));
    out[12] = out[11] == 0.0f ? 0.0f : m.skewness;
    out[13] = out[11] == 0.0f ? 0.0f : m.kurtosis;
}

/* Every second value of both convolutions, with half-sample symmetric extension. */
EW_COMPLEX EW_FN void ew_wavelet_split(const ew_wavelet *p, const float *x, size_t n, float *low, float *high, size_t half)
{
    const size_t length = p->length;
    size_t k, j;
    for (k = 0; k < half; k++) {
        const size_t last = 2u * k + 1u, beyond = last < n ? 0u : last - n + 1u;
        float l = 0.0f, h = 0.0f;
        for (j = beyond; j-- > 0u;) {
            const float v = x[n + j - beyond];
            l += p->taps[2u * j] * v;
            h += p->taps[2u * j + 1u] * v;
        }
        for (j = beyond; j < length && j <= last; j++) {
            const float v = x[last - j];
            l += p->taps[2u * j] * v;
            h += p->taps[2u * j + 1u] * v;
        }
        for (; j < length; j++) {
            const float v = x[j - last - 1u];
            l += p->taps[2u * j] * v;
            h += p->taps[2u * j + 1u] * v;
        }
        low[k] = l;
        high[k] = h;
    }
}

/* Statistics of the last approximation, then of the details from the last to the first. x is overwritten; scratch holds an
 * approximation and a detail. */
EW_FN void ew_wavelet_of(const ew_wavelet *p, float *x, size_t n, float *scratch, float *out)
{
    float *from = x, *to = scratch, *detail = scratch + (n + p->length - 1u) / 2u;
    size_t level;
    for (level = 0; level < p->levels; level++) {
        const size_t half = (n + p->length - 1u) / 2u;
        float *last = from;
        ew_wavelet_split(p, from, n, to, detail, half);
        ew_band(detail, half, out + 14u * (p->levels - level));
        from = to;
        to = last;
        n = half;
    }
    ew_band(from, n, out);
}
