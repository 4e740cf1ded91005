/* Statistics of one axis. Mirrors the crate `dsp`, module `flatten`. */

typedef struct {
    float mean, m2, skewness, kurtosis;
} ew_moments;

/* Values that are added up before their sum is added to the rest: of thousands, each added to the sum of all before it, the
   last digits would be lost. Where a block ends that begins at i. */
#define EW_BLOCK 128u

EW_INLINE size_t ew_block_end(size_t i, size_t n)
{
    return n - i > EW_BLOCK ? i + EW_BLOCK : n;
}

/* The mean of some values as a value near it and what lies between: the sum of both is rounded where the values lie, and a
   small movement far from 0 would lose its shape to that. */
typedef struct {
    float near_by, between;
} ew_middle;

EW_FN ew_middle ew_middle_of(const float *x, size_t n)
{
    const float count = (float)n;
    float sum = 0.0f, most = 0.0f, mean, wide;
    ew_middle middle;
    size_t i, end;
    if (n <= EW_BLOCK) {
        for (i = 0; i < n; i++) {
            sum += x[i] - x[0];
        }
        middle.near_by = x[0];
        middle.between = sum / count;
        return middle;
    }
    for (i = 0; i < n;) {
        float part = 0.0f;
        for (end = ew_block_end(i, n); i < end; i++) {
            const float d = x[i] - x[0];
            const float size = d < 0.0f ? -d : d;
            if (size > most) {
                most = size;
            }
            part += d;
        }
        sum += part;
    }
    /* A second look: the first value may be the only one of its size. As coarse as the sum of a block may be, so that sums of
       whole numbers stay exact: all roundings would go the same way. */
    mean = x[0] + sum / count;
    wide = (float)EW_BLOCK * most;
    middle.near_by = wide < 1e38f ? (mean + wide) - wide : mean;
    sum = 0.0f;
    for (i = 0; i < n;) {
        float part = 0.0f;
        for (end = ew_block_end(i, n); i < end; i++) {
            part += x[i] - middle.near_by;
        }
        sum += part;
    }
    middle.between = sum / count;
    return middle;
}

/* A value without the mean. */
EW_INLINE float ew_off(ew_middle middle, float v)
{
    return (v - middle.near_by) - middle.between;
}

EW_FN float ew_mean(const float *x, size_t n)
{
    const ew_middle middle = ew_middle_of(x, n);
    return middle.near_by + middle.between;
}

EW_FN float ew_rms(const float *x, size_t n)
{
    float sum = 0.0f;
    size_t i, end;
    for (i = 0; i < n;) {
        float part = 0.0f;
        for (end = ew_block_end(i, n); i < end; i++) {
            part += x[i] * x[i];
        }
        sum += part;
    }
    return sqrtf(sum / (float)n);
}

/* Means of the second to the fourth power of the distances from the mean, taken `factor` times. */
EW_INLINE void ew_powers(const float *x, size_t n, ew_middle middle, float factor, float *m)
{
    const float count = (float)n;
    size_t i, end;
    m[0] = m[1] = m[2] = 0.0f;
    for (i = 0; i < n;) {
        float s2 = 0.0f, s3 = 0.0f, s4 = 0.0f;
        for (end = ew_block_end(i, n); i < end; i++) {
            const float d = ew_off(middle, x[i]) * factor;
            const float d2 = d * d;
            s2 += d2;
            s3 += d2 * d;
            s4 += d2 * d2;
        }
        m[0] += s2;
        m[1] += s3;
        m[2] += s4;
    }
    m[0] /= count;
    m[1] /= count;
    m[2] /= count;
}

EW_FN void ew_moments_of(const float *x, size_t n, ew_moments *out)
{
    const ew_middle middle = ew_middle_of(x, n);
    const float mean = middle.near_by + middle.between;
    float m[3], factor = 1.0f, edge;
    ew_powers(x, n, middle, 1.0f, m);
    out->mean = mean;
    out->m2 = m[0];
    /* Fourth powers of what is large are beyond single precision; a power of two changes no shape. */
    while (m[2] > 3.402823466e38f && factor > 1e-30f) {
        factor *= 1.0f / 16777216.0f;
        ew_powers(x, n, middle, factor, m);
    }
    /* Those of what is faint are below it. */
    while (m[2] < 1e-30f && m[0] > 0.0f && factor < 1e30f) {
        factor *= 16777216.0f;
        ew_powers(x, n, middle, factor, m);
    }
    edge = 1e-6f * (mean < 0.0f ? -mean : mean);
    if (out->m2 <= edge * edge) {
        out->skewness = 0.0f;
        out->kurtosis = -3.0f;
    } else {
        out->skewness = m[1] / m[0] / sqrtf(m[0]);
        out->kurtosis = m[2] / m[0] / m[0] - 3.0f;
    }
}

typedef struct {
    size_t frames, axes, used;
    const uint16_t *chosen;
    float scale;
    uint8_t wanted[7];
    size_t moving; /* windows of the moving average; state: means kept, place of the next, means of each axis */
} ew_flatten;

EW_FN int ew_flatten_extract(const ew_flatten *p, const ew_signal *signal, float *state, float *features, float *scratch)
{
    size_t a, i, at = 0, kept = 0, slot = 0;
    if (p->moving > 0u) {
        kept = (size_t)state[0];
        slot = (size_t)state[1];
        kept = kept < p->moving ? kept + 1u : p->moving;
    }
    for (a = 0; a < p->used; a++) {
        float values[7];
        float low, high;
        ew_moments m;
        const int status = ew_read_axis(signal, p->axes, p->chosen[a], 0u, p->frames, scratch);
        if (status != EW_OK) {
            return status;
        }
        for (i = 0; i < p->frames; i++) {
            scratch[i] = scratch[i] * p->scale;
        }
        ew_moments_of(scratch, p->frames, &m);
        low = high = scratch[0];
        for (i = 0; i < p->frames; i++) {
            if (scratch[i] < low) {
                low = scratch[i];
            }
            if (scratch[i] > high) {
                high = scratch[i];
            }
        }
        values[0] = m.mean;
        values[1] = low;
        values[2] = high;
        values[3] = ew_rms(scratch, p->frames);
        values[4] = sqrtf(m.m2);
        values[5] = m.skewness;
        values[6] = m.kurtosis;
        for (i = 0; i < 7u; i++) {
            if (p->wanted[i]) {
                features[at++] = values[i];
            }
        }
        if (p->moving > 0u) {
            float *means = state + 2u + a * p->moving;
            means[slot] = m.mean;
            features[at++] = ew_mean(means, kept);
        }
    }
    if (p->moving > 0u) {
        state[0] = (float)kept;
        state[1] = (float)(slot + 1u < p->moving ? slot + 1u : 0u);
    }
    return EW_OK;
}
