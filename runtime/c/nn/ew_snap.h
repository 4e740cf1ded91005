/* Floats rounded to the 8 bits of their own range. Mirrors the crate `kernels`, module `snap`. */

/* Where a double is a float, results would be others. */
typedef char ew_snap_double_has_64_bits[sizeof(double) == 8 ? 1 : -1];

EW_FN int32_t ew_snap_zero(double low, double high, double scale)
{
    const double from_low = -128.0 - low / scale, from_high = 127.0 - high / scale;
    const double near = 128.0 + -low / scale < 127.0 + high / scale ? from_low : from_high;
    const int32_t whole = (int32_t)near;
    const double rest = near - (double)whole;
    const int32_t zero = whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
    return zero < -128 ? -128 : (zero > 127 ? 127 : zero);
}

EW_FN void ew_snap_f32(const float *x, size_t rows, size_t row, int symmetric, float *out)
{
    size_t r, i;
    for (r = 0; r < rows; r++, x += row, out += row) {
        float low = 0.0f, high = 0.0f, step, inverse;
        int32_t zero = 0, least = -127;
        int finite = 1;
        for (i = 0; i < row; i++) {
            finite = finite && ew_is_finite(x[i]);
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
            out[i] = x[i];
        }
        if (!finite || !(low < high)) {
            continue;
        }
        if (symmetric) {
            const float size = -low > high ? -low : high;
            step = size / 127.0f;
            inverse = 127.0f / size;
        } else {
            const double scale = ((double)high - (double)low) / 255.0;
            zero = ew_snap_zero((double)low, (double)high, scale);
            step = (float)scale;
            inverse = 1.0f / step;
            least = -128;
        }
        if (!ew_is_finite(inverse)) {
            continue;
        }
        for (i = 0; i < row; i++) {
            const float scaled = out[i] * inverse;
            int32_t q = ew_round((float)zero + scaled);
            q = q < least ? least : (q > 127 ? 127 : q);
            out[i] = (float)(q - zero) * step;
        }
    }
}
