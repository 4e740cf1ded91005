/* What blocks in integers share. Mirrors the crate `dsp`, module `fixed/arith`. */

typedef int (*ew_get)(void *context, size_t offset, size_t length, float *out);

EW_FN int32_t ew_bits_at(const float *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

EW_FN void ew_put_bits(float *x, int32_t v)
{
    memcpy(x, &v, sizeof v);
}

/* Largest magnitude of bits of floats. */
EW_FN uint32_t ew_largest(const int32_t *x, size_t n, uint32_t most)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const uint32_t v = (uint32_t)x[i] & 0x7fffffffu;
        if (v > most) {
            most = v;
        }
    }
    return most;
}

/* Largest magnitude of whole numbers. */
EW_FN uint32_t ew_loudest(const int32_t *x, size_t n, uint32_t most)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const uint32_t v = x[i] < 0 ? 0u - (uint32_t)x[i] : (uint32_t)x[i];
        if (v > most) {
            most = v;
        }
    }
    return most;
}

/* log2 of x, at least 1, as a multiple of 2^-16. */
EW_FN int32_t ew_log2(const uint16_t *table, uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32), low = (uint32_t)x;
    uint32_t top, mantissa, at, step;
    if (high != 0u) {
        const uint32_t bits = ew_bits(high);
        top = 31u + bits;
        mantissa = bits == 32u ? high : (high << (32u - bits)) | (low >> bits);
    } else if (low != 0u) {
        const uint32_t bits = ew_bits(low);
        top = bits - 1u;
        mantissa = low << (32u - bits);
    } else {
        return 0;
    }
    at = (mantissa >> 24) & 127u;
    step = ((uint32_t)table[(at + 1u) & 127u] - (uint32_t)table[at]) & 0xffffu;
    return (int32_t)((top << 16) + table[at] + ((step * ((mantissa >> 8) & 0xffffu)) >> 16));
}

/* A multiple of 2^16. */
EW_FN int32_t ew_octaves(int32_t exponent)
{
    return exponent * 65536;
}

/* Power of two words, the lower first. */
EW_FN uint64_t ew_power_at(const uint32_t *power)
{
    return ((uint64_t)power[1] << 32) | power[0];
}
