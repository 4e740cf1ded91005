/* Products of two matrices that both flow. Mirrors the crate `kernels`, module `mat_mul`. */

typedef struct {
    size_t rows;
    size_t columns;
    size_t shared;
    /* Of the second matrix: elements from one summand, and from one column, to the next. */
    size_t along;
    size_t across;
} ew_matrices;

/* n: rows of all results. */
EW_FN void ew_mat_mul_f32(const ew_matrices *m, size_t n, const float *a, const float *b, float *out)
{
    size_t i, j, k;
    for (i = 0; i < n; i++) {
        const float *second = b + i / m->rows * m->shared * m->columns;
        for (j = 0; j < m->columns; j++) {
            float sum = 0.0f;
            for (k = 0; k < m->shared; k++) {
                sum += a[k] * second[k * m->along + j * m->across];
            }
            *out++ = sum;
        }
        a += m->shared;
    }
}

EW_FN void ew_mat_mul_s8(const ew_matrices *m, size_t n, const int8_t *a, int32_t a_zero, const int8_t *b, int32_t b_zero,
                         int32_t multiplier, int32_t shift, int32_t out_zero, int8_t *out)
{
    ew_factor factor;
    size_t i, j, k;
    factor.multiplier = multiplier;
    factor.shift = shift;
    for (i = 0; i < n; i++) {
        const int8_t *second = b + i / m->rows * m->shared * m->columns;
        for (j = 0; j < m->columns; j++) {
            int32_t sum = 0;
            for (k = 0; k < m->shared; k++) {
                sum += (a[k] - a_zero) * (second[k * m->along + j * m->across] - b_zero);
            }
            *out++ = ew_output(ew_requantize(sum, factor), out_zero, -128, 127);
        }
        a += m->shared;
    }
}
