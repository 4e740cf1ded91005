/* Elements of `size` bytes to other places. Mirrors the crate `kernels`, module `movement`. */

EW_FN void ew_strided_copy(const void *x, size_t size, size_t n, int32_t rank, const int32_t *shape,
                           const int32_t *strides, int32_t offset, void *out)
{
    const unsigned char *from = (const unsigned char *)x;
    unsigned char *to = (unsigned char *)out;
    size_t i;
    for (i = 0; i < n; i++) {
        int32_t rest = (int32_t)i, at = offset, k;
        for (k = rank - 1; k >= 0; k--) {
            at += rest % shape[k] * strides[k];
            rest /= shape[k];
        }
        memcpy(to + i * size, from + (size_t)at * size, size);
    }
}

/* Lengths in bytes: `inner` of every row of `row`, from `at` on. */
EW_FN void ew_concat_part(const void *x, size_t outer, size_t inner, size_t row, size_t at, void *out)
{
    size_t i;
    for (i = 0; i < outer; i++) {
        memcpy((unsigned char *)out + i * row + at, (const unsigned char *)x + i * inner, inner);
    }
}

EW_FN void ew_pad(const void *x, const void *value, size_t size, size_t n, size_t total, int32_t rank,
                  const int32_t *shape, const int32_t *before, const int32_t *whole, void *out)
{
    const unsigned char *from = (const unsigned char *)x;
    unsigned char *to = (unsigned char *)out;
    size_t i;
    for (i = 0; i < total; i++) {
        memcpy(to + i * size, value, size);
    }
    for (i = 0; i < n; i++) {
        int32_t rest = (int32_t)i, at = 0, step = 1, k;
        for (k = rank - 1; k >= 0; k--) {
            at += (rest % shape[k] + before[k]) * step;
            rest /= shape[k];
            step *= whole[k];
        }
        memcpy(to + (size_t)at * size, from + i * size, size);
    }
}
