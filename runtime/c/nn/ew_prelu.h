/* Integer PRELU. Mirrors the crate `kernels`, module `prelu`. */

typedef struct {
    int32_t in_zero, alpha_zero, out_zero;
    ew_factor above, below;
} ew_prelu_params;

/* Elements that are `slopes` apart share a slope. */
EW_FN void ew_prelu_s8(const ew_prelu_params *p, const int8_t *x, const int8_t *alpha, size_t slopes, size_t n, int8_t *out)
{
    size_t i, c = 0;
    for (i = 0; i < n; i++) {
        const int32_t value = x[i] - p->in_zero;
        const int32_t scaled = value >= 0 ? ew_requantize(value, p->above)
                                          : ew_requantize(value * (alpha[c] - p->alpha_zero), p->below);
        out[i] = ew_output(scaled, p->out_zero, -128, 127);
        c = c + 1u == slopes ? 0u : c + 1u;
    }
}
