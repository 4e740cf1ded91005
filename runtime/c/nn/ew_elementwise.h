/* Element by element. Mirrors the crate `kernels`, module `elementwise`. */

typedef struct {
    int32_t in_zero[2];
    ew_factor in_factor[2];
    ew_factor out_factor;
    int32_t out_zero, min, max;
} ew_add_params;

#if EW_HELIUM
/* ew_requantize, for shifts to the right. */
EW_INLINE int32x4_t ew_requantize_helium(int32x4_t x, ew_factor f)
{
    x = vqrdmulhq_n_s32(x, f.multiplier);
    /* Halves below zero go down, where there is a shift. */
    x = vaddq_s32(x, vshrq_n_s32(vandq_s32(x, vdupq_n_s32(f.shift)), 31));
    return vrshlq_n_s32(x, f.shift);
}
#endif

EW_FN void ew_add_s8(const ew_add_params *p, const int8_t *a, const int8_t *b, size_t n, int8_t *out)
{
    size_t i = 0;
#if EW_HELIUM
    if (p->in_factor[0].shift <= 0 && p->in_factor[1].shift <= 0 && p->out_factor.shift <= 0) {
        const ew_factor first = p->in_factor[0], second = p->in_factor[1], last = p->out_factor;
        const int32x4_t low = vdupq_n_s32(p->min - p->out_zero), high = vdupq_n_s32(p->max - p->out_zero);
        for (; i + 4 <= n; i += 4) {
            const int32x4_t x = vshlq_n_s32(vsubq_n_s32(vldrbq_s32(a + i), p->in_zero[0]), 20);
            const int32x4_t y = vshlq_n_s32(vsubq_n_s32(vldrbq_s32(b + i), p->in_zero[1]), 20);
            int32x4_t sum = vaddq_s32(ew_requantize_helium(x, first), ew_requantize_helium(y, second));
            sum = vminq_s32(vmaxq_s32(ew_requantize_helium(sum, last), low), high);
            vstrbq_s32(out + i, vaddq_n_s32(sum, p->out_zero));
        }
    }
#endif
    for (; i < n; i++) {
        const int32_t x = ew_requantize((a[i] - p->in_zero[0]) * (1 << 20), p->in_factor[0]);
        const int32_t y = ew_requantize((b[i] - p->in_zero[1]) * (1 << 20), p->in_factor[1]);
        out[i] = ew_output(ew_requantize(x + y, p->out_factor), p->out_zero, p->min, p->max);
    }
}

EW_FN void ew_add_f32(const float *a, const float *b, size_t n, float min, float max, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_limit(a[i] + b[i], min, max);
    }
}

EW_FN void ew_activate_s8(const int8_t *x, size_t n, int32_t min, int32_t max, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_clamp(x[i], min, max);
    }
}

EW_FN void ew_activate_f32(const float *x, size_t n, float min, float max, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_limit(x[i], min, max);
    }
}

/* Elements that are `columns` apart share mean and scale. */
EW_FN void ew_normalize_f32(const float *x, const float *mean, const float *scale, size_t columns, size_t n, float *out)
{
    size_t i, c = 0;
    for (i = 0; i < n; i++) {
        out[i] = (x[i] - mean[c]) * scale[c];
        c = c + 1 == columns ? 0 : c + 1;
    }
}

EW_FN int32_t ew_round(float x)
{
    const int32_t whole = (int32_t)x;
    const float part = x - (float)whole;
    return part >= 0.5f ? whole + 1 : (part <= -0.5f ? whole - 1 : whole);
}

EW_FN int8_t ew_quantize_one(float x, float scale, int32_t zero)
{
    float scaled = ew_limit(x / scale, -512.0f, 512.0f);
    if (!ew_is_finite(scaled)) {
        scaled = 0.0f;
    }
    return ew_clamp(ew_round(scaled) + zero, -128, 127);
}

EW_FN void ew_quantize_s8(const float *x, size_t n, float scale, int32_t zero, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_quantize_one(x[i], scale, zero);
    }
}

/* Normalisation and quantisation in one pass, without a float copy in between. */
EW_FN void ew_normalize_quantize_s8(const float *x, const float *mean, const float *factor, size_t columns, size_t n,
                                    float scale, int32_t zero, int8_t *out)
{
    size_t i, c = 0;
    for (i = 0; i < n; i++) {
        const float normalised = (x[i] - mean[c]) * factor[c];
        out[i] = ew_quantize_one(normalised, scale, zero);
        c = c + 1 == columns ? 0 : c + 1;
    }
}

EW_FN void ew_dequantize_s8(const int8_t *x, size_t n, float scale, int32_t zero, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = (float)(x[i] - zero) * scale;
    }
}
