/* Kernels of int16x8 models: activations of 16 bits, weights of bytes, sums of 64 bits. Mirrors the crate `kernels`, module `wide`. */

typedef struct {
    const int8_t *weights;
    const int64_t *bias;
    const ew_factor *factors;
    int32_t min, max;
} ew_wide_layer;

EW_FN int16_t ew_short(int32_t x, int32_t min, int32_t max)
{
    return (int16_t)(x < min ? min : (x > max ? max : x));
}

/* x * factor rounded once, by the upper 16 bits of the multiplier; saturated. */
EW_FN int32_t ew_requantize_wide(int64_t x, ew_factor f)
{
    const int32_t reduced = f.multiplier < 0x7fff0000 ? (f.multiplier + (1 << 15)) >> 16 : 0x7fff;
    const int32_t right = 15 - f.shift;
    const int64_t scaled = (x * reduced + ((int64_t)1 << (right - 1))) >> right;
    return scaled > INT32_MAX ? INT32_MAX : (scaled < INT32_MIN ? INT32_MIN : (int32_t)scaled);
}

EW_FN int16_t ew_wide_finish(const ew_wide_layer *l, int32_t channel, int64_t sum)
{
    return ew_short(ew_requantize_wide(sum + l->bias[channel], l->factors[channel]), l->min, l->max);
}

EW_FN void ew_conv2d_s16(const ew_geometry *g, const int16_t *x, const ew_wide_layer *l, int16_t *out)
{
    int32_t oy, ox, c, ky, kx, i;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->out_c; c++) {
                int64_t sum = 0;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx * g->dilation_w - g->pad_w;
                        if (ix >= 0 && ix < g->in_w) {
                            const int16_t *from = x + (iy * g->in_w + ix) * g->in_c;
                            const int8_t *w = l->weights + ((c * g->kernel_h + ky) * g->kernel_w + kx) * g->in_c;
                            for (i = 0; i < g->in_c; i++) {
                                sum += (int32_t)from[i] * w[i];
                            }
                        }
                    }
                }
                *out++ = ew_wide_finish(l, c, sum);
            }
        }
    }
}

EW_FN void ew_depthwise_conv2d_s16(const ew_geometry *g, const int16_t *x, const ew_wide_layer *l, int16_t *out)
{
    const int32_t multiplier = g->out_c / g->in_c;
    int32_t oy, ox, c, ky, kx;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->out_c; c++) {
                int64_t sum = 0;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx * g->dilation_w - g->pad_w;
                        if (ix >= 0 && ix < g->in_w) {
                            sum += (int32_t)x[(iy * g->in_w + ix) * g->in_c + c / multiplier] *
                                   l->weights[(ky * g->kernel_w + kx) * g->out_c + c];
                        }
                    }
                }
                *out++ = ew_wide_finish(l, c, sum);
            }
        }
    }
}

EW_FN void ew_fully_connected_s16(int32_t rows, int32_t inputs, int32_t outputs, const int16_t *x, const ew_wide_layer *l,
                                  int16_t *out)
{
    int32_t r, c, i;
    for (r = 0; r < rows; r++) {
        const int8_t *w = l->weights;
        for (c = 0; c < outputs; c++) {
            int64_t sum = 0;
            for (i = 0; i < inputs; i++) {
                sum += (int32_t)x[i] * w[i];
            }
            *out++ = ew_wide_finish(l, c, sum);
            w += inputs;
        }
        x += inputs;
    }
}

EW_FN void ew_pool_s16(const ew_geometry *g, const int16_t *x, int average, int32_t min, int32_t max, int16_t *out)
{
    int32_t oy, ox, c, ky, kx;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->in_c; c++) {
                int32_t sum = 0, count = 0, best = -32768;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx - g->pad_w;
                        if (ix >= 0 && ix < g->in_w) {
                            const int32_t v = x[(iy * g->in_w + ix) * g->in_c + c];
                            sum += v;
                            count++;
                            best = v > best ? v : best;
                        }
                    }
                }
                if (average) {
                    const int32_t half = sum >= 0 ? count / 2 : -(count / 2);
                    best = (sum + half) / (count > 0 ? count : 1);
                }
                *out++ = ew_short(best, min, max);
            }
        }
    }
}

typedef struct {
    ew_factor in[2], out;
    int32_t min, max;
} ew_wide_add;

/* sign: 1 sum, -1 difference. */
EW_FN void ew_add_s16(const ew_wide_add *p, int32_t sign, const int16_t *a, const int16_t *b, size_t n, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t x = ew_requantize((int32_t)a[i] * (1 << 15), p->in[0]);
        const int32_t y = ew_requantize((int32_t)b[i] * (1 << 15), p->in[1]);
        out[i] = ew_short(ew_requantize(x + sign * y, p->out), p->min, p->max);
    }
}

EW_FN void ew_mul_s16(ew_factor factor, const int16_t *a, const int16_t *b, size_t n, int32_t min, int32_t max, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_short(ew_requantize((int32_t)a[i] * b[i], factor), min, max);
    }
}

EW_FN void ew_extreme_s16(int larger, const int16_t *a, const int16_t *b, size_t n, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = (a[i] > b[i]) == (larger != 0) ? a[i] : b[i];
    }
}

/* Negative values take the second factor, times the sign. */
EW_FN void ew_rescale_s16(const ew_factor *factors, int32_t sign, const int16_t *x, size_t n, int32_t min, int32_t max,
                          int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        int32_t scaled;
        if (x[i] >= 0) {
            scaled = ew_requantize(x[i], factors[0]);
        } else {
            scaled = ew_requantize(x[i], factors[1]);
            if (sign < 0) {
                scaled = scaled == INT32_MIN ? INT32_MAX : -scaled;
            }
        }
        out[i] = ew_short(scaled, min, max);
    }
}

EW_FN void ew_clamp_s16(const int16_t *x, size_t n, int32_t min, int32_t max, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_short(x[i], min, max);
    }
}

EW_FN void ew_narrow_s16(ew_factor factor, int32_t zero, const int16_t *x, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_output(ew_requantize(x[i], factor), zero, -128, 127);
    }
}

EW_FN void ew_widen_s8(ew_factor factor, int32_t zero, const int8_t *x, size_t n, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = ew_short(ew_requantize(x[i] - zero, factor), -32768, 32767);
    }
}

EW_FN void ew_quantize_s16(const float *x, size_t n, float scale, int16_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        float scaled = ew_limit(x[i] / scale, -65536.0f, 65536.0f);
        if (!ew_is_finite(scaled)) {
            scaled = 0.0f;
        }
        out[i] = ew_short(ew_round(scaled), -32768, 32767);
    }
}

EW_FN void ew_dequantize_s16(const int16_t *x, size_t n, float scale, int32_t zero, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = (float)(x[i] - zero) * scale;
    }
}

EW_FN void ew_reduce_sum_s16(const int16_t *x, size_t n, size_t count, size_t inner, ew_factor factor, int16_t *out)
{
    size_t i, k;
    for (i = 0; i < n; i++) {
        const int16_t *from = x + i / inner * count * inner + i % inner;
        int32_t sum = 0;
        for (k = 0; k < count; k++) {
            sum += from[k * inner];
        }
        out[i] = ew_short(ew_requantize(sum, factor), -32768, 32767);
    }
}

EW_FN void ew_reduce_extreme_s16(int larger, const int16_t *x, size_t n, size_t count, size_t inner, int16_t *out)
{
    size_t i, k;
    for (i = 0; i < n; i++) {
        const int16_t *from = x + i / inner * count * inner + i % inner;
        int16_t best = from[0];
        for (k = 1; k < count; k++) {
            best = (from[k * inner] > best) == (larger != 0) ? from[k * inner] : best;
        }
        out[i] = best;
    }
}

/* Logistic function or tangent, interpolated; the output is Q0.15. */
EW_FN void ew_curve_s16(int tangent, int32_t multiplier, int32_t shift, const int16_t *x, size_t n, int16_t *out)
{
    const int32_t round = shift > 0 ? (int32_t)1 << (shift - 1) : 0, bits = tangent ? 8 : 9, half = (int32_t)1 << 23;
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t scaled = (x[i] * multiplier + round) >> shift;
        const int32_t size = scaled < 0 ? -scaled : scaled, at = size >> bits;
        int32_t value = tangent ? (int32_t)0xffff * 256 : (int32_t)0x7fff * 1024;
        if (at < 255) {
            const int32_t a = (int32_t)ew_sigmoid_table[at], b = (int32_t)ew_sigmoid_table[at + 1];
            value = a * ((int32_t)1 << bits) + (size & (((int32_t)1 << bits) - 1)) * (b - a);
        }
        if (tangent) {
            value = scaled >= 0 ? value - half + 128 : half - value + 127;
            out[i] = (int16_t)(value >> 8);
        } else {
            value = scaled >= 0 ? value + 512 : ((int32_t)1 << 25) - value + 511;
            out[i] = (int16_t)(value >> 10);
        }
    }
}

/* Value of a table of 513 entries at a number of 16 bits, interpolated. */
EW_FN int32_t ew_look_up_16(int32_t x, const int16_t *table)
{
    const int32_t at = 256 + (x >> 7), base = table[at], slope = table[at + 1] - base;
    return base + ((slope * (x & 0x7f) + 64) >> 7);
}

EW_FN void ew_softmax_s16(const int16_t *x, size_t rows, size_t n, ew_factor factor, const int16_t *exponential,
                          const int16_t *inverse, int16_t *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++) {
        int32_t largest = -32768, sum = 0, headroom = 0, share;
        for (i = 0; i < n; i++) {
            largest = x[i] > largest ? x[i] : largest;
        }
        for (i = 0; i < n; i++) {
            const int32_t scaled = ew_requantize(x[i] - largest, factor);
            const int32_t moved = scaled > INT32_MAX - 32767 ? INT32_MAX : scaled + 32767;
            const int32_t value = ew_look_up_16(ew_short(moved, -32768, 32767), exponential);
            sum += value;
            out[i] = (int16_t)value;
        }
        while (headroom < 31 && ((uint32_t)sum << headroom) < 0x80000000u) {
            headroom++;
        }
        share = (int32_t)((((int64_t)sum << (headroom - 1)) + (1 << 13)) >> 14);
        share = ew_look_up_16(ew_short(share - (1 << 15) - (1 << 16), -32768, 32767), inverse);
        for (i = 0; i < n; i++) {
            const int32_t right = 31 - headroom;
            const int64_t value = ((int64_t)out[i] * share + ((int64_t)1 << (right - 1))) >> right;
            out[i] = ew_short((int32_t)value, 0, 32767);
        }
        x += n;
        out += n;
    }
}

/* From one scale and width (1, 2 or 4 bytes) to another. Zero points of 32-bit values are 0. */
EW_FN void ew_rescale(const void *x, size_t from, size_t n, ew_factor factor, int32_t in_zero, int32_t out_zero, void *out, size_t to)
{
    const int32_t low = (to == 1u ? -128 : (to == 2u ? -32768 : INT32_MIN)) - out_zero;
    const int32_t high = (to == 1u ? 127 : (to == 2u ? 32767 : INT32_MAX)) - out_zero;
    size_t i;
    for (i = 0; i < n; i++) {
        int32_t v;
        if (from == 1u) {
            v = ((const int8_t *)x)[i];
        } else if (from == 2u) {
            v = ((const int16_t *)x)[i];
        } else {
            v = ((const int32_t *)x)[i];
        }
        v = ew_requantize(v - in_zero, factor);
        v = (v < low ? low : (v > high ? high : v)) + out_zero;
        if (to == 1u) {
            ((int8_t *)out)[i] = (int8_t)v;
        } else if (to == 2u) {
            ((int16_t *)out)[i] = (int16_t)v;
        } else {
            ((int32_t *)out)[i] = v;
        }
    }
}
