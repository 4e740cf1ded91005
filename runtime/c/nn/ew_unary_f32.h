/* Functions of one value. Mirrors the crate `kernels`, module `unary`; ew_exp stands in ew_softmax.h. */

EW_FN float ew_exp_minus_one(float x)
{
    float p = 2.48015876e-5f;
    if (!(x >= -0.5f && x <= 0.5f)) {
        return ew_exp(x) - 1.0f;
    }
    p = p * x + 1.98412701e-4f;
    p = p * x + 1.38888904e-3f;
    p = p * x + 8.33333377e-3f;
    p = p * x + 4.16666679e-2f;
    p = p * x + 0.166666672f;
    p = p * x + 0.5f;
    p = p * x + 1.0f;
    return p * x;
}

EW_FN float ew_logistic_one(float x, float a, float b)
{
    const float e = ew_exp(x >= 0.0f ? -x : x);
    (void)a;
    (void)b;
    return x >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

EW_FN float ew_tanh_one(float x, float a, float b)
{
    const float size = x < 0.0f ? -x : x, e = ew_exp_minus_one(-2.0f * size), t = -e / (e + 2.0f);
    (void)a;
    (void)b;
    return x < 0.0f ? -t : t;
}

EW_FN float ew_hard_swish_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return x * ew_limit(x + 3.0f, 0.0f, 6.0f) / 6.0f;
}

EW_FN float ew_gelu_one(float x, float a, float b)
{
    const float cube = 0.044715f * (x * x * x), inner = 1.595769f * (x + cube);
    return x * ew_logistic_one(inner, a, b);
}

EW_FN float ew_hard_sigmoid_one(float x, float a, float b)
{
    const float line = a * x;
    return ew_limit(line + b, 0.0f, 1.0f);
}

EW_FN float ew_leaky_relu_one(float x, float a, float b)
{
    (void)b;
    return x >= 0.0f ? x : a * x;
}

EW_FN float ew_elu_one(float x, float a, float b)
{
    (void)b;
    return x >= 0.0f ? x : a * ew_exp_minus_one(x);
}

EW_FN float ew_exp_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return ew_exp(x);
}

EW_FN float ew_abs_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return x < 0.0f ? -x : x;
}

EW_FN float ew_neg_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return -x;
}

EW_FN float ew_sqrt_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return x > 0.0f ? sqrtf(x) : 0.0f;
}

EW_FN float ew_rsqrt_one(float x, float a, float b)
{
    return 1.0f / ew_sqrt_one(x, a, b);
}

EW_FN float ew_square_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return x * x;
}

EW_SHAPE void ew_unary_f32(const float *x, size_t n, float (*f)(float, float, float), float a, float b, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = f(x[i], a, b);
    }
}
