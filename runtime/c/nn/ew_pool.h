/* Pooling; elements in the padding do not count. */

EW_FN void ew_pool_s8(const ew_geometry *g, const int8_t *x, int average, int32_t min, int32_t max, int8_t *out)
{
    int32_t oy, ox, c, ky, kx;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->in_c; c++) {
                int32_t sum = 0, count = 0, best = -128;
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
                *out++ = ew_clamp(best, min, max);
            }
        }
    }
}

EW_FN void ew_pool_f32(const ew_geometry *g, const float *x, int average, float min, float max, float *out)
{
    int32_t oy, ox, c, ky, kx;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->in_c; c++) {
                float sum = 0.0f, best = -INFINITY;
                int32_t count = 0;
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx - g->pad_w;
                        if (ix >= 0 && ix < g->in_w) {
                            const float v = x[(iy * g->in_w + ix) * g->in_c + c];
                            sum += v;
                            count++;
                            best = v > best ? v : best;
                        }
                    }
                }
                *out++ = ew_limit(average ? sum / (float)(count > 0 ? count : 1) : best, min, max);
            }
        }
    }
}
