/* Highest peaks of the spectrum and power between frequencies. Mirrors the crate `dsp`, module `peaks`. */

typedef struct {
    ew_fft fft;
    float grid_hz;
    size_t count;
    float threshold, density;
    size_t bands;
    const uint16_t *band; /* first bin and number of bins of each */
} ew_peaks;

/* Frequency and height of the highest peaks, the highest first; `out` holds zeros. */
EW_FN void ew_highest(const ew_peaks *p, const float *curve, size_t n, float *out)
{
    float least = curve[0];
    size_t i, k, found = 0;
    for (i = 0; i < n; i++) {
        if (curve[i] < least) {
            least = curve[i];
        }
    }
    i = 1;
    while (i + 1u < n) {
        const float height = curve[i];
        size_t end = i;
        while (end + 1u < n && curve[end + 1u] == height) {
            end++;
        }
        if (curve[i - 1u] < height && height > least && end + 1u < n && curve[end + 1u] < height &&
            height >= p->threshold) {
            size_t place = found;
            while (place > 0u && out[2u * place - 1u] < height) {
                place--;
            }
            if (place < p->count) {
                found = found < p->count ? found + 1u : found;
                for (k = found; k-- > place + 1u;) {
                    out[2u * k] = out[2u * k - 2u];
                    out[2u * k + 1u] = out[2u * k - 1u];
                }
                out[2u * place] = (float)((i + end) / 2u) * p->grid_hz;
                out[2u * place + 1u] = height;
            }
        }
        i = end + 1u;
    }
}

/* RMS, peaks, bands; scratch holds 2n + n/2 + 1 values. */
EW_FN void ew_peaks_of(const ew_peaks *p, const float *x, size_t count, float *scratch, float *out)
{
    const size_t n = p->fft.n, half = n / 2u, there = n < count ? n : count;
    float *input = scratch, *work = input + n, *power = work + n;
    const float scale = 2.0f / (float)n;
    ew_middle centre;
    size_t i, k;
    *out++ = ew_rms(x, count);
    for (i = 0; i < 2u * p->count; i++) {
        out[i] = 0.0f;
    }
    for (i = 0; i < n; i++) {
        input[i] = i < there ? x[i] : 0.0f;
    }
    ew_fft_power(&p->fft, input, 1.0f, work, power);
    for (i = 0; i < half; i++) {
        power[i] = sqrtf(power[i]) * scale;
    }
    ew_highest(p, power, half, out);
    out += 2u * p->count;
    centre = ew_middle_of(x, there);
    for (i = 0; i < there; i++) {
        input[i] = ew_off(centre, x[i]);
    }
    ew_fft_power(&p->fft, input, p->density, work, power);
    for (i = 1; i < half; i++) {
        power[i] *= 2.0f;
    }
    for (k = 0; k < p->bands; k++) {
        const size_t bins = p->band[2u * k + 1u];
        const float *bin = power + p->band[2u * k];
        float sum = 0.0f;
        for (i = 0; i < bins; i++) {
            sum += bin[i];
        }
        *out++ = bins > 0u ? sum / (float)bins / 10.0f : 0.0f;
    }
}
