/* Integer dense layer that rounds once, over rows; weights [outputs, inputs]. */
EW_FN void ew_fully_connected_once_s8(int32_t rows, int32_t inputs, int32_t outputs, const int8_t *x,
                                      const int8_t *weights, const int32_t *bias, const ew_factor *factors,
                                      int32_t in_zero, int32_t out_zero, int32_t min, int32_t max, int8_t *out)
{
    int32_t r, c, i;
    for (r = 0; r < rows; r++, x += inputs) {
        const int8_t *w = weights;
        for (c = 0; c < outputs; c++) {
            const int32_t right = 31 - factors[c].shift;
            int32_t sum = bias[c];
            int64_t wide;
            for (i = 0; i < inputs; i++) {
                sum += (x[i] - in_zero) * *w++;
            }
            wide = ((int64_t)sum * factors[c].multiplier + ((int64_t)1 << (right - 1))) >> right;
            *out++ = ew_output((int32_t)wide, out_zero, min, max);
        }
    }
}
