/* Heart-rate variability. Mirrors the crate `dsp`, module `hrv`. */

#define EW_HRV_GRID_HZ 4.0f

EW_FN void ew_hrv_sort(float *x, size_t n)
{
    size_t i;
    for (i = 1; i < n; i++) {
        const float v = x[i];
        size_t at = i;
        while (at > 0u && x[at - 1u] > v) {
            x[at] = x[at - 1u];
            at--;
        }
        x[at] = v;
    }
}

EW_FN float ew_quantile(const float *sorted, size_t n, size_t quarters)
{
    const size_t at = (n - 1u) * quarters, low = at / 4u;
    const float part = (float)(at % 4u) * 0.25f;
    return part == 0.0f ? sorted[low] : sorted[low] + part * (sorted[low + 1u] - sorted[low]);
}

/* Seventeen measures; `sorted` holds n values. */
EW_FN void ew_hrv_time(const float *nn, size_t n, float *sorted, float *out)
{
    float middle, sum = 0.0f, squares = 0.0f, drift = 0.0f, above_50 = 0.0f, above_20 = 0.0f;
    float differences, sdnn, rmssd, median, mad, rate = 0.0f;
    size_t i;
    for (i = 0; i < 17u; i++) {
        out[i] = 0.0f;
    }
    if (n < 3u) {
        return;
    }
    middle = ew_mean(nn, n);
    for (i = 0; i < n; i++) {
        const float d = nn[i] - middle;
        sum += d * d;
    }
    sdnn = sqrtf(sum / (float)(n - 1u));
    for (i = 1; i < n; i++) {
        const float d = nn[i] - nn[i - 1u];
        const float size = d < 0.0f ? -d : d;
        squares += d * d;
        drift += d;
        if (size > 50.0f) {
            above_50 += 1.0f;
        }
        if (size > 20.0f) {
            above_20 += 1.0f;
        }
    }
    differences = (float)(n - 1u);
    rmssd = sqrtf(squares / differences);
    drift = drift / differences;
    sum = 0.0f;
    for (i = 1; i < n; i++) {
        const float d = nn[i] - nn[i - 1u] - drift;
        sum += d * d;
    }
    for (i = 0; i < n; i++) {
        sorted[i] = nn[i];
    }
    ew_hrv_sort(sorted, n);
    median = ew_quantile(sorted, n, 2u);
    out[9] = ew_quantile(sorted, n, 3u) - ew_quantile(sorted, n, 1u);
    out[10] = sorted[0];
    out[11] = sorted[n - 1u];
    for (i = 0; i < n; i++) {
        const float d = nn[i] - median;
        sorted[i] = d < 0.0f ? -d : d;
        rate += 60000.0f / nn[i];
    }
    ew_hrv_sort(sorted, n);
    mad = 1.4826f * ew_quantile(sorted, n, 2u);
    out[0] = middle;
    out[1] = sdnn;
    out[2] = rmssd;
    out[3] = sqrtf(sum / (float)(n - 2u));
    out[4] = sdnn / middle;
    out[5] = rmssd / middle;
    out[6] = median;
    out[7] = mad;
    out[8] = mad / median;
    out[12] = above_50;
    out[13] = above_20;
    out[14] = 100.0f * above_50 / differences;
    out[15] = 100.0f * above_20 / differences;
    out[16] = rate / (float)n;
}

typedef struct {
    ew_fft fft;
    size_t low_first, low_end, high_first, high_end;
} ew_hrv_bands;

/* Sweeps after which the second derivatives of a spline stand still: each brings them at least four times nearer. */
#define EW_HRV_SWEEPS 14u

/* Second derivatives at the knots of a natural cubic spline, by Gauss and Seidel's method. */
EW_FN void ew_hrv_bend(const float *at, const float *of, size_t count, float *bends)
{
    size_t sweep, k;
    for (k = 0; k < count; k++) {
        bends[k] = 0.0f;
    }
    for (sweep = 0; sweep < EW_HRV_SWEEPS; sweep++) {
        for (k = 1; k + 1u < count; k++) {
            const float before = at[k] - at[k - 1u], behind = at[k + 1u] - at[k];
            const float turn = (of[k + 1u] - of[k]) / behind - (of[k] - of[k - 1u]) / before;
            bends[k] = (6.0f * turn - before * bends[k - 1u] - behind * bends[k + 1u]) / (2.0f * (before + behind));
        }
    }
}

EW_FN float ew_hrv_band(const float *power, size_t first, size_t end, size_t n, float *peak_hz)
{
    float sum = 0.0f;
    size_t bin, best = first;
    for (bin = first; bin < end; bin++) {
        sum += power[bin];
        if (power[bin] > power[best]) {
            best = bin;
        }
    }
    *peak_hz = (float)best * (EW_HRV_GRID_HZ / (float)n);
    return sum;
}

/* Five measures of intervals in ms that end at these times in s, the first at 0. */
EW_FN void ew_hrv_frequency(const ew_hrv_bands *p, const float *at, const float *nn, size_t count, float *scratch,
                            float *out)
{
    const size_t n = p->fft.n;
    float *x = scratch, *work = x + n, *power = work + n;
    float middle, half, trend, along = 0.0f, spread = 0.0f, weight = 0.0f;
    size_t i, filled = 0, k = 0;
    for (i = 0; i < 5u; i++) {
        out[i] = 0.0f;
    }
    count = count < n ? count : n;
    if (count < 4u) {
        return;
    }
    ew_hrv_bend(at, nn, count, work);
    while (filled < n) {
        const float t = (float)filled / EW_HRV_GRID_HZ;
        while (k + 1u < count && at[k + 1u] < t) {
            k++;
        }
        if (k + 1u >= count) {
            break;
        }
        {
            const float step = at[k + 1u] - at[k];
            const float u = (t - at[k]) / step;
            const float u2 = u * u, square = step * step;
            const float left = work[k] * square, right = work[k + 1u] * square;
            const float grows = nn[k + 1u] - nn[k] - (2.0f * left + right) / 6.0f;
            x[filled] = nn[k] + (grows * u + 0.5f * left * u2 + (right - left) / 6.0f * (u2 * u));
        }
        filled++;
    }
    if (filled < 8u) {
        return;
    }
    middle = ew_mean(x, filled);
    half = (float)(filled - 1u) * 0.5f;
    for (i = 0; i < filled; i++) {
        const float d = (float)i - half;
        along += d * (x[i] - middle);
        spread += d * d;
    }
    trend = along / spread;
    for (i = 0; i < n; i++) {
        if (i < filled) {
            const float d = (float)i - half;
            const float u = d / (half + 0.5f);
            const float w = 1.0f - u * u;
            x[i] = w * (x[i] - middle - trend * d);
            weight += w * w;
        } else {
            x[i] = 0.0f;
        }
    }
    ew_fft_power(&p->fft, x, 2.0f / (weight * (float)n), work, power);
    out[0] = ew_hrv_band(power, p->low_first, p->low_end, n, &out[3]);
    out[1] = ew_hrv_band(power, p->high_first, p->high_end, n, &out[4]);
    out[2] = out[1] > 0.0f ? out[0] / out[1] : 0.0f;
}
