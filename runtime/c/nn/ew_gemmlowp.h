/* Fixed-point arithmetic of the reference kernels. Mirrors the crate `kernels`, module `gemmlowp`. */

EW_FN int32_t ew_high_mul(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

EW_FN int32_t ew_rounding_shift(int32_t x, int32_t right)
{
    const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
    return (x >> right) + ((x & mask) > (mask >> 1) + (x < 0 ? 1 : 0) ? 1 : 0);
}

EW_FN int32_t ew_saturated_shift(int32_t x, int32_t left)
{
    const int64_t wide = (int64_t)x * ((int64_t)1 << left);
    return wide > INT32_MAX ? INT32_MAX : (wide < INT32_MIN ? INT32_MIN : (int32_t)wide);
}

/* 1 / (1 + a) for a in 0..1. */
EW_FN int32_t ew_one_over_one_plus(int32_t a)
{
    const int64_t sum = (int64_t)a + INT32_MAX;
    const int32_t half = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
    int32_t x = 1515870810 + ew_high_mul(half, -1010580540);
    int i;
    for (i = 0; i < 3; i++) {
        const int32_t rest = (1 << 29) - ew_high_mul(half, x);
        x = (int32_t)((uint32_t)x + (uint32_t)ew_saturated_shift(ew_high_mul(x, rest), 2));
    }
    return ew_saturated_shift(x, 1);
}
