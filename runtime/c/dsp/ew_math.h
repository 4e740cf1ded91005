/* Shared float functions, operation for operation those of the crate `dsp`, module `math`. */

EW_FN float ew_ln(float x)
{
    int32_t e = 0;
    uint32_t bits;
    float m, s, z, p, k;
    if (x < 1.17549435e-38f) {
        x = x * 33554432.0f;
        e = -25;
    }
    bits = ew_bits_of(x);
    e += (int32_t)(bits >> 23) - 127;
    m = ew_from_bits((bits & 0x7fffffu) | 0x3f800000u);
    if (m > 1.41421354f) {
        m = m * 0.5f;
        e += 1;
    }
    s = (m - 1.0f) / (m + 1.0f);
    z = s * s;
    p = 0.222222224f;
    p = p * z + 0.285714298f;
    p = p * z + 0.400000006f;
    p = p * z + 0.666666687f;
    p = p * z + 2.0f;
    k = (float)e;
    return (k * -2.12194442e-4f + s * p) + k * 0.693359375f;
}

EW_FN float ew_log10(float x)
{
    return ew_ln(x) * 0.434294492f;
}

EW_FN float ew_zero_guard(float x)
{
    return x == 0.0f ? 1e-10f : x;
}

/* To the nearest whole number, ties to even, for 0 <= x < 2^22. */
EW_FN float ew_round_half_even(float x)
{
    volatile float shifted = x + 8388608.0f; /* volatile: the two additions must not be folded into none */
    return shifted - 8388608.0f;
}
