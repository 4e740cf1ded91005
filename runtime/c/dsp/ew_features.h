/* Signal features of one axis in time, and of two. Mirrors the crate `dsp`, module `features`. */

/* How often one of two neighbours is below `level` and the other is not. */
EW_FN float ew_crossings(const float *x, size_t n, float level)
{
    float count = 0.0f;
    size_t i;
    for (i = 1; i < n; i++) {
        if ((x[i - 1u] < level) != (x[i] < level)) {
            count += 1.0f;
        }
    }
    return count;
}

EW_FN float ew_energy(const float *x, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    return sum;
}

EW_FN float ew_total(const float *x, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

EW_FN float ew_absolute(const float *x, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i] < 0.0f ? -x[i] : x[i];
    }
    return sum;
}

/* Smallest and largest value. */
EW_FN void ew_extremes(const float *x, size_t n, float *low, float *high)
{
    size_t i;
    *low = *high = x[0];
    for (i = 0; i < n; i++) {
        if (x[i] < *low) {
            *low = x[i];
        }
        if (x[i] > *high) {
            *high = x[i];
        }
    }
}

EW_FN float ew_peak_to_peak(const float *x, size_t n)
{
    float low, high;
    ew_extremes(x, n, &low, &high);
    return high - low;
}

/* Share of the values in each of equally wide bins; all in the first for a constant. */
EW_FN void ew_histogram(const float *x, size_t n, float *shares, size_t bins)
{
    float low, high, wide;
    size_t i;
    ew_extremes(x, n, &low, &high);
    wide = high - low;
    for (i = 0; i < bins; i++) {
        shares[i] = 0.0f;
    }
    for (i = 0; i < n; i++) {
        const float place = wide > 0.0f ? (x[i] - low) / wide * (float)bins : 0.0f;
        shares[place < (float)bins ? (size_t)place : bins - 1u] += 1.0f;
    }
    for (i = 0; i < bins; i++) {
        shares[i] = shares[i] / (float)n;
    }
}

/* Entropy of shares of a total, in nats. */
EW_FN float ew_entropy_of(const float *shares, size_t n, float total)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        const float p = shares[i] / total;
        if (p > 0.0f) {
            sum -= p * ew_ln(p);
        }
    }
    return sum;
}

/* Lets x[root] sink to its place in the heap of the first n values. */
EW_FN void ew_sink(float *x, size_t root, size_t n)
{
    const float v = x[root];
    for (;;) {
        size_t child = 2u * root + 1u;
        if (child >= n) {
            break;
        }
        if (child + 1u < n && x[child] < x[child + 1u]) {
            child++;
        }
        if (v >= x[child]) {
            break;
        }
        x[root] = x[child];
        root = child;
    }
    x[root] = v;
}

/* Sorts in place, in as many steps for the worst order as for the best. */
EW_FN void ew_heap_sort(float *x, size_t n)
{
    size_t i;
    for (i = n / 2u; i-- > 0u;) {
        ew_sink(x, i, n);
    }
    for (i = n; i-- > 1u;) {
        const float most = x[0];
        x[0] = x[i];
        x[i] = most;
        ew_sink(x, 0u, i);
    }
}

/* The value below which `quarters` quarters of a sorted list lie. */
EW_FN float ew_quarter(const float *sorted, size_t n, size_t quarters)
{
    const size_t at = (n - 1u) * quarters, low = at / 4u;
    const float part = (float)(at % 4u) * 0.25f;
    return part == 0.0f ? sorted[low] : sorted[low] + part * (sorted[low + 1u] - sorted[low]);
}

/* Range between the quartiles; sorts x. */
EW_FN float ew_interquartile(float *x, size_t n)
{
    ew_heap_sort(x, n);
    return ew_quarter(x, n, 3u) - ew_quarter(x, n, 1u);
}

/* Pearson's correlation; 0 where one is constant. */
EW_FN float ew_correlation(const float *x, const float *y, size_t n)
{
    const ew_middle mx = ew_middle_of(x, n), my = ew_middle_of(y, n);
    float xx = 0.0f, yy = 0.0f, xy = 0.0f, both;
    size_t i;
    for (i = 0; i < n; i++) {
        const float a = ew_off(mx, x[i]), b = ew_off(my, y[i]);
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    both = sqrtf(xx) * sqrtf(yy);
    return both > 0.0f ? xy / both : 0.0f;
}
