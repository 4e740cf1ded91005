/* Spectrogram, MFE and MFCC in integers. Mirrors the crate `dsp`, module `fixed`. */

typedef struct {
    size_t samples, used, stride, rows, shift;
    int32_t scale;    /* of the samples, as a power of two */
    uint32_t lift;    /* bits by which samples are lifted */
    int32_t emphasis; /* multiple of 2^-lift; 0 for none */
    size_t axes, axis; /* in the signal */
    ew_get whole; /* of a window of int16_t, read where it lies */
} ew_fixed_framing;

typedef struct {
    int32_t floor, span, steps;
    float share;
} ew_decibels;

typedef struct {
    ew_fixed_framing framing;
    ew_fixed_fft fft;
    size_t filters, columns;        /* no filters: the bins themselves */
    const uint16_t *first, *count;  /* bins of each filter */
    const uint16_t *weights;        /* multiples of 2^-15 */
    ew_decibels decibels;
    uint8_t variant;     /* 0: decibels, 1: decibels capped at 1, 2: decibels in 256 steps, 3: cepstral */
    const int16_t *dct;  /* (columns - 1) x filters */
    float scales[2];     /* of the first and of the other coefficients */
    size_t window;       /* rows of the sliding normalisation; 0 for none */
    const uint16_t *log2; /* fractions of log2(1 + k/128) */
} ew_fixed_audio;

#define EW_SILENT (-2177059) /* log2 of 1e-10, a multiple of 2^-16 */
#define EW_NOTHING (-6553600) /* below every noise floor */
#define EW_LOW_BITS 11

/* A float as a multiple of 2^(top - 141), to the nearest, halves away from 0. */
EW_FN int32_t ew_whole(uint32_t bits, uint32_t top)
{
    const uint32_t e = (bits >> 23) & 0xffu;
    const uint32_t down = 9u + top - e;
    uint32_t v;
    if (e == 0u || down > 24u) {
        return 0;
    }
    v = (((bits & 0x7fffffu) | 0x800000u) + (1u << (down - 1u))) >> down;
    return (bits >> 31) != 0u ? -(int32_t)v : (int32_t)v;
}

/* Reads `count` samples from `start` to words of `out`: bits of floats, or whole numbers where the window lies as such. */
EW_FN int ew_fixed_read(const ew_fixed_framing *f, const ew_signal *signal, size_t start, size_t count, int32_t *out)
{
    if (signal->get == f->whole) {
        const int16_t *from = (const int16_t *)signal->context + start * f->axes + f->axis;
        size_t i;
        for (i = 0; i < count; i++, from += f->axes) {
            out[i] = *from;
        }
        return EW_OK;
    }
    while (count > 0u) {
        float part[32];
        const size_t some = count < 32u ? count : 32u;
        const int status = ew_read_axis(signal, f->axes, f->axis, start, some, part);
        size_t i;
        if (status != EW_OK) {
            return status;
        }
        for (i = 0; i < some; i++) {
            out[i] = ew_bits_at(part + i);
        }
        start += some;
        out += some;
        count -= some;
    }
    return EW_OK;
}

EW_FN void ew_lift(int32_t *x, size_t n, uint32_t up)
{
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = (int32_t)((uint32_t)x[i] << up);
    }
}

EW_FN void ew_wholes(int32_t *x, size_t n, uint32_t top)
{
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = ew_whole((uint32_t)x[i], top);
    }
}

/* Writes frame `row` as integers to the n words of `out`, with their exponent; 0 for silence. `spare` holds n words. */
EW_FN int ew_fixed_frame(const ew_fixed_framing *f, const ew_signal *signal, size_t row, size_t n, int32_t *out,
                         int32_t *spare, int32_t *exponent, int *loud)
{
    const size_t start = row * f->stride, used = f->used;
    const size_t before = f->emphasis == 0 ? 0u : (f->shift < used ? f->shift : used);
    const int whole = signal->get == f->whole;
    uint32_t most = 0;
    size_t i;
    int status = ew_fixed_read(f, signal, start, used, out);
    *loud = 0;
    if (status == EW_OK && before > 0u) {
        /* The values `shift` before the first ones come from the end of the window. */
        const size_t from = start >= f->shift ? start - f->shift : start + f->samples - f->shift;
        const size_t there = f->samples - from < before ? f->samples - from : before;
        status = ew_fixed_read(f, signal, from, there, spare);
        if (status == EW_OK && there < before) {
            status = ew_fixed_read(f, signal, 0u, before - there, spare + there);
        }
    }
    if (status != EW_OK) {
        return status;
    }
    if (whole) {
        most = ew_loudest(spare, before, ew_loudest(out, used, 0u));
    } else {
        most = ew_largest(spare, before, ew_largest(out, used, 0u));
        if (most < 0x800000u) {
            most = 0;
        }
    }
    for (i = most == 0u ? 0u : used; i < n; i++) {
        out[i] = 0;
    }
    if (most == 0u) {
        return EW_OK;
    }
    *loud = 1;
    if (whole) {
        /* The largest magnitude becomes at most 2^15. */
        const uint32_t up = 15u - ew_bits(most - 1u);
        ew_lift(out, used, up);
        ew_lift(spare, before, up);
        *exponent = f->scale - (int32_t)(f->lift + up);
    } else {
        const uint32_t top = (most - 1u) >> 23;
        ew_wholes(out, used, top);
        ew_wholes(spare, before, top);
        *exponent = f->scale + (int32_t)top - 141 - (int32_t)f->lift;
    }
    if (f->emphasis == 0) {
        ew_lift(out, used, f->lift);
    } else {
        const int32_t one = (int32_t)((uint32_t)1 << f->lift);
        for (i = used; i-- > before;) {
            out[i] = out[i] * one - f->emphasis * out[i - f->shift];
        }
        for (i = 0; i < before; i++) {
            spare[i] = out[i] * one - f->emphasis * spare[i];
        }
        memcpy(out, spare, before * sizeof *out);
    }
    return EW_OK;
}

/* Weighted sum of `count` powers below 2^48. */
EW_FN uint64_t ew_filter_power(const uint32_t *power, const uint16_t *weights, size_t count)
{
    size_t k;
    uint64_t sum = 0;
#if defined(EW_SHORT_PRODUCTS)
    for (k = 0; k < count; k++, power += 2) {
        const uint32_t w = weights[k];
        sum += (uint64_t)((power[0] & 0xffffu) * w);
        sum += (uint64_t)((power[0] >> 16) * w) << 16;
        sum += (uint64_t)(power[1] * w) << 32;
    }
#else
    for (k = 0; k < count; k++, power += 2) {
        sum += (uint64_t)power[0] * weights[k] + ((uint64_t)(power[1] * (uint32_t)weights[k]) << 32);
    }
#endif
    return sum;
}

/* Whole square root. */
EW_FN uint32_t ew_root(uint32_t x)
{
    uint32_t root = 0, bit;
    for (bit = 0x40000000u; bit != 0u; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* x over the root of `square`, to 15 bits; 0 where `square` is 0. */
EW_FN float ew_ratio(int32_t x, uint64_t square)
{
    const uint32_t high = (uint32_t)(square >> 32);
    const uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    int32_t bits, half;
    uint32_t mantissa, up, quotient;
    float value;
    if (square == 0u || x == 0) {
        return 0.0f;
    }
    bits = high != 0u ? 32 + (int32_t)ew_bits(high) : (int32_t)ew_bits((uint32_t)square);
    half = (bits - 31) >> 1;
    mantissa = (uint32_t)(half >= 0 ? square >> (2 * half) : square << (-2 * half));
    up = 32u - ew_bits(magnitude);
    quotient = (magnitude << up) / ew_root(mantissa);
    value = (float)(int32_t)quotient * ew_from_bits((uint32_t)(127 - (int32_t)up - half) << 23);
    return x < 0 ? -value : value;
}

/* Bits by which values are shifted up to have `want` bits. */
EW_FN int32_t ew_room(const int32_t *x, size_t n, uint32_t want)
{
    uint32_t seen = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        seen |= ew_spread(x[i]);
    }
    return (int32_t)want - (int32_t)ew_bits(seen);
}

EW_FN void ew_shift_all(int32_t *x, size_t n, int32_t up)
{
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = ew_shifted(x[i], up);
    }
}

EW_FN int64_t ew_signed_square(int32_t x)
{
    return (int64_t)ew_square(x);
}

/* Sliding normalisation, column by column, from bits of integers to floats; scratch holds 2 * rows words. */
EW_FN void ew_fixed_normalise(float *x, size_t rows, size_t columns, size_t window, int32_t *scratch)
{
    const ptrdiff_t p = (ptrdiff_t)(window / 2u);
    const int32_t w = (int32_t)window;
    const uint32_t window_bits = ew_bits((uint32_t)window);
    int32_t *d = scratch, *z = scratch + rows;
    size_t c, i;
    ptrdiff_t j;
    for (c = 0; c < columns; c++) {
        const int32_t first = ew_bits_at(x + c);
        int32_t sum = 0, s1 = 0, down;
        int64_t s2 = 0;
        for (i = 0; i < rows; i++) {
            d[i] = ew_bits_at(x + i * columns + c) - first;
        }
        ew_shift_all(d, rows, ew_room(d, rows, 30u - window_bits));
        for (j = -p; j <= p; j++) {
            sum += d[ew_reflect(j, rows)];
        }
        for (i = 0; i < rows; i++) {
            z[i] = w * d[i] - sum;
            sum += d[ew_reflect((ptrdiff_t)i + p + 1, rows)] - d[ew_reflect((ptrdiff_t)i - p, rows)];
        }
        down = ew_room(z, rows, 31u - window_bits);
        if (down < 0) {
            ew_shift_all(z, rows, down);
        }
        for (j = -p; j <= p; j++) {
            const int32_t v = z[ew_reflect(j, rows)];
            s1 += v;
            s2 += ew_signed_square(v);
        }
        for (i = 0; i < rows; i++) {
            const int32_t in = z[ew_reflect((ptrdiff_t)i + p + 1, rows)];
            const int32_t gone = z[ew_reflect((ptrdiff_t)i - p, rows)];
            const float v = ew_ratio(z[i] * w, (uint64_t)(w * s2 - ew_signed_square(s1)));
            x[i * columns + c] = v;
            s1 += in - gone;
            s2 += ew_signed_square(in) - ew_signed_square(gone);
        }
    }
}

EW_FN int32_t ew_over_floor(const ew_decibels *d, int32_t log, int capped)
{
    const int32_t over = log > d->floor ? log - d->floor : 0;
    return capped && over > d->span ? d->span : over;
}

/* Whether a sample of the window lies beyond -1..1; `spare` holds n words. */
EW_FN int ew_beyond_unit(const ew_fixed_framing *f, const ew_signal *signal, int32_t *spare, size_t n, int *beyond)
{
    const uint32_t one = signal->get == f->whole ? 1u : 0x3f800000u;
    size_t at = 0;
    *beyond = 0;
    while (at < f->samples) {
        const size_t count = f->samples - at < n ? f->samples - at : n;
        const int status = ew_fixed_read(f, signal, at, count, spare);
        if (status != EW_OK) {
            return status;
        }
        if (signal->get == f->whole ? ew_loudest(spare, count, 0u) > one : ew_largest(spare, count, 0u) > one) {
            *beyond = 1;
        }
        at += count;
    }
    return EW_OK;
}

/* Coefficients of a row of logarithms. */
EW_FN void ew_fixed_cosines(const ew_fixed_audio *p, const int32_t *logs, float *out)
{
    const int16_t *c = p->dct;
    size_t k, i;
    for (k = 1; k < p->columns; k++) {
        int32_t high = 0, low = 0;
        for (i = 0; i < p->filters; i++, c++) {
            high += (logs[i] >> EW_LOW_BITS) * *c;
            low += (logs[i] & ((1 << EW_LOW_BITS) - 1)) * *c;
        }
        ew_put_bits(out + k, high + (low >> EW_LOW_BITS));
    }
}

/* Values of frame `row` as bits of integers, before what needs all frames. */
EW_FN int ew_fixed_audio_row(const ew_fixed_audio *p, const ew_signal *signal, size_t row, float *out, int32_t *scratch)
{
    const size_t n = p->fft.n, columns = p->columns;
    int32_t *input = scratch, *work = scratch + n + 2u, *logs = work + n;
    uint32_t *power = (uint32_t *)(void *)input;
    const uint16_t *weights = p->weights;
    size_t i;
    int32_t exponent = 0;
    int loud;
    const int status = ew_fixed_frame(&p->framing, signal, row, n, input, work, &exponent, &loud);
    if (status != EW_OK) {
        return status;
    }
    if (!loud || !ew_fixed_power(&p->fft, input, &exponent, work, power)) {
        for (i = 0; i < columns; i++) {
            ew_put_bits(out + i, p->variant == 3u && i > 0u ? 0 : (p->filters == 0u ? EW_NOTHING : EW_SILENT));
        }
        return EW_OK;
    }
    if (p->filters == 0u) {
        for (i = 0; i < columns; i++) {
            ew_put_bits(out + i, ew_log2(p->log2, ew_power_at(power + 2u * i)) + ew_octaves(exponent));
        }
        return EW_OK;
    }
    for (i = 0; i < p->filters; i++) {
        const int32_t log = ew_log2(p->log2, ew_filter_power(power + 2u * p->first[i], weights, p->count[i]));
        weights += p->count[i];
        if (p->variant == 3u) {
            logs[i] = log;
        } else {
            ew_put_bits(out + i, log + ew_octaves(exponent - 15));
        }
    }
    if (p->variant == 3u) {
        uint64_t all = 0;
        ew_fixed_cosines(p, logs, out);
        for (i = 0; i <= n / 2u; i++) {
            all += ew_power_at(power + 2u * i);
        }
        ew_put_bits(out, ew_log2(p->log2, all) + ew_octaves(exponent));
    }
    return EW_OK;
}

/* From the frames of a window to its features; `loud`: a sample lies beyond -1..1, which variant 1 asks. */
EW_FN void ew_fixed_audio_finish(const ew_fixed_audio *p, int loud, float *features, int32_t *scratch)
{
    const size_t rows = p->framing.rows, columns = p->columns, total = rows * columns;
    size_t i;
    if (p->variant < 2u) {
        /* Dividing the samples by 32768 takes 30 octaves off their power. */
        const int32_t off = p->variant == 1u && loud ? ew_octaves(30) : 0;
        for (i = 0; i < total; i++) {
            const int32_t over = ew_over_floor(&p->decibels, ew_bits_at(features + i) - off, p->variant == 1u);
            features[i] = (float)over * p->decibels.share;
        }
    } else if (p->variant == 2u) {
        for (i = 0; i < total; i++) {
            const int64_t over = ew_over_floor(&p->decibels, ew_bits_at(features + i), 1);
            const int32_t step = (int32_t)((over * p->decibels.steps + ((int64_t)1 << 31)) >> 32);
            features[i] = (float)step * 0.00390625f;
        }
    } else if (p->window > 0u) {
        ew_fixed_normalise(features, rows, columns, p->window, scratch);
    } else {
        for (i = 0; i < total; i++) {
            features[i] = (float)ew_bits_at(features + i) * p->scales[i % columns == 0u ? 0 : 1];
        }
    }
}

EW_FN int ew_fixed_audio_extract(const ew_fixed_audio *p, const ew_signal *signal, float *features, int32_t *scratch)
{
    size_t row;
    int loud = 0;
    if (p->variant == 1u) {
        const int status = ew_beyond_unit(&p->framing, signal, scratch, p->fft.n, &loud);
        if (status != EW_OK) {
            return status;
        }
    }
    for (row = 0; row < p->framing.rows; row++) {
        const int status = ew_fixed_audio_row(p, signal, row, features + row * p->columns, scratch);
        if (status != EW_OK) {
            return status;
        }
    }
    ew_fixed_audio_finish(p, loud, features, scratch);
    return EW_OK;
}
