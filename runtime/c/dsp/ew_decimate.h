/* Decimation. Mirrors the crate `dsp`, module `decimate`. */

typedef struct {
    size_t ratio;
    float gain;
    float sections[4][4]; /* first state to itself and to the second, input to first and to second */
} ew_decimator;

/* Filters x from the steady state of its first value, keeps one of `ratio` at its front and returns how many. */
EW_COMPLEX EW_FN size_t ew_decimate(const ew_decimator *p, float *x, size_t n)
{
    const float first = x[0];
    float state[4][2] = {{0.0f, 0.0f}, {0.0f, 0.0f}, {0.0f, 0.0f}, {0.0f, 0.0f}};
    size_t i, s, kept = 0, wait = 0;
    for (i = 0; i < n; i++) {
        float v = x[i] - first;
        for (s = 0; s < 4u; s++) {
            const float *c = p->sections[s];
            const float d = v - state[s][1];
            const float step = c[1] * state[s][0] + c[3] * d;
            state[s][0] += c[2] * d - c[0] * state[s][0];
            v = state[s][1] + step;
            state[s][1] = v + step;
        }
        if (wait == 0u) {
            x[kept++] = p->gain * v + p->gain * first;
            wait = p->ratio;
        }
        wait--;
    }
    return kept;
}
