/* Integer convolution; weights [out_c, kernel_h, kernel_w, in_c]. */
EW_FN void ew_conv2d_s8(const ew_geometry *g, const int8_t *x, const int8_t *weights, const ew_layer_s8 *layer,
                        int8_t *out)
{
    int32_t oy, ox, c, ky, kx, i;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            for (c = 0; c < g->out_c; c++) {
                int32_t sum = layer->bias[c];
                for (ky = 0; ky < g->kernel_h; ky++) {
                    const int32_t iy = oy * g->stride_h + ky * g->dilation_h - g->pad_h;
                    if (iy < 0 || iy >= g->in_h) {
                        continue;
                    }
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        const int32_t ix = ox * g->stride_w + kx * g->dilation_w - g->pad_w;
                        const int8_t *from, *w;
                        if (ix < 0 || ix >= g->in_w) {
                            continue;
                        }
                        from = x + (iy * g->in_w + ix) * g->in_c;
                        w = weights + ((c * g->kernel_h + ky) * g->kernel_w + kx) * g->in_c;
                        for (i = 0; i < g->in_c; i++) {
                            sum += (from[i] - layer->in_zero) * w[i];
                        }
                    }
                }
                *out++ = ew_clamp(ew_requantize(sum, layer->factors[c]) + layer->out_zero, layer->min, layer->max);
            }
        }
    }
}
