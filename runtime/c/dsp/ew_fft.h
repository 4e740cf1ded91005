/* Power spectrum of real values; tables are made by the compiler. Mirrors the crate `dsp`, module `fft`. */

typedef struct {
    size_t n, first;      /* real values; complex numbers of a transform of the first stage */
    const float *twiddle; /* w, w^2, w^3 for each k of each further stage */
    const float *unpack;
    const uint16_t *order;
} ew_fft;

/* Transform of four complex numbers `step` floats apart, whose second to fourth are multiplied beforehand. */
#define EW_FOUR(ar, ai, br, bi, cr, ci, dr, di, y, step)                                                               \
    do {                                                                                                               \
        const float sr = (ar) + (cr), si = (ai) + (ci), tr = (ar) - (cr), ti = (ai) - (ci);                            \
        const float ur = (br) + (dr), ui = (bi) + (di), vr = (br) - (dr), vi = (bi) - (di);                            \
        (y)[0] = sr + ur;                                                                                              \
        (y)[1] = si + ui;                                                                                              \
        (y)[(step)] = tr + vi;                                                                                         \
        (y)[(step) + 1u] = ti - vr;                                                                                    \
        (y)[2u * (step)] = sr - ur;                                                                                    \
        (y)[2u * (step) + 1u] = si - ui;                                                                               \
        (y)[3u * (step)] = tr - vi;                                                                                    \
        (y)[3u * (step) + 1u] = ti + vr;                                                                               \
    } while (0)

/* The first stage: small transforms without factors. */
EW_COMPLEX EW_FN void ew_fft_first(const ew_fft *fft, const float *input, float *work)
{
    const size_t groups = fft->n / 2u / fft->first, apart = 2u * groups;
    size_t g;
    for (g = 0; g < groups; g++) {
        const float *x = input + 2u * fft->order[g];
        float *y = work + 2u * fft->first * g;
        if (fft->first == 8u) {
            const float *o = x + apart;
            float e[8], p[8], a, b;
            EW_FOUR(x[0], x[1], x[2u * apart], x[2u * apart + 1u], x[4u * apart], x[4u * apart + 1u], x[6u * apart],
                    x[6u * apart + 1u], e, 2u);
            EW_FOUR(o[0], o[1], o[2u * apart], o[2u * apart + 1u], o[4u * apart], o[4u * apart + 1u], o[6u * apart],
                    o[6u * apart + 1u], p, 2u);
            y[0] = e[0] + p[0];
            y[1] = e[1] + p[1];
            y[8] = e[0] - p[0];
            y[9] = e[1] - p[1];
            a = (p[2] + p[3]) * 0.707106769f;
            b = (p[3] - p[2]) * 0.707106769f;
            y[2] = e[2] + a;
            y[3] = e[3] + b;
            y[10] = e[2] - a;
            y[11] = e[3] - b;
            y[4] = e[4] + p[5];
            y[5] = e[5] - p[4];
            y[12] = e[4] - p[5];
            y[13] = e[5] + p[4];
            a = (p[7] - p[6]) * 0.707106769f;
            b = (p[6] + p[7]) * 0.707106769f;
            y[6] = e[6] + a;
            y[7] = e[7] - b;
            y[14] = e[6] - a;
            y[15] = e[7] + b;
        } else if (fft->first == 4u) {
            EW_FOUR(x[0], x[1], x[apart], x[apart + 1u], x[2u * apart], x[2u * apart + 1u], x[3u * apart],
                    x[3u * apart + 1u], y, 2u);
        } else {
            y[0] = x[0] + x[2];
            y[1] = x[1] + x[3];
            y[2] = x[0] - x[2];
            y[3] = x[1] - x[3];
        }
    }
}

/* |X[k]|^2 * scale for k in 0..n/2; input and work hold n values, power n/2 + 1. */
EW_COMPLEX EW_FN void ew_fft_power(const ew_fft *fft, const float *input, float scale, float *work, float *power)
{
    const size_t half = fft->n / 2u;
    const float quarter = scale * 0.25f;
    const float *w = fft->twiddle;
    size_t k, span;
    ew_fft_first(fft, input, work);
    for (span = fft->first; span < half; span *= 4u) {
        const size_t step = 2u * span;
        for (k = 0; k < span; k++, w += 6) {
            const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5];
            float *y = work + 2u * k;
            for (; y < work + fft->n; y += 4u * step) {
                const float ar = y[0], ai = y[1];
                const float pr = y[step], pi = y[step + 1u];
                const float br = pr * w0 - pi * w1, bi = pi * w0 + pr * w1;
                const float qr = y[2u * step], qi = y[2u * step + 1u];
                const float cr = qr * w2 - qi * w3, ci = qi * w2 + qr * w3;
                const float rr = y[3u * step], ri = y[3u * step + 1u];
                const float dr = rr * w4 - ri * w5, di = ri * w4 + rr * w5;
                EW_FOUR(ar, ai, br, bi, cr, ci, dr, di, y, step);
            }
        }
    }
    {
        const float low = work[0] + work[1], high = work[0] - work[1];
        power[0] = (low * low) * scale;
        power[half] = (high * high) * scale;
    }
    for (k = 1; k <= half / 2u; k++) {
        const size_t j = half - k;
        const float ar = work[2u * k], ai = work[2u * k + 1u];
        const float br = work[2u * j], bi = work[2u * j + 1u];
        const float er = ar + br, ei = ai - bi;
        const float od = ai + bi, oi = br - ar;
        const float wr = fft->unpack[2u * k], wi = fft->unpack[2u * k + 1u];
        const float tr = od * wr - oi * wi, ti = oi * wr + od * wi;
        const float pr = er + tr, pi = ei + ti;
        const float mr = er - tr, mi = ei - ti;
        power[k] = (pr * pr + pi * pi) * quarter;
        power[j] = (mr * mr + mi * mi) * quarter;
    }
}
