/* Values that are compared, chosen and looked up. Mirrors the crate `kernels`, module `choose`. */

typedef enum { EW_LESS, EW_LESS_EQUAL, EW_GREATER, EW_GREATER_EQUAL, EW_EQUAL, EW_NOT_EQUAL } ew_compare;

EW_SHAPE void ew_compare_f32(ew_compare kind, const float *a, const float *b, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int less = a[i] < b[i], more = a[i] > b[i], same = a[i] <= b[i] && a[i] >= b[i];
        switch (kind) {
        case EW_LESS:
            out[i] = (int8_t)less;
            break;
        case EW_LESS_EQUAL:
            out[i] = (int8_t)(less || same);
            break;
        case EW_GREATER:
            out[i] = (int8_t)more;
            break;
        case EW_GREATER_EQUAL:
            out[i] = (int8_t)(more || same);
            break;
        case EW_EQUAL:
            out[i] = (int8_t)same;
            break;
        case EW_NOT_EQUAL:
            out[i] = (int8_t)!same;
            break;
        }
    }
}

typedef struct {
    int32_t in_zero[2];
    ew_factor in_factor[2];
} ew_compare_params;

EW_SHAPE void ew_compare_s8(ew_compare kind, const ew_compare_params *p, const int8_t *a, const int8_t *b, size_t n,
                            int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t x = ew_requantize((a[i] - p->in_zero[0]) * (1 << 8), p->in_factor[0]);
        const int32_t y = ew_requantize((b[i] - p->in_zero[1]) * (1 << 8), p->in_factor[1]);
        switch (kind) {
        case EW_LESS:
            out[i] = x < y;
            break;
        case EW_LESS_EQUAL:
            out[i] = x <= y;
            break;
        case EW_GREATER:
            out[i] = x > y;
            break;
        case EW_GREATER_EQUAL:
            out[i] = x >= y;
            break;
        case EW_EQUAL:
            out[i] = x == y;
            break;
        case EW_NOT_EQUAL:
            out[i] = x != y;
            break;
        }
    }
}

/* Elements of `size` bytes. */
EW_FN void ew_select(const int8_t *condition, const void *a, const void *b, size_t size, size_t n, void *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const void *from = condition[i] != 0 ? a : b;
        memcpy((unsigned char *)out + i * size, (const unsigned char *)from + i * size, size);
    }
}

/* Where the largest or smallest of `count` values lies that are `inner` apart; of equal ones the first or the last. */
#define EW_ARG_EXTREME(name, type)                                                                                     \
    EW_FN void name(int largest, int last, const type *x, size_t count, size_t inner, size_t n, int32_t *out)          \
    {                                                                                                                  \
        size_t i, k;                                                                                                   \
        for (i = 0; i < n; i++) {                                                                                      \
            const type *first = x + i / inner * inner * count + i % inner;                                             \
            type best = first[0];                                                                                      \
            out[i] = 0;                                                                                                \
            for (k = 1; k < count; k++) {                                                                              \
                const type value = first[k * inner];                                                                   \
                if ((largest ? value > best : value < best) || (last && value <= best && value >= best)) {             \
                    best = value;                                                                                      \
                    out[i] = (int32_t)k;                                                                               \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
EW_ARG_EXTREME(ew_arg_extreme_f32, float)
EW_ARG_EXTREME(ew_arg_extreme_s8, int8_t)
EW_ARG_EXTREME(ew_arg_extreme_s16, int16_t)

/* Rows of `width` elements of `size` bytes of a table; a row that is not there is made of bytes of `zero`. */
EW_FN void ew_gather(const int32_t *at, const void *table, size_t rows, size_t width, size_t size, int zero, size_t n,
                     void *out)
{
    unsigned char *to = (unsigned char *)out;
    const size_t bytes = width * size;
    size_t i;
    for (i = 0; i < n; i++, to += bytes) {
        if (at[i] >= 0 && (size_t)at[i] < rows) {
            memcpy(to, (const unsigned char *)table + (size_t)at[i] * bytes, bytes);
        } else {
            memset(to, zero, bytes);
        }
    }
}
