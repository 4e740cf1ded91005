/* Depthwise convolution of 3 x 3 with the DSP extension: each shape has its own function, written by the compiler. */

typedef struct {
    int8_t weights[12]; /* of each row w0, w1, w1, w2 */
    int32_t bias;       /* doubled */
    int32_t multiplier;
    int32_t half; /* as in ew_channel */
} ew_depthwise;

/* The border stays while one channel after the other comes into the plane. */
EW_FN void ew_plane_fill(int16_t *plane, int32_t length, int32_t zero)
{
    int32_t i;
    for (i = 0; i < length; i++) {
        plane[i] = (int16_t)zero;
    }
}

#if !EW_DSP_ASM
EW_FN void ew_depthwise_c(const ew_geometry *g, const int8_t *x, const ew_depthwise *channel, int32_t zero, int32_t rows,
                          int32_t columns, int16_t *plane, int8_t *out)
{
    int32_t c, y, i, oy, ox;
    (void)rows;
    for (c = 0; c < g->out_c; c++, channel++) {
        const int8_t *const w = channel->weights;
        for (y = 0; y < g->in_h; y++) {
            for (i = 0; i < g->in_w; i++) {
                plane[(y + g->pad_h) * columns + g->pad_w + i] = x[(y * g->in_w + i) * g->in_c + c];
            }
        }
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                const int16_t *p = plane + oy * g->stride_h * columns + ox * g->stride_w;
                int32_t sum = channel->bias, high;
                for (y = 0; y < 3; y++, p += columns) {
                    sum += 2 * (w[4 * y] * p[0] + w[4 * y + 1] * p[1] + w[4 * y + 3] * p[2]);
                }
                high = (int32_t)(((int64_t)sum * channel->multiplier + ((int64_t)1 << 31)) >> 32);
                high += (high >> 31) + (int32_t)((uint32_t)zero << channel->half);
                out[(oy * g->out_w + ox) * g->out_c + c] = ew_clamp(high >> (channel->half + 1), -128, 127);
            }
        }
    }
}
#endif
