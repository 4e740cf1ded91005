/* Float layers; sums run in the order of the loops. */

EW_FN void ew_conv2d_f32(const ew_geometry *g, const float *x, const float *weights, const float *bias, float min,
                         float max, float *out)
{
    int32_t oy, ox, c, ky, kx, i;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->out_c; c++) {
                float sum = 0.0f;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx * g->dilation_w - g->pad_w;
                        const float *from, *w;
                        if (ix < 0 || ix >= g->in_w) {
                            continue;
                        }
                        from = x + (iy * g->in_w + ix) * g->in_c;
                        w = weights + ((c * g->kernel_h + ky) * g->kernel_w + kx) * g->in_c;
                        for (i = 0; i < g->in_c; i++) {
                            sum += from[i] * w[i];
                        }
                    }
                }
                *out++ = ew_limit(sum + bias[c], min, max);
            }
        }
    }
}

EW_FN void ew_depthwise_conv2d_f32(const ew_geometry *g, const float *x, const float *weights, const float *bias,
                                   float min, float max, float *out)
{
    const int32_t multiplier = g->out_c / g->in_c;
    int32_t oy, ox, c, ky, kx;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->out_c; c++) {
                float sum = 0.0f;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx * g->dilation_w - g->pad_w;
                        if (ix >= 0 && ix < g->in_w) {
                            sum += x[(iy * g->in_w + ix) * g->in_c + c / multiplier] *
                                   weights[(ky * g->kernel_w + kx) * g->out_c + c];
                        }
                    }
                }
                *out++ = ew_limit(sum + bias[c], min, max);
            }
        }
    }
}

EW_SHAPE void ew_fully_connected_f32(int32_t inputs, int32_t outputs, const float *x, const float *weights,
                                  const float *bias, float min, float max, float *out)
{
    int32_t c, i;
    for (c = 0; c < outputs; c++) {
        float sum = 0.0f;
        for (i = 0; i < inputs; i++) {
            sum += x[i] * *weights++;
        }
        out[c] = ew_limit(sum + bias[c], min, max);
    }
}
