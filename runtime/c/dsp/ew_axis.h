/* What happens to an axis before its analysis. Mirrors the crate `dsp`, module `spectral`. */

/* Reads a whole axis and scales it. */
EW_FN int ew_axis(const ew_signal *signal, size_t axes, size_t axis, size_t n, float scale, float *x)
{
    size_t i;
    const int status = ew_read_axis(signal, axes, axis, 0u, n, x);
    if (status != EW_OK) {
        return status;
    }
    for (i = 0; i < n; i++) {
        x[i] = x[i] * scale;
    }
    return EW_OK;
}

/* Second-order sections from rest, in place; b0 b1 b2 a1 a2 of each. */
EW_FN void ew_filter(const float *f, size_t sections, float *x, size_t n)
{
    size_t i;
    for (; sections > 0u; sections--, f += 5) {
        float z1 = 0.0f, z2 = 0.0f;
        for (i = 0; i < n; i++) {
            const float y = f[0] * x[i] + z1;
            z1 = f[1] * x[i] - f[3] * y + z2;
            z2 = f[2] * x[i] - f[4] * y;
            x[i] = y;
        }
    }
}

/* Takes the mean off. */
EW_FN void ew_centre(float *x, size_t n)
{
    const ew_middle centre = ew_middle_of(x, n);
    size_t i;
    for (i = 0; i < n; i++) {
        x[i] = ew_off(centre, x[i]);
    }
}
