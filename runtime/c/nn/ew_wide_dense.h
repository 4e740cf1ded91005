/* Dense layer of an int16x8 model as LiteRT's reference kernel has it: the sum times a scale, in double precision. Mirrors the crate
 * `kernels`, module `wide`. */

/* Where a double is a float, results would be others. */
typedef char ew_double_has_64_bits[sizeof(double) == 8 ? 1 : -1];

typedef struct {
    const int8_t *weights;
    const int64_t *bias;
    const double *scales;
    int32_t min, max;
} ew_scaled_layer;

/* x rounded to nearest, ties away from zero, saturated. */
EW_FN int32_t ew_round_away(double x)
{
    int32_t whole;
    double rest;
    x = x < -2147483648.0 ? -2147483648.0 : (x > 2147483647.0 ? 2147483647.0 : x);
    whole = (int32_t)x;
    /* Both parts are exact, where adding a half would round. The limits are whole, so that a step stays within 32 bits. */
    rest = x - (double)whole;
    return whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

EW_FN void ew_fully_connected_scaled_s16(int32_t rows, int32_t inputs, int32_t outputs, const int16_t *x,
                                         const ew_scaled_layer *l, int16_t *out)
{
    int32_t r, c, i;
    for (r = 0; r < rows; r++) {
        const int8_t *w = l->weights;
        for (c = 0; c < outputs; c++) {
            int64_t sum = l->bias[c];
            for (i = 0; i < inputs; i++) {
                sum += (int32_t)x[i] * w[i];
            }
            *out++ = ew_short(ew_round_away((double)sum * l->scales[c]), l->min, l->max);
            w += inputs;
        }
        x += inputs;
    }
}
