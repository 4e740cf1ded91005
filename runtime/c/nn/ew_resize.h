/* Bilinear resizing. Mirrors the crate `kernels`, module `resize`. */

typedef struct {
    int32_t low, high;
    float share;
} ew_tap;

EW_FN void ew_resize_bilinear_f32(const float *x, int32_t width, int32_t channels, const ew_tap *rows, int32_t row_count,
                                  const ew_tap *columns, int32_t column_count, float *out)
{
    int32_t i, j, k;
    for (i = 0; i < row_count; i++) {
        for (j = 0; j < column_count; j++) {
            const ew_tap r = rows[i], c = columns[j];
            const float down = 1.0f - r.share, right = 1.0f - c.share;
            for (k = 0; k < channels; k++) {
                const float a = x[(r.low * width + c.low) * channels + k] * down * right;
                const float b = x[(r.high * width + c.low) * channels + k] * r.share * right;
                const float d = x[(r.low * width + c.high) * channels + k] * down * c.share;
                const float e = x[(r.high * width + c.high) * channels + k] * r.share * c.share;
                *out++ = a + b + d + e;
            }
        }
    }
}

EW_FN void ew_resize_bilinear_s8(const int8_t *x, int32_t width, int32_t channels, const ew_tap *rows, int32_t row_count,
                                 const ew_tap *columns, int32_t column_count, int8_t *out)
{
    int32_t i, j, k;
    for (i = 0; i < row_count; i++) {
        for (j = 0; j < column_count; j++) {
            const ew_tap r = rows[i], c = columns[j];
            const int64_t y = (int64_t)r.share, w = (int64_t)c.share;
            for (k = 0; k < channels; k++) {
                const int64_t sum = x[(r.low * width + c.low) * channels + k] * (1024 - y) * (1024 - w) +
                                    x[(r.high * width + c.low) * channels + k] * y * (1024 - w) +
                                    x[(r.low * width + c.high) * channels + k] * (1024 - y) * w +
                                    x[(r.high * width + c.high) * channels + k] * y * w;
                *out++ = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}
