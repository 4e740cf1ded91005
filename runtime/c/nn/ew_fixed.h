/* Requantisation. Mirrors the crate `kernels`, module `fixed`. */

typedef struct {
    int32_t multiplier, shift;
} ew_factor;

EW_FN int32_t ew_requantize(int32_t x, ew_factor f)
{
    const int32_t left = f.shift > 0 ? f.shift : 0, right = f.shift > 0 ? 0 : -f.shift;
    const int32_t shifted = (int32_t)((uint32_t)x << left);
    int32_t high, mask, rest, edge;
    if (shifted == INT32_MIN && f.multiplier == INT32_MIN) {
        high = INT32_MAX;
    } else {
        high = (int32_t)(((int64_t)shifted * f.multiplier + ((int64_t)1 << 30)) >> 31);
    }
    mask = (int32_t)(((int64_t)1 << right) - 1);
    rest = high & mask;
    edge = (mask >> 1) + (high < 0 ? 1 : 0);
    return (high >> right) + (rest > edge ? 1 : 0);
}

EW_FN int8_t ew_clamp(int32_t x, int32_t min, int32_t max)
{
    return (int8_t)(x < min ? min : (x > max ? max : x));
}

/* x + zero between two limits, which come first: with extreme scales the sum would leave 32 bits. */
EW_FN int8_t ew_output(int32_t x, int32_t zero, int32_t min, int32_t max)
{
    const int32_t low = min - zero, high = max - zero;
    return (int8_t)((x < low ? low : (x > high ? high : x)) + zero);
}

EW_FN float ew_limit(float x, float min, float max)
{
    return x < min ? min : (x > max ? max : x);
}
