/* Second-order sections in integers. Mirrors the crate `dsp`, module `fixed/sections`. */

#if defined(EW_SHORT_PRODUCTS)
/* Product of a factor from 0 to below 2^31, whose halves are given, and a value: its upper and lower bits go apart. */
EW_FN int64_t ew_long_product(uint32_t high, uint32_t low, int32_t x)
{
    const int32_t h = x >> 16;
    const uint32_t l = (uint32_t)x & 0xffffu;
    const int64_t middle = (int64_t)(int32_t)(high * l) + (int32_t)low * h;
    return (int64_t)((uint64_t)((int64_t)((int32_t)high * h)) << 32) + (int64_t)((uint64_t)middle << 16) +
           (int64_t)(uint64_t)(low * l);
}
#define EW_PRODUCT(c, x) ew_long_product((uint32_t)(c) >> 16, (uint32_t)(c) & 0xffffu, x)
#else
#define EW_PRODUCT(c, x) ((int64_t)(c) * (x))
#endif

/* A multiple of 2^-30 to the nearest whole number. */
EW_FN int32_t ew_nearest(int64_t v)
{
    return (int32_t)((v + ((int64_t)1 << 29)) >> 30);
}

/* Filters in place, from rest; four factors of each section. */
EW_FN void ew_fixed_sections(const int32_t *factors, size_t sections, int high, int32_t *x, size_t n)
{
    size_t i;
    for (; sections > 0u; sections--, factors += 4) {
        const int32_t c1 = factors[0], c2 = factors[1], c3 = factors[2], k = factors[3];
        int32_t s = 0, t = 0;
        for (i = 0; i < n; i++) {
            const int32_t d = x[i] - t;
            const int32_t a = ew_nearest(EW_PRODUCT(c1, s) + EW_PRODUCT(c2, d));
            const int32_t b = ew_nearest(EW_PRODUCT(c2, s) + EW_PRODUCT(c3, d));
            s = 2 * a - s;
            x[i] = high ? d - b - ew_nearest(EW_PRODUCT(k, a)) : t + b;
            t += 2 * b;
        }
    }
}

/* Filters from the steady state of x[0], keeps one of `ratio` at the front and returns how many. */
EW_FN size_t ew_fixed_decimate(const int32_t *factors, size_t ratio, int32_t *x, size_t n)
{
    const int32_t first = x[0];
    const size_t kept = (n + ratio - 1u) / ratio;
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] -= first;
    }
    ew_fixed_sections(factors, 4u, 0, x, n);
    for (i = 0; i < kept; i++) {
        x[i] = x[i * ratio] + first;
    }
    return kept;
}
