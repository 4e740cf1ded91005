/* Integer SVDF with a state of 16 bits or of bytes. Mirrors the crate `kernels`, module `svdf`. */

/* Each row of the state moves one to the front; its last place takes the filter's sum over x. `out` may be `state`. */
EW_FN void ew_svdf_state_s16(const int8_t *x, size_t inputs, size_t filters, size_t memory, int32_t in_zero, ew_factor factor,
                             const int16_t *state, const int8_t *weights, int16_t *out)
{
    size_t f, i;
    for (f = 0; f < filters; f++) {
        int32_t sum = 0;
        for (i = 0; i < inputs; i++) {
            sum += weights[i] * (x[i] - in_zero);
        }
        sum = ew_requantize(sum, factor);
        memmove(out, state + 1, (memory - 1u) * sizeof out[0]);
        out[memory - 1u] = (int16_t)(sum < -32768 ? -32768 : (sum > 32767 ? 32767 : sum));
        weights += inputs;
        state += memory;
        out += memory;
    }
}

/* The same in bytes; with its zero point a sum wraps around, as in the reference. */
EW_FN void ew_svdf_state_s8(const int8_t *x, size_t inputs, size_t filters, size_t memory, int32_t in_zero, ew_factor factor,
                            int32_t zero, const int8_t *state, const int8_t *weights, int8_t *out)
{
    size_t f, i;
    for (f = 0; f < filters; f++) {
        int32_t sum = 0;
        for (i = 0; i < inputs; i++) {
            sum += weights[i] * (x[i] - in_zero);
        }
        sum = ew_requantize(sum, factor);
        sum = (sum < -128 ? -128 : (sum > 127 ? 127 : sum)) + zero;
        memmove(out, state + 1, memory - 1u);
        out[memory - 1u] = (int8_t)(sum > 127 ? sum - 256 : (sum < -128 ? sum + 256 : sum));
        weights += inputs;
        state += memory;
        out += memory;
    }
}

/* Sums end at the limits of 32 bits. */
EW_FN int8_t ew_svdf_end(int64_t sum, ew_factor factor, int32_t out_zero)
{
    sum = sum < INT32_MIN ? INT32_MIN : (sum > INT32_MAX ? INT32_MAX : sum);
    return ew_output(ew_requantize((int32_t)sum, factor), out_zero, -128, 127);
}

/* Sums of the state over time, `each` products for an output. */
EW_FN void ew_svdf_output_s16(const int16_t *state, size_t units, size_t each, ew_factor factor, int32_t out_zero,
                              const int16_t *weights, const int32_t *bias, int8_t *out)
{
    size_t u, i;
    for (u = 0; u < units; u++) {
        int64_t sum = bias[u];
        for (i = 0; i < each; i++) {
            sum += (int32_t)state[i] * weights[i];
        }
        out[u] = ew_svdf_end(sum, factor, out_zero);
        state += each;
        weights += each;
    }
}

EW_FN void ew_svdf_output_s8(const int8_t *state, size_t units, size_t each, ew_factor factor, int32_t out_zero, int32_t zero,
                             const int8_t *weights, const int32_t *bias, int8_t *out)
{
    size_t u, i;
    for (u = 0; u < units; u++) {
        int64_t sum = bias[u];
        for (i = 0; i < each; i++) {
            sum += (state[i] - zero) * weights[i];
        }
        out[u] = ew_svdf_end(sum, factor, out_zero);
        state += each;
        weights += each;
    }
}
