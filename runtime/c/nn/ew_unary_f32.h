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

/* Natural logarithm of a positive normal number. */
EW_FN float ew_unary_ln(float x)
{
    const uint32_t bits = ew_bits_of(x);
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    float fraction = ew_from_bits((bits & 0x7fffffu) | 0x3f800000u), t, square, whole, p = 0.222222224f;
    if (fraction > 1.41421354f) {
        fraction *= 0.5f;
        exponent++;
    }
    t = (fraction - 1.0f) / (fraction + 1.0f);
    square = t * t;
    p = p * square + 0.285714298f;
    p = p * square + 0.400000006f;
    p = p * square + 0.666666687f;
    p = p * square + 2.0f;
    whole = (float)exponent * 0.693147182f;
    return p * t + whole;
}

EW_FN float ew_log_one(float x, float a, float b)
{
    (void)a;
    (void)b;
    return ew_unary_ln(x >= 1.17549435e-38f ? x : 1.17549435e-38f);
}

EW_FN float ew_far_erf(float x)
{
    const float t = 1.0f / (1.0f + 0.5f * x), square = x * x;
    float p = -0.22907554f;
    p = p * t + 0.90432483f;
    p = p * t + -1.2333831f;
    p = p * t + 0.537183f;
    p = p * t + -0.12562345f;
    p = p * t + 0.41627374f;
    p = p * t + 0.9955639f;
    p = p * t + -1.2653127f;
    return t * ew_exp(p - square);
}

EW_FN float ew_near_erf(float x)
{
    const float square = x * x;
    float p = -8.548327e-4f;
    p = p * square + 5.223978e-3f;
    p = p * square + -2.686617e-2f;
    p = p * square + 0.11283792f;
    p = p * square + -0.3761264f;
    p = p * square + 1.1283792f;
    return p * x;
}

EW_FN float ew_erf_one(float x, float a, float b)
{
    const float size = x < 0.0f ? -x : x;
    (void)a;
    (void)b;
    if (size < 0.45f) {
        return ew_near_erf(x);
    }
    return x < 0.0f ? ew_far_erf(size) - 1.0f : 1.0f - ew_far_erf(size);
}

EW_FN float ew_gelu_erf_one(float x, float a, float b)
{
    const float u = x * 0.707106769f, size = u < 0.0f ? -u : u;
    (void)a;
    (void)b;
    if (size < 0.45f) {
        return 0.5f * x * (1.0f + ew_near_erf(u));
    }
    return u < 0.0f ? 0.5f * x * ew_far_erf(size) : 0.5f * x * (2.0f - ew_far_erf(size));
}

EW_FN float ew_softplus_one(float x, float a, float b)
{
    const float e = ew_exp(x < 0.0f ? x : -x), t = e / (e + 2.0f), square = t * t;
    float p = 0.153846160f;
    (void)a;
    (void)b;
    p = p * square + 0.181818184f;
    p = p * square + 0.222222224f;
    p = p * square + 0.285714298f;
    p = p * square + 0.400000006f;
    p = p * square + 0.666666687f;
    p = p * square + 2.0f;
    return (x < 0.0f ? 0.0f : x) + p * t;
}

EW_SHAPE void ew_unary_f32(const float *x, size_t n, float (*f)(float, float, float), float a, float b, float *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        out[i] = f(x[i], a, b);
    }
}
