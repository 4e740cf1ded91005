/* Power spectrum of real values; tables are made by the compiler. Mirrors the crate `dsp`, module `fft`. */

typedef struct {
    size_t n;
    const float *twiddle;
    const float *unpack;
    const uint16_t *reverse;
} ew_fft;

/* |X[k]|^2 * scale for k in 0..n/2; input and work hold n values, power n/2 + 1. */
EW_FN void ew_fft_power(const ew_fft *fft, const float *input, float scale, float *work, float *power)
{
    const size_t half = fft->n / 2u;
    size_t i, k, span, base;
    for (i = 0; i < half; i++) {
        const size_t to = fft->reverse[i];
        work[2u * to] = input[2u * i];
        work[2u * to + 1u] = input[2u * i + 1u];
    }
    for (span = 1; span < half; span *= 2u) {
        const size_t step = half / (2u * span);
        for (base = 0; base < half; base += 2u * span) {
            for (k = 0; k < span; k++) {
                const float wr = fft->twiddle[2u * k * step], wi = fft->twiddle[2u * k * step + 1u];
                float *a = work + 2u * (base + k), *b = work + 2u * (base + k + span);
                const float xr = b[0], xi = b[1];
                const float tr = wr * xr - wi * xi;
                const float ti = wr * xi + wi * xr;
                const float ur = a[0], ui = a[1];
                a[0] = ur + tr;
                a[1] = ui + ti;
                b[0] = ur - tr;
                b[1] = ui - ti;
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
        const float er = (ar + br) * 0.5f;
        const float ei = (ai - bi) * 0.5f;
        const float od = (ai + bi) * 0.5f;
        const float oi = (br - ar) * 0.5f;
        const float wr = fft->unpack[2u * k], wi = fft->unpack[2u * k + 1u];
        const float tr = wr * od - wi * oi;
        const float ti = wr * oi + wi * od;
        const float pr = er + tr, pi = ei + ti;
        const float mr = er - tr, mi = ti - ei;
        power[k] = (pr * pr + pi * pi) * scale;
        power[j] = (mr * mr + mi * mi) * scale;
    }
}
