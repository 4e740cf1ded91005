/* Two tensors, element by element. Mirrors the crate `kernels`, module `binary`. */

typedef enum { EW_ADD, EW_SUB, EW_MUL, EW_DIV, EW_MAXIMUM, EW_MINIMUM, EW_SQUARED_DIFFERENCE } ew_binary;

EW_SHAPE void ew_binary_f32(ew_binary kind, const float *a, const float *b, size_t n, float min, float max, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const float x = a[i], y = b[i], d = x - y;
        float v = x + y;
        switch (kind) {
        case EW_ADD:
            break;
        case EW_SUB:
            v = d;
            break;
        case EW_MUL:
            v = x * y;
            break;
        case EW_DIV:
            v = x / y;
            break;
        case EW_MAXIMUM:
            v = x > y ? x : y;
            break;
        case EW_MINIMUM:
            v = x < y ? x : y;
            break;
        case EW_SQUARED_DIFFERENCE:
            v = d * d;
            break;
        }
        out[i] = ew_limit(v, min, max);
    }
}

EW_FN void ew_sub_s8(const ew_add_params *p, const int8_t *a, const int8_t *b, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t x = ew_requantize((a[i] - p->in_zero[0]) * (1 << 20), p->in_factor[0]);
        const int32_t y = ew_requantize((b[i] - p->in_zero[1]) * (1 << 20), p->in_factor[1]);
        out[i] = ew_output(ew_requantize(x - y, p->out_factor), p->out_zero, p->min, p->max);
    }
}

EW_FN void ew_squared_difference_s8(const ew_add_params *p, const int8_t *a, const int8_t *b, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t x = ew_requantize((a[i] - p->in_zero[0]) * (1 << 7), p->in_factor[0]);
        const int32_t y = ew_requantize((b[i] - p->in_zero[1]) * (1 << 7), p->in_factor[1]);
        out[i] = ew_output(ew_requantize((x - y) * (x - y), p->out_factor), p->out_zero, p->min, p->max);
    }
}

typedef struct {
    int32_t in_zero[2];
    ew_factor factor;
    int32_t out_zero, min, max;
} ew_mul_params;

EW_FN void ew_mul_s8(const ew_mul_params *p, const int8_t *a, const int8_t *b, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        const int32_t product = (a[i] - p->in_zero[0]) * (b[i] - p->in_zero[1]);
        out[i] = ew_output(ew_requantize(product, p->factor), p->out_zero, p->min, p->max);
    }
}

EW_FN void ew_extreme_s8(int larger, const int8_t *a, const int8_t *b, size_t n, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = (a[i] > b[i]) == (larger != 0) ? a[i] : b[i];
    }
}
