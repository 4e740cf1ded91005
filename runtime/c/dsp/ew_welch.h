/* Mean power spectrum of overlapping frames and what is read from it. Mirrors the crate `dsp`, module `features`. */

typedef struct {
    ew_fft fft;
    const float *taper; /* first half of the window with its middle */
    float density, width_hz, evenness;
} ew_welch;

/* Power of each bin in the first n/2 + 1 values of scratch, which holds 2n + 2(n/2 + 1); x holds at least n values. */
EW_FN void ew_welch_power(const ew_welch *p, const float *x, size_t count, float *scratch)
{
    const size_t n = p->fft.n, half = n / 2u;
    float *input = scratch + half + 1u, *work = input + n, *power = work + n;
    const ew_middle centre = ew_middle_of(x, count);
    float frames = 0.0f;
    size_t i, start;
    for (i = 0; i <= half; i++) {
        scratch[i] = 0.0f;
    }
    for (start = 0; start + n <= count; start += half) {
        for (i = 0; i < n; i++) {
            input[i] = ew_off(centre, x[start + i]) * p->taper[i <= half ? i : n - i];
        }
        ew_fft_power(&p->fft, input, p->density, work, power);
        for (i = 0; i <= half; i++) {
            scratch[i] += power[i];
        }
        frames += 1.0f;
    }
    for (i = 0; i <= half; i++) {
        scratch[i] = i == 0u || i == half ? scratch[i] / frames : 2.0f * scratch[i] / frames;
    }
}

/* The bin with the most power, the first of equals; the mean's is left out. */
EW_FN size_t ew_dominant(const ew_welch *p, const float *power)
{
    size_t k, most = 1;
    for (k = 2; k <= p->fft.n / 2u; k++) {
        if (power[k] > power[most]) {
            most = k;
        }
    }
    return most;
}

EW_FN float ew_spectral_entropy(const ew_welch *p, const float *power)
{
    const size_t bins = p->fft.n / 2u;
    const float total = ew_total(power + 1, bins);
    return total > 0.0f ? ew_entropy_of(power + 1, bins, total) * p->evenness : 0.0f;
}

EW_FN float ew_dominant_hz(const ew_welch *p, const float *power, size_t most)
{
    return power[most] > 0.0f ? (float)most * p->width_hz : 0.0f;
}

/* Power at a multiple of the dominant frequency over the power there. */
EW_FN float ew_harmonic(const ew_welch *p, const float *power, size_t most, size_t multiple)
{
    const size_t k = most * multiple;
    return power[most] > 0.0f && k <= p->fft.n / 2u ? power[k] / power[most] : 0.0f;
}
