/* Statistics and bins of the spectrum of one axis in integers. Mirrors the crate `dsp`, modules `fixed/shape` and
 * `fixed/spectral`. */

typedef struct {
    ew_fixed_fft fft;
    size_t hop;
    uint8_t logarithm, moments;
    const uint16_t *log2; /* fractions of log2(1 + k/128) */
} ew_fixed_spectrum;

typedef struct {
    float factor, square;
    int32_t exponent, log;
    float sign;
} ew_fixed_gain;

typedef struct {
    float root, skewness, kurtosis;
    int32_t exponent;
} ew_shape;

/* Reads an axis as integers of at most 24 + lift bits, to the nearest, halves away from 0; `some`: 0 for an axis that is
 * multiplied with 0. `x` holds floats first. */
EW_FN int ew_fixed_axis(const ew_signal *signal, ew_get whole, size_t axes, size_t axis, size_t n, int32_t lift, int some,
                        int32_t *x, int32_t *exponent)
{
    float *read = (float *)(void *)x;
    uint32_t most = 0;
    size_t i;
    *exponent = 0;
    if (signal->get == whole) {
        const int16_t *from = (const int16_t *)signal->context + axis;
        int32_t up;
        for (i = 0; i < n; i++, from += axes) {
            x[i] = *from;
        }
        most = ew_loudest(x, n, 0u);
        up = lift + 24 - (int32_t)ew_bits(most);
        for (i = 0; i < n; i++) {
            x[i] = some ? (int32_t)((uint32_t)x[i] << up) : 0;
        }
        *exponent = most != 0u && some ? -up : 0;
        return EW_OK;
    } else {
        const int status = ew_read_axis(signal, axes, axis, 0u, n, read);
        if (status != EW_OK) {
            return status;
        }
    }
    for (i = 0; i < n; i++) {
        const uint32_t v = (uint32_t)ew_bits_at(read + i) & 0x7fffffffu;
        if (v > most) {
            most = v;
        }
    }
    if (most < 0x800000u || !some) {
        for (i = 0; i < n; i++) {
            x[i] = 0;
        }
        return EW_OK;
    }
    most >>= 23;
    for (i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)ew_bits_at(read + i);
        const uint32_t e = (bits >> 23) & 0xffu;
        const int32_t up = lift - (int32_t)(most - e);
        const uint32_t mantissa = (bits & 0x7fffffu) | 0x800000u;
        uint32_t v;
        if (up >= 0) {
            v = mantissa << up;
        } else if (up < -24) {
            v = 0;
        } else {
            v = (mantissa + ((uint32_t)1 << (-up - 1))) >> -up;
        }
        if (e == 0u) {
            v = 0;
        }
        x[i] = (bits >> 31) != 0u ? -(int32_t)v : (int32_t)v;
    }
    *exponent = (int32_t)most - 150 - lift;
    return EW_OK;
}

/* Takes the mean off, rounded towards 0. */
EW_FN void ew_fixed_centre(int32_t *x, size_t n)
{
    int64_t sum = 0;
    int32_t mean;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i];
    }
    mean = (int32_t)(sum / (int64_t)n);
    for (i = 0; i < n; i++) {
        x[i] -= mean;
    }
}

/* Shape of values whose mean is 0: each is rounded to 15 bits of the largest, sums have 64 bits. */
EW_FN void ew_shape_of(const int32_t *x, size_t n, ew_shape *out)
{
    uint32_t seen = 0;
    uint64_t s2 = 0, s4 = 0;
    int64_t s3 = 0;
    int32_t down, half;
    size_t i;
    for (i = 0; i < n; i++) {
        seen |= ew_spread(x[i]);
    }
    down = (int32_t)ew_bits(seen) - 15;
    half = down > 0 ? (int32_t)((uint32_t)1 << (down - 1)) : 0;
    for (i = 0; i < n; i++) {
        const int32_t d = down > 0 ? (x[i] + half) >> down : (int32_t)((uint32_t)x[i] << -down);
        const uint32_t square = (uint32_t)(d * d);
        uint32_t part = (square + 8192u) >> 14;
        if (part > 0xffffu) {
            part = 0xffffu;
        }
        s2 += square;
        s3 += d * (int32_t)part;
        s4 += part * part;
    }
    if (s2 == 0u) {
        out->root = 0.0f;
        out->exponent = 0;
        out->skewness = 0.0f;
        out->kurtosis = -3.0f;
    } else {
        const float count = (float)n;
        const float m2 = (float)s2 / count;
        out->root = sqrtf(m2);
        out->exponent = down;
        out->skewness = (float)s3 / count * 16384.0f / m2 / out->root;
        out->kurtosis = (float)s4 / count * 268435456.0f / m2 / m2 - 3.0f;
    }
}

/* v * 2^e, rounded once, for a v from 1 to 2^32 in magnitude or 0. */
EW_FN float ew_scaled(float v, int32_t e)
{
    const int32_t some = e > 250 ? 250 : (e < -250 ? -250 : e);
    const int32_t half = some / 2;
    return v * ew_from_bits((uint32_t)(127 + half) << 23) * ew_from_bits((uint32_t)(127 + some - half) << 23);
}

/* Keeps the larger of most * 2^held and power * 2^e in place; returns the exponent of both, which is the larger. */
EW_FN int32_t ew_fixed_hold(uint32_t *most, int32_t held, const uint32_t *power, int32_t e, size_t bins)
{
    const int32_t both = held > e ? held : e;
    const int32_t down = both - held, less = both - e;
    size_t i;
    for (i = 0; i < bins; i++, most += 2, power += 2) {
        uint64_t m = ew_power_at(most), p = ew_power_at(power);
        if (down > 0) {
            m = down > 63 ? 0u : m >> down;
            ew_put_power(most, m);
        } else if (less > 0) {
            p = less > 63 ? 0u : p >> less;
        }
        if (p > m) {
            ew_put_power(most, p);
        }
    }
    return both;
}

/* Shape of a spectrum, as integers of at most 29 bits in `x`. */
EW_FN void ew_shape_of_spectrum(const uint32_t *power, size_t bins, int32_t *x, ew_shape *out)
{
    uint32_t high = 0, low = 0;
    int32_t down;
    size_t i;
    for (i = 0; i < bins; i++) {
        low |= power[2u * i];
        high |= power[2u * i + 1u];
    }
    down = (high != 0u ? 32 + (int32_t)ew_bits(high) : (int32_t)ew_bits(low)) - 29;
    for (i = 0; i < bins; i++) {
        const uint64_t p = ew_power_at(power + 2u * i);
        x[i] = (int32_t)(down >= 0 ? p >> down : p << -down);
    }
    ew_fixed_centre(x, bins);
    ew_shape_of(x, bins, out);
}

/* Writes 3 values, 2 more with moments, and `bins` bins from `first`, of x * 2^exponent, whose mean is 0; scratch holds
 * 3n + 4 words. */
EW_FN void ew_fixed_spectrum_of(const ew_fixed_spectrum *p, const ew_fixed_gain *gain, size_t first, size_t bins,
                                const int32_t *x, size_t count, int32_t exponent, int32_t *scratch, float *out)
{
    const size_t n = p->fft.n, all = n / 2u + 1u;
    int32_t *input = scratch, *work = input + n + 2u, held = 0;
    uint32_t *power = (uint32_t *)(void *)input, *most = (uint32_t *)(void *)(work + n);
    int some = 0;
    ew_shape shape;
    size_t i, start;
    ew_shape_of(x, count, &shape);
    *out++ = ew_scaled(shape.root * gain->factor, exponent + shape.exponent + gain->exponent);
    *out++ = shape.skewness * gain->sign;
    *out++ = shape.kurtosis;
    for (i = 0; i < 2u * all; i++) {
        most[i] = 0;
    }
    for (start = 0; start < count; start += p->hop) {
        const size_t there = n < count - start ? n : count - start;
        int32_t e = exponent;
        for (i = 0; i < there; i++) {
            input[i] = x[start + i];
        }
        for (; i < n; i++) {
            input[i] = 0;
        }
        if (ew_fixed_power(&p->fft, input, &e, work, power)) {
            held = ew_fixed_hold(most, some ? held : e, power, e, all);
            some = 1;
        }
    }
    if (p->moments) {
        ew_shape_of_spectrum(most, all, work, &shape);
        *out++ = shape.skewness;
        *out++ = shape.kurtosis;
    }
    most += 2u * first;
    for (i = 0; i < bins; i++, most += 2) {
        if (!some) {
            *out++ = p->logarithm ? -10.0f : 0.0f;
        } else if (p->logarithm) {
            const uint64_t v = ew_power_at(most);
            *out++ = (float)(ew_log2(p->log2, v > 0u ? v : 1u) + ew_octaves(held) + gain->log) * 4.59335342e-6f;
        } else {
            const uint32_t high = most[1];
            const uint32_t width = high != 0u ? 32u + ew_bits(high) : ew_bits(most[0]);
            const int32_t down = width > 24u ? (int32_t)width - 24 : 0;
            const int32_t v = (int32_t)(ew_power_at(most) >> down);
            *out++ = ew_scaled((float)v * gain->square, held + down + 2 * gain->exponent);
        }
    }
}
