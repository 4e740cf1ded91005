/* Statistics and bins of the spectrum of one axis. Mirrors the crate `dsp`, module `spectral`. */

typedef struct {
    ew_fft fft;
    size_t hop;
    uint8_t logarithm, moments;
} ew_spectrum;

/* Writes 3 values, 2 more with moments, and `bins` bins from `first`; scratch holds 2n + 2(n/2 + 1) values. */
EW_FN void ew_spectrum_of(const ew_spectrum *p, size_t first, size_t bins, const float *x, size_t count, float *scratch,
                          float *out)
{
    const size_t n = p->fft.n;
    float *input = scratch, *work = input + n, *power = work + n, *most = power + n / 2u + 1u;
    ew_moments time;
    size_t i, start;
    for (i = 0; i <= n / 2u; i++) {
        most[i] = 0.0f;
    }
    for (start = 0; start <= count; start += p->hop) {
        const size_t there = n < count - start ? n : count - start;
        for (i = 0; i < n; i++) {
            input[i] = i < there ? x[start + i] : 0.0f;
        }
        ew_fft_power(&p->fft, input, 1.0f / (float)n, work, power);
        for (i = 0; i <= n / 2u; i++) {
            if (power[i] > most[i]) {
                most[i] = power[i];
            }
        }
    }
    ew_moments_of(x, count, &time);
    *out++ = ew_rms(x, count);
    *out++ = time.skewness;
    *out++ = time.kurtosis;
    if (p->moments) {
        ew_moments spectrum;
        ew_moments_of(most, n / 2u + 1u, &spectrum);
        *out++ = spectrum.skewness;
        *out++ = spectrum.kurtosis;
    }
    for (i = 0; i < bins; i++) {
        const float v = most[first + i];
        *out++ = p->logarithm ? ew_log10(ew_zero_guard(v)) : v;
    }
}
