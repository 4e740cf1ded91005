/* Spectrogram, MFE and MFCC. Mirrors the crate `dsp`, module `audio`. */

typedef struct {
    size_t samples, used, stride, rows;
    float scale, emphasis;
    size_t shift;
    size_t axes, axis; /* in the signal */
} ew_framing;

/* Writes frame `row` to `out`, filled with zeros to `n`; `spare` holds n values. */
EW_FN int ew_frame(const ew_framing *f, const ew_signal *signal, float scale, size_t row, size_t n, float *out,
                   float *spare)
{
    const size_t start = row * f->stride;
    size_t i;
    int status = ew_read_axis(signal, f->axes, f->axis, start, f->used, out);
    if (status != EW_OK) {
        return status;
    }
    if (f->emphasis == 0.0f) {
        for (i = 0; i < f->used; i++) {
            out[i] = out[i] * scale;
        }
    } else {
        /* The values `shift` before the first ones come from the end of the window. */
        const size_t before = f->shift < f->used ? f->shift : f->used;
        const size_t from = start >= f->shift ? start - f->shift : start + f->samples - f->shift;
        const size_t whole = f->samples - from < before ? f->samples - from : before;
        status = ew_read_axis(signal, f->axes, f->axis, from, whole, spare);
        if (status == EW_OK) {
            status = ew_read_axis(signal, f->axes, f->axis, 0u, before - whole, spare + whole);
        }
        if (status != EW_OK) {
            return status;
        }
        for (i = f->used; i-- > 0u;) {
            const float back = i >= f->shift ? out[i - f->shift] : spare[i];
            const float x = out[i] * scale;
            out[i] = x - f->emphasis * (back * scale);
        }
    }
    for (i = f->used; i < n; i++) {
        out[i] = 0.0f;
    }
    return EW_OK;
}

EW_FN float ew_decibel(float power, float edge)
{
    const float p = power < 1e-30f ? 1e-30f : power;
    return (10.0f * ew_log10(p) - edge) / (12.0f - edge);
}

EW_FN void ew_range(const float *x, size_t n, float *low, float *high)
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

EW_FN void ew_min_max(float *x, size_t n)
{
    float low, high, span;
    size_t i;
    ew_range(x, n, &low, &high);
    span = high - low;
    for (i = 0; i < n; i++) {
        x[i] = span > 0.0f ? (x[i] - low) / span : 0.0f;
    }
}

typedef struct {
    ew_framing framing;
    ew_fft fft;
    uint8_t variant; /* 0: scaled to 0..1, 1: decibels capped at 1, 2: decibels */
    float edge;
} ew_spectrogram;

/* Power of frame `row`, before what needs all frames; scratch holds the frame and the transform's work. */
EW_FN int ew_spectrogram_row(const ew_spectrogram *p, const ew_signal *signal, size_t row, float *out, float *scratch)
{
    const size_t n = p->fft.n;
    float *input = scratch, *work = scratch + n;
    const int status = ew_frame(&p->framing, signal, p->framing.scale, row, n, input, work);
    if (status == EW_OK) {
        ew_fft_power(&p->fft, input, 1.0f / (float)n, work, out);
    }
    return status;
}

/* From the frames of a window to its features; `loud`: a sample lies beyond -1..1, which variant 1 asks. */
EW_FN void ew_spectrogram_finish(const ew_spectrogram *p, int loud, float *features)
{
    const size_t values = p->framing.rows * (p->fft.n / 2u + 1u);
    /* Dividing the samples by 32768 divides their power by its square, exactly. */
    const float power = p->variant == 1u && loud ? 1.0f / (32768.0f * 32768.0f) : 1.0f;
    size_t i;
    if (p->variant == 0u) {
        ew_min_max(features, values);
        return;
    }
    for (i = 0; i < values; i++) {
        const float d = ew_decibel(features[i] * power, p->edge);
        features[i] = d < 0.0f ? 0.0f : (p->variant == 1u && d > 1.0f ? 1.0f : d);
    }
}

EW_FN int ew_spectrogram_extract(const ew_spectrogram *p, const ew_signal *signal, float *features, float *scratch)
{
    const size_t n = p->fft.n, columns = n / 2u + 1u, rows = p->framing.rows;
    int loud = 0;
    size_t i, row;
    if (p->variant == 1u) {
        size_t at = 0;
        while (at < p->framing.samples) {
            const size_t count = p->framing.samples - at < n ? p->framing.samples - at : n;
            const int status = ew_read_axis(signal, p->framing.axes, p->framing.axis, at, count, scratch);
            if (status != EW_OK) {
                return status;
            }
            for (i = 0; i < count; i++) {
                loud = loud || scratch[i] < -1.0f || scratch[i] > 1.0f;
            }
            at += count;
        }
    }
    for (row = 0; row < rows; row++) {
        const int status = ew_spectrogram_row(p, signal, row, features + row * columns, scratch);
        if (status != EW_OK) {
            return status;
        }
    }
    ew_spectrogram_finish(p, loud, features);
    return EW_OK;
}

/* Running sum that keeps what rounding takes off. */
typedef struct {
    float high, low;
} ew_sum;

EW_FN void ew_sum_add(ew_sum *s, float v)
{
    const float sum = s->high + v;
    const float part = sum - s->high;
    s->low += (s->high - (sum - part)) + (v - part);
    s->high = sum;
}

/* Whether the rows at - p to at + p that exist are all equal; `change` is handed on from row to row. */
EW_FN int ew_constant(const float *x, size_t rows, size_t at, size_t p, size_t *change)
{
    const size_t last = at + p < rows - 1u ? at + p : rows - 1u;
    const size_t from = (at > p ? at - p : 0u) + 1u;
    if (*change < from) {
        *change = from;
    }
    while (*change <= last && x[*change] == x[*change - 1u]) {
        *change += 1u;
    }
    return *change > last;
}

/* Sliding normalisation, column by column; scratch holds 2 * rows values. */
EW_FN void ew_cmvn(float *x, size_t rows, size_t columns, size_t window, int variance, float *scratch)
{
    const ptrdiff_t p = (ptrdiff_t)(window / 2u);
    const float w = (float)window;
    float *d = scratch, *y = scratch + rows;
    size_t c, i;
    ptrdiff_t j;
    for (c = 0; c < columns; c++) {
        const float first = x[c];
        ew_sum sum = {0.0f, 0.0f};
        size_t change = 0;
        for (i = 0; i < rows; i++) {
            d[i] = x[i * columns + c] - first;
        }
        for (j = -p; j <= p; j++) {
            ew_sum_add(&sum, d[ew_reflect(j, rows)]);
        }
        for (i = 0; i < rows; i++) {
            const int still = ew_constant(d, rows, i, window / 2u, &change);
            y[i] = still ? 0.0f : d[i] - (sum.high + sum.low) / w;
            ew_sum_add(&sum, d[ew_reflect((ptrdiff_t)i + p + 1, rows)]);
            ew_sum_add(&sum, -d[ew_reflect((ptrdiff_t)i - p, rows)]);
        }
        if (!variance) {
            for (i = 0; i < rows; i++) {
                x[i * columns + c] = y[i];
            }
        } else {
            ew_sum s1 = {0.0f, 0.0f}, s2 = {0.0f, 0.0f};
            change = 0;
            for (j = -p; j <= p; j++) {
                const float v = y[ew_reflect(j, rows)];
                ew_sum_add(&s1, v);
                ew_sum_add(&s2, v * v);
            }
            for (i = 0; i < rows; i++) {
                const float mean = (s1.high + s1.low) / w;
                const float var = (s2.high + s2.low) / w - mean * mean;
                const int still = ew_constant(y, rows, i, window / 2u, &change);
                const float deviation = var > 0.0f && !still ? sqrtf(var) : 0.0f;
                const float in = y[ew_reflect((ptrdiff_t)i + p + 1, rows)];
                const float gone = y[ew_reflect((ptrdiff_t)i - p, rows)];
                x[i * columns + c] = y[i] / (deviation + 1e-10f);
                ew_sum_add(&s1, in);
                ew_sum_add(&s1, -gone);
                ew_sum_add(&s2, in * in);
                ew_sum_add(&s2, -(gone * gone));
            }
        }
    }
}

typedef struct {
    ew_framing framing;
    ew_fft fft;
    size_t filters, columns;
    const uint16_t *first, *count; /* bins of each filter */
    const float *weights;
    uint8_t variant; /* 0: decibels in 256 steps, 1: normalised, 2: cepstral */
    float edge;
    const float *dct; /* columns x filters */
    size_t window;
} ew_mel;

/* Values of frame `row`, before what needs all frames. */
EW_FN int ew_mel_row(const ew_mel *p, const ew_signal *signal, size_t row, float *out, float *scratch)
{
    const size_t n = p->fft.n;
    float *input = scratch, *work = input + n, *power = work + n, *energy = power + n / 2u + 1u;
    const float *weights = p->weights;
    size_t i, k;
    const int status = ew_frame(&p->framing, signal, p->framing.scale, row, n, input, work);
    if (status != EW_OK) {
        return status;
    }
    ew_fft_power(&p->fft, input, 1.0f / (float)n, work, power);
    for (i = 0; i < p->filters; i++) {
        const float *bins = power + p->first[i];
        float sum = 0.0f;
        for (k = 0; k < p->count[i]; k++) {
            sum += bins[k] * weights[k];
        }
        weights += p->count[i];
        energy[i] = sum;
    }
    if (p->variant == 0u) {
        for (i = 0; i < p->filters; i++) {
            float v = ew_decibel(ew_zero_guard(energy[i]), p->edge);
            v = v < 0.0f ? 0.0f : (v > 1.0f ? 1.0f : v);
            out[i] = ew_round_half_even(v * 256.0f) / 256.0f;
        }
    } else if (p->variant == 1u) {
        for (i = 0; i < p->filters; i++) {
            out[i] = ew_zero_guard(energy[i]);
        }
    } else {
        float total = 0.0f;
        for (i = 0; i < p->filters; i++) {
            energy[i] = ew_ln(ew_zero_guard(energy[i]));
        }
        for (k = 0; k < p->columns; k++) {
            const float *cosine = p->dct + k * p->filters;
            float sum = 0.0f;
            for (i = 0; i < p->filters; i++) {
                sum += energy[i] * cosine[i];
            }
            out[k] = sum;
        }
        for (i = 0; i <= n / 2u; i++) {
            total += power[i];
        }
        out[0] = ew_ln(ew_zero_guard(total));
    }
    return EW_OK;
}

/* From the frames of a window to its features. */
EW_FN void ew_mel_finish(const ew_mel *p, float *features, float *scratch)
{
    const size_t rows = p->framing.rows;
    if (p->variant == 1u) {
        float low, high;
        ew_cmvn(features, rows, p->columns, p->window, 0, scratch);
        ew_range(features, rows * p->columns, &low, &high);
        if (low != 0.0f && high != 0.0f) {
            ew_min_max(features, rows * p->columns);
        }
    } else if (p->variant == 2u && p->window > 0u) {
        ew_cmvn(features, rows, p->columns, p->window, 1, scratch);
    }
}

EW_FN int ew_mel_extract(const ew_mel *p, const ew_signal *signal, float *features, float *scratch)
{
    size_t row;
    for (row = 0; row < p->framing.rows; row++) {
        const int status = ew_mel_row(p, signal, row, features + row * p->columns, scratch);
        if (status != EW_OK) {
            return status;
        }
    }
    ew_mel_finish(p, features, scratch);
    return EW_OK;
}
