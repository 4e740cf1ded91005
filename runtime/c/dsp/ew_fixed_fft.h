/* Power spectrum in integers: 32-bit values with one exponent, factors of 16 bits. Mirrors the crate `dsp`, module `fixed`. */

typedef struct {
    size_t n, first;        /* real values; complex numbers of a transform of the first stage */
    const int16_t *twiddle; /* w, w^2, w^3 for each k of each further stage, as multiples of 2^-15 */
    const int16_t *unpack;
    const uint16_t *order;
} ew_fixed_fft;

/* Cores whose products have 32 bits, and which count no zeros: Armv6-M, Armv8-M Baseline. The bits are the same. */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1 && !defined(EW_SHORT_PRODUCTS)
#define EW_SHORT_PRODUCTS
#endif

/* Bits of the values that go into the first stage, and into each later step. */
#define EW_FIRST_BITS 27u
#define EW_STEP_BITS 28u

/* Significant bits; 0 for 0. */
EW_FN uint32_t ew_bits(uint32_t x)
{
#if defined(__GNUC__) && !defined(EW_SHORT_PRODUCTS)
    return x == 0u ? 0u : 32u - (uint32_t)__builtin_clz(x);
#else
    uint32_t n = 0;
    if (x >= 0x10000u) {
        n += 16u;
        x >>= 16;
    }
    if (x >= 0x100u) {
        n += 8u;
        x >>= 8;
    }
    if (x >= 0x10u) {
        n += 4u;
        x >>= 4;
    }
    /* Bits of 0 to 15, two bits each but for the highest. */
    return n + (x >= 8u ? 4u : (x >= 4u ? 3u : (x >= 2u ? 2u : x)));
#endif
}

/* Bits of a negative number as those of the number it is one more than the complement of: what `ew_bits` sees of it. */
EW_FN uint32_t ew_spread(int32_t x)
{
    return (uint32_t)(x ^ (x >> 31));
}

EW_FN int32_t ew_shifted(int32_t x, int32_t up)
{
    return up >= 0 ? (int32_t)((uint32_t)x << up) : x >> -up;
}

/* Parts of a complex number times exp(-i a), rounded down: re * wr - im * wi and im * wr + re * wi over 2^15. With
 * short products the upper and the lower bits of a value go apart. */
#if defined(EW_SHORT_PRODUCTS)
#define EW_TURN(re, im, wr, wi, to_re, to_im)                                                                          \
    do {                                                                                                               \
        const int32_t h_ = (re) >> 15, l_ = (re) & 0x7fff;                                                             \
        const int32_t i_ = (im) >> 15, m_ = (im) & 0x7fff;                                                             \
        to_re = h_ * (wr) - i_ * (wi) + ((l_ * (wr) - m_ * (wi)) >> 15);                                               \
        to_im = i_ * (wr) + h_ * (wi) + ((m_ * (wr) + l_ * (wi)) >> 15);                                               \
    } while (0)
#else
#define EW_TURN(re, im, wr, wi, to_re, to_im)                                                                          \
    do {                                                                                                               \
        const int64_t r_ = (re), i_ = (im);                                                                            \
        to_re = (int32_t)((r_ * (wr) - i_ * (wi)) >> 15);                                                              \
        to_im = (int32_t)((i_ * (wr) + r_ * (wi)) >> 15);                                                              \
    } while (0)
#endif

/* x / sqrt(2), rounded down. */
EW_FN int32_t ew_diagonal(int32_t x)
{
    return (x >> 15) * 23170 + (((x & 0x7fff) * 23170) >> 15);
}

/* x^2 */
EW_FN uint64_t ew_square(int32_t x)
{
    const uint32_t v = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
#if defined(EW_SHORT_PRODUCTS)
    const uint32_t h = v >> 16, l = v & 0xffffu;
    return ((uint64_t)(h * h) << 32) + ((uint64_t)(h * l) << 17) + (uint64_t)(l * l);
#else
    return (uint64_t)v * v;
#endif
}

/* The first stage: small transforms without factors. Returns all bits of the results. */
EW_FN uint32_t ew_fixed_first(const ew_fixed_fft *fft, const int32_t *input, int32_t *work)
{
    const size_t groups = fft->n / 2u / fft->first, apart = 2u * groups;
    uint32_t seen = 0;
    size_t g, i;
    for (g = 0; g < groups; g++) {
        const int32_t *x = input + 2u * fft->order[g];
        int32_t *y = work + 2u * fft->first * g;
        if (fft->first == 2u) {
            y[0] = x[0] + x[2];
            y[1] = x[1] + x[3];
            y[2] = x[0] - x[2];
            y[3] = x[1] - x[3];
        } else {
            /* Two transforms of four, or one. */
            const size_t parts = fft->first / 4u, step = apart * parts;
            int32_t four[2][8];
            size_t p;
            for (p = 0; p < parts; p++, x += apart) {
                const int32_t sr = x[0] + x[2u * step], si = x[1] + x[2u * step + 1u];
                const int32_t tr = x[0] - x[2u * step], ti = x[1] - x[2u * step + 1u];
                const int32_t ur = x[step] + x[3u * step], ui = x[step + 1u] + x[3u * step + 1u];
                const int32_t vr = x[step] - x[3u * step], vi = x[step + 1u] - x[3u * step + 1u];
                int32_t *f = parts == 1u ? y : four[p];
                f[0] = sr + ur;
                f[1] = si + ui;
                f[2] = tr + vi;
                f[3] = ti - vr;
                f[4] = sr - ur;
                f[5] = si - ui;
                f[6] = tr - vi;
                f[7] = ti + vr;
            }
            if (parts == 2u) {
                const int32_t *e = four[0], *o = four[1];
                int32_t a, b;
                y[0] = e[0] + o[0];
                y[1] = e[1] + o[1];
                y[8] = e[0] - o[0];
                y[9] = e[1] - o[1];
                a = ew_diagonal(o[2] + o[3]);
                b = ew_diagonal(o[3] - o[2]);
                y[2] = e[2] + a;
                y[3] = e[3] + b;
                y[10] = e[2] - a;
                y[11] = e[3] - b;
                y[4] = e[4] + o[5];
                y[5] = e[5] - o[4];
                y[12] = e[4] - o[5];
                y[13] = e[5] + o[4];
                a = ew_diagonal(o[7] - o[6]);
                b = ew_diagonal(o[6] + o[7]);
                y[6] = e[6] + a;
                y[7] = e[7] - b;
                y[14] = e[6] - a;
                y[15] = e[7] + b;
            }
        }
        for (i = 0; i < 2u * fft->first; i++) {
            seen |= ew_spread(y[i]);
        }
    }
    return seen;
}

EW_FN uint32_t ew_excess(uint32_t seen)
{
    const uint32_t bits = ew_bits(seen);
    return bits > EW_STEP_BITS ? bits - EW_STEP_BITS : 0u;
}

/* A transform of four whose second to fourth numbers are turned beforehand. */
#define EW_FIXED_FOUR(ar, ai, br, bi, cr, ci, dr, di, y, step, seen)                                                   \
    do {                                                                                                               \
        const int32_t sr_ = (ar) + (cr), si_ = (ai) + (ci), tr_ = (ar) - (cr), ti_ = (ai) - (ci);                      \
        const int32_t ur_ = (br) + (dr), ui_ = (bi) + (di), vr_ = (br) - (dr), vi_ = (bi) - (di);                      \
        int32_t *const y0_ = (y), *const y1_ = y0_ + (step), *const y2_ = y1_ + (step), *const y3_ = y2_ + (step);     \
        y0_[0] = sr_ + ur_;                                                                                            \
        y0_[1] = si_ + ui_;                                                                                            \
        y2_[0] = sr_ - ur_;                                                                                            \
        y2_[1] = si_ - ui_;                                                                                            \
        (seen) |= ew_spread(y0_[0]) | ew_spread(y0_[1]) | ew_spread(y2_[0]) | ew_spread(y2_[1]);                       \
        y1_[0] = tr_ + vi_;                                                                                            \
        y1_[1] = ti_ - vr_;                                                                                            \
        y3_[0] = tr_ - vi_;                                                                                            \
        y3_[1] = ti_ + vr_;                                                                                            \
        (seen) |= ew_spread(y1_[0]) | ew_spread(y1_[1]) | ew_spread(y3_[0]) | ew_spread(y3_[1]);                       \
    } while (0)

/* Power in two words, the lower first. */
EW_FN void ew_put_power(uint32_t *power, uint64_t p)
{
    power[0] = (uint32_t)p;
    power[1] = (uint32_t)(p >> 32);
}

/* Power of n values input * 2^exponent: power * 2^*exponent is |X[k]|^2 / n for k in 0..n/2, two words each. 0 where all
 * values are 0. `work` holds n values, `input` n + 2 words: the power lies where the values were. */
EW_FN int ew_fixed_power(const ew_fixed_fft *fft, int32_t *input, int32_t *exponent, int32_t *work, uint32_t *power)
{
    const size_t n = fft->n, half = n / 2u;
    const int16_t *w = fft->twiddle;
    uint32_t seen = 0, log_n, drop, down;
    int32_t some = 0, up, shifted = 0;
    size_t k, span;
    for (k = 0; k < n; k++) {
        seen |= ew_spread(input[k]);
        some |= input[k];
    }
    if (some == 0) {
        return 0;
    }
    up = (int32_t)EW_FIRST_BITS - (int32_t)ew_bits(seen);
    if (up >= 0) {
        for (k = 0; k < n; k++) {
            input[k] = (int32_t)((uint32_t)input[k] << up);
        }
    } else {
        for (k = 0; k < n; k++) {
            input[k] = input[k] >> -up;
        }
    }
    seen = ew_fixed_first(fft, input, work);
    for (span = fft->first; span < half; span *= 4u) {
        const size_t step = 2u * span;
        down = ew_excess(seen);
        shifted += (int32_t)down;
        seen = 0;
        for (k = 0; k < span; k++, w += 6) {
            int32_t *y = work + 2u * k;
            const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5];
            for (; y < work + n; y += 4u * step) {
                const int32_t *const y1 = y + step, *const y2 = y1 + step, *const y3 = y2 + step;
                const int32_t ar = y[0] >> down, ai = y[1] >> down;
                int32_t br = y1[0] >> down, bi = y1[1] >> down;
                int32_t cr = y2[0] >> down, ci = y2[1] >> down;
                int32_t dr = y3[0] >> down, di = y3[1] >> down;
                /* The first factors are exactly 1. */
                if (k > 0u) {
                    const int32_t pr = br, qr = cr, rr = dr;
                    EW_TURN(pr, bi, w0, w1, br, bi);
                    EW_TURN(qr, ci, w2, w3, cr, ci);
                    EW_TURN(rr, di, w4, w5, dr, di);
                }
                EW_FIXED_FOUR(ar, ai, br, bi, cr, ci, dr, di, y, step, seen);
            }
        }
    }
    down = ew_excess(seen);
    log_n = ew_bits((uint32_t)n) - 1u;
    drop = 13u + log_n;
    *exponent = 2 * (*exponent - up + shifted + (int32_t)down) + (int32_t)drop - 2 - (int32_t)log_n;
    {
        const int32_t re = work[0] >> down, im = work[1] >> down;
        ew_put_power(power, ew_square(2 * (re + im)) >> drop);
        ew_put_power(power + n, ew_square(2 * (re - im)) >> drop);
    }
    for (k = 1; k <= half / 2u; k++) {
        const size_t j = half - k;
        const int32_t ar = work[2u * k] >> down, ai = work[2u * k + 1u] >> down;
        const int32_t br = work[2u * j] >> down, bi = work[2u * j + 1u] >> down;
        const int32_t er = ar + br, ei = ai - bi;
        const int32_t od = ai + bi, oi = br - ar;
        const int32_t wr = fft->unpack[2u * k], wi = fft->unpack[2u * k + 1u];
        int32_t tr, ti;
        EW_TURN(od, oi, wr, wi, tr, ti);
        ew_put_power(power + 2u * k, (ew_square(er + tr) + ew_square(ei + ti)) >> drop);
        ew_put_power(power + 2u * j, (ew_square(er - tr) + ew_square(ei - ti)) >> drop);
    }
    return 1;
}
