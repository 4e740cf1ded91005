/* Integer layers as products of a matrix with columns of inputs. Biases hold the input's zero point already. */

typedef struct {
    int32_t bias, multiplier;
    int32_t half; /* shift to the right, less one: 1 << half is half a step of the output */
} ew_channel;

typedef struct {
    const int8_t *weights;
    const ew_channel *channels;
    int32_t inputs, outputs; /* inputs with the zeros that fill up to the kernel's grain */
    int32_t zero;            /* twice the output's zero point, plus one */
    int32_t min, max;
    int32_t rounding; /* 0 and 1: twice, 2 and 3: once; 1 and 2: a shift or a sum is out of the range of the short way */
} ew_matrix;

/* ew_requantize, for |x| < 2^30 and shifts of 1 to 22 to the right with the zero point added before the last shift. The same
 * rounded once needs the high half of the product alone: the low one never carries. */
EW_FN int8_t ew_finish(int32_t x, const ew_channel *c, const ew_matrix *m)
{
    int32_t high, moved;
    if (m->rounding == 3) {
        high = (int32_t)(((int64_t)x * c->multiplier) >> 32) + ((int32_t)((uint32_t)m->zero << c->half) >> 1);
        return ew_clamp(high >> c->half, m->min, m->max);
    }
    if (m->rounding == 2) {
        const int32_t right = 32 + c->half;
        const int64_t wide = (int64_t)x * c->multiplier + ((int64_t)1 << (right - 1));
        return ew_output((int32_t)(wide >> right), m->zero >> 1, m->min, m->max);
    }
    if (m->rounding == 1) {
        ew_factor factor;
        factor.multiplier = c->multiplier;
        factor.shift = -1 - c->half;
        return ew_output(ew_requantize(x, factor), m->zero >> 1, m->min, m->max);
    }
    high = (int32_t)(((int64_t)x * c->multiplier + ((int64_t)1 << 30)) >> 31);
    moved = high + (high >> 31) + (int32_t)((uint32_t)m->zero << c->half);
    return ew_clamp(moved >> (c->half + 1), m->min, m->max);
}

/* One column against all rows, two rows at a time. */
EW_FN void ew_column_s8(const ew_matrix *m, const int8_t *x, int8_t *out)
{
    const int8_t *w = m->weights;
    const int32_t n = m->inputs;
    const ew_channel *c = m->channels;
    const ew_channel *const end = c + m->outputs;
    for (; c < end; c += 2, w += 2 * n) {
        const int pair = c + 1 < end;
        const int8_t *const w1 = pair ? w + n : w;
        int32_t a = c->bias, b = pair ? c[1].bias : 0, i;
        for (i = 0; i < n; i++) {
            const int32_t u = x[i];
            a += w[i] * u;
            b += w1[i] * u;
        }
        *out++ = ew_finish(a, c, m);
        if (pair) {
            *out++ = ew_finish(b, c + 1, m);
        }
    }
}

/* Two columns against all rows, in plain C: two rows at a time. */
EW_FN void ew_columns_s8(const ew_matrix *m, const int8_t *x, const int8_t *x1, int8_t *out, int8_t *out1)
{
    const int8_t *w = m->weights;
    const int32_t n = m->inputs;
    const ew_channel *c = m->channels;
    const ew_channel *const end = c + m->outputs;
    for (; c + 1 < end; c += 2, w += 2 * n) {
        const int8_t *const w1 = w + n;
        int32_t a = c->bias, b = a, d = c[1].bias, e = d, i;
        for (i = 0; i < n; i++) {
            const int32_t p = w[i], q = w1[i], u = x[i], v = x1[i];
            a += p * u;
            b += p * v;
            d += q * u;
            e += q * v;
        }
        *out++ = ew_finish(a, c, m);
        *out1++ = ew_finish(b, c, m);
        *out++ = ew_finish(d, c + 1, m);
        *out1++ = ew_finish(e, c + 1, m);
    }
    if (c < end) {
        int32_t a = c->bias, b = a, i;
        for (i = 0; i < n; i++) {
            const int32_t p = w[i];
            a += p * x[i];
            b += p * x1[i];
        }
        *out = ew_finish(a, c, m);
        *out1 = ew_finish(b, c, m);
    }
}

/* Few bytes, of which a call would cost more than the copy. */
EW_INLINE void ew_copy_s8(int8_t *to, const int8_t *from, int32_t n)
{
    if (n >= 48) {
        memcpy(to, from, (size_t)n);
        return;
    }
    for (; n >= 4; n -= 4, to += 4, from += 4) {
        memcpy(to, from, 4u);
    }
    if ((n & 2) != 0) {
        memcpy(to, from, 2u);
        to += 2;
        from += 2;
    }
    if ((n & 1) != 0) {
        *to = *from;
    }
}

/* The inputs under one output of a convolution, in the order of the weights: copied, with the zero point where the kernel
 * lies outside; the caller's own where they lie together. */
EW_INLINE const int8_t *ew_patch_s8(const ew_geometry *g, const int8_t *x, int32_t zero, int32_t inputs, int32_t oy,
                                    int32_t ox, int8_t *patch)
{
    const int32_t row = g->kernel_w * g->in_c;
    const int32_t left = ox * g->stride_w - g->pad_w;
    int8_t *to = patch;
    int32_t ky, kx;
    if (inputs == g->in_c) {
        const int32_t iy = oy * g->stride_h - g->pad_h;
        if (iy >= 0 && iy < g->in_h && left >= 0 && left < g->in_w) {
            return x + (iy * g->in_w + left) * g->in_c;
        }
    }
    for (ky = 0; ky < g->kernel_h; ky++, to += row) {
        const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
        if (iy < 0 || iy >= g->in_h) {
            memset(to, zero, (size_t)row);
        } else if (g->dilation_w == 1 && left >= 0 && left + g->kernel_w <= g->in_w) {
            ew_copy_s8(to, x + (iy * g->in_w + left) * g->in_c, row);
        } else {
            for (kx = 0; kx < g->kernel_w; kx++) {
                const int32_t ix = left + kx * g->dilation_w;
                if (ix < 0 || ix >= g->in_w) {
                    memset(to + kx * g->in_c, zero, (size_t)g->in_c);
                } else {
                    ew_copy_s8(to + kx * g->in_c, x + (iy * g->in_w + ix) * g->in_c, g->in_c);
                }
            }
        }
    }
    return patch;
}
