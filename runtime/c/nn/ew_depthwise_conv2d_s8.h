/* Integer depthwise convolution; weights [out_c, kernel_h, kernel_w]. Each channel is spread out on a plane with the zero
 * point around it, of `rows` by `columns`; so the output may lie in the place of an input of its shape. */
EW_FN void ew_depthwise_conv2d_s8(const ew_geometry *g, const int8_t *x, int32_t in_zero, const ew_matrix *m,
                                  int32_t rows, int32_t columns, int8_t *plane, int8_t *out)
{
    const int32_t multiplier = g->out_c / g->in_c;
    const int8_t *w = m->weights;
    int32_t c, y, oy, ox, ky, kx;
    memset(plane, in_zero, (size_t)(rows * columns));
    for (c = 0; c < g->out_c; c++, w += m->inputs) {
        const ew_channel *const channel = m->channels + c;
        int8_t *to = out + c;
        if (c % multiplier == 0) {
            const int8_t *from = x + c / multiplier;
            for (y = 0; y < g->in_h; y++) {
                int8_t *into = plane + (y + g->pad_h) * columns + g->pad_w;
                int8_t *const end = into + g->in_w;
                for (; into < end; from += g->in_c) {
                    *into++ = *from;
                }
            }
        }
        for (oy = 0; oy < g->out_h; oy++) {
            const int8_t *p = plane + oy * g->stride_h * columns;
            if (g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1 && g->dilation_w == 1) {
                const int8_t *q = p + columns, *r = q + columns;
                for (ox = 0; ox < g->out_w; ox++, to += g->out_c) {
                    const int32_t sum = channel->bias + w[0] * p[0] + w[1] * p[1] + w[2] * p[2] + w[3] * q[0] +
                                        w[4] * q[1] + w[5] * q[2] + w[6] * r[0] + w[7] * r[1] + w[8] * r[2];
                    *to = ew_finish(sum, channel, m);
                    p += g->stride_w;
                    q += g->stride_w;
                    r += g->stride_w;
                }
                continue;
            }
            for (ox = 0; ox < g->out_w; ox++, to += g->out_c, p += g->stride_w) {
                const int8_t *v = w, *from = p;
                int32_t sum = channel->bias;
                for (ky = 0; ky < g->kernel_h; ky++, from += g->dilation_h * columns) {
                    for (kx = 0; kx < g->kernel_w; kx++) {
                        sum += from[kx * g->dilation_w] * *v++;
                    }
                }
                *to = ew_finish(sum, channel, m);
            }
        }
    }
}
