/* Spectral analysis by FFT. Mirrors the crate `dsp`, module `spectral`. */

typedef struct {
    size_t frames, axes, used;
    const uint16_t *chosen;
    float scale;
    size_t sections;
    const float *filter; /* b0 b1 b2 a1 a2 of each section */
    ew_fft fft;
    size_t hop;
    uint8_t logarithm, spectral_moments;
    size_t first_bin, bins;
} ew_spectral;

EW_FN int ew_spectral_extract(const ew_spectral *p, const ew_signal *signal, float *features, float *scratch)
{
    const size_t n = p->fft.n, count = p->frames;
    float *x = scratch;
    float *input = x + count, *work = input + n, *power = work + n, *most = power + n / 2u + 1u;
    size_t a, i, s, start;
    for (a = 0; a < p->used; a++) {
        float centre;
        ew_moments time;
        const int status = ew_read_axis(signal, p->axes, p->chosen[a], 0u, count, x);
        if (status != EW_OK) {
            return status;
        }
        for (i = 0; i < count; i++) {
            x[i] = x[i] * p->scale;
        }
        for (s = 0; s < p->sections; s++) {
            const float *f = p->filter + 5u * s;
            float z1 = 0.0f, z2 = 0.0f;
            for (i = 0; i < count; i++) {
                const float y = f[0] * x[i] + z1;
                z1 = f[1] * x[i] - f[3] * y + z2;
                z2 = f[2] * x[i] - f[4] * y;
                x[i] = y;
            }
        }
        centre = ew_mean(x, count);
        for (i = 0; i < count; i++) {
            x[i] -= centre;
        }
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
        *features++ = ew_rms(x, count);
        *features++ = time.skewness;
        *features++ = time.kurtosis;
        if (p->spectral_moments) {
            ew_moments spectrum;
            ew_moments_of(most, n / 2u + 1u, &spectrum);
            *features++ = spectrum.skewness;
            *features++ = spectrum.kurtosis;
        }
        for (i = 0; i < p->bins; i++) {
            const float v = most[p->first_bin + i];
            *features++ = p->logarithm ? ew_log10(ew_zero_guard(v)) : v;
        }
    }
    return EW_OK;
}
