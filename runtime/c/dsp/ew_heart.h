/* Heart rate and its variability. Mirrors the crate `dsp`, module `heart`. */

#define EW_HEART_LONGEST_S 2.0f
#define EW_HEART_TAPS 4u
#define EW_HEART_STEP 0.015f
#define EW_HEART_NEIGHBOURS 7u

typedef struct {
    size_t frames, axes, used;
    const uint16_t *chosen; /* the signal, then the accelerometer's axes if there are any */
    size_t increment;       /* frames in 2 s */
    float rate;
    uint8_t ecg;
    const float *filters; /* b0 b1 b2 a1 a2 of the band's two sections and the envelope's two */
    size_t lag;
    float resting, calm, sensitivity, leak, shortest, rate_window;
    uint8_t include_rate, variability; /* 0 none, 1 RMSSD, 2 time domain, 3 all */
    size_t update;
    float variability_window;
    size_t kept;
    ew_hrv_bands bands;
} ew_heart;

/* Places in the state. The past of the accelerometer, its weights and the intervals follow. */
enum {
    EW_HEART_STARTED,
    EW_HEART_MOVING,
    EW_HEART_OFFSET,
    EW_HEART_FILTERS = EW_HEART_OFFSET + 4,
    EW_HEART_LAST = EW_HEART_FILTERS + 20,
    EW_HEART_PEAK = EW_HEART_LAST + 2,
    EW_HEART_USUAL = EW_HEART_PEAK + 2,
    EW_HEART_SINCE,
    EW_HEART_COUNT,
    EW_HEART_NEXT,
    EW_HEART_REST
};

EW_FN float ew_heart_section(const float *f, float *z, float x)
{
    const float y = f[0] * x + z[0];
    z[0] = f[1] * x - f[3] * y + z[1];
    z[1] = f[2] * x - f[4] * y;
    return y;
}

EW_FN size_t ew_heart_intervals(const ew_heart *p)
{
    return EW_HEART_REST + (p->used == 4u ? 3u * p->lag * EW_HEART_TAPS + 3u * EW_HEART_TAPS : 0u);
}

/* The signal without what the accelerometer explains while it moves. */
EW_FN float ew_heart_still(const ew_heart *p, const float *x, size_t count, size_t i, float y, float *state)
{
    const size_t length = p->lag * EW_HEART_TAPS;
    float *past = state + EW_HEART_REST, *weights = past + 3u * length;
    float explained = 0.0f, power = p->calm, rest, step;
    size_t axis, k;
    for (axis = 0; axis < 3u; axis++) {
        float *own = past + axis * length;
        float a = x[(axis + 1u) * count + i] - state[EW_HEART_OFFSET + 1u + axis];
        a = ew_heart_section(p->filters, state + EW_HEART_FILTERS + 8u + 4u * axis, a);
        a = ew_heart_section(p->filters + 5u, state + EW_HEART_FILTERS + 10u + 4u * axis, a);
        for (k = length - 1u; k > 0u; k--) {
            own[k] = own[k - 1u];
        }
        own[0] = a;
    }
    if (state[EW_HEART_MOVING] == 0.0f) {
        return y;
    }
    for (k = 0; k < 3u * EW_HEART_TAPS; k++) {
        const float a = past[k * p->lag];
        explained += weights[k] * a;
        power += a * a;
    }
    rest = y - explained;
    step = EW_HEART_STEP * rest / power;
    for (k = 0; k < 3u * EW_HEART_TAPS; k++) {
        weights[k] += step * past[k * p->lag];
    }
    return rest;
}

/* The wave is over: was it a beat? */
EW_FN void ew_heart_beat(const ew_heart *p, float *state)
{
    const float height = state[EW_HEART_PEAK], ago = state[EW_HEART_PEAK + 1];
    const float usual = state[EW_HEART_USUAL], most = 4.0f * usual;
    float interval;
    size_t next;
    if (height <= p->sensitivity * usual) {
        return;
    }
    if (state[EW_HEART_SINCE] < 0.0f) {
        state[EW_HEART_SINCE] = ago;
        state[EW_HEART_USUAL] = height;
        return;
    }
    interval = state[EW_HEART_SINCE] - ago;
    if (interval <= p->shortest) {
        return;
    }
    state[EW_HEART_USUAL] = usual + 0.25f * ((height < most ? height : most) - usual);
    state[EW_HEART_SINCE] = ago;
    next = (size_t)state[EW_HEART_NEXT];
    state[ew_heart_intervals(p) + next] = interval / p->rate;
    state[EW_HEART_NEXT] = (float)(next + 1u < p->kept ? next + 1u : 0u);
    if ((size_t)state[EW_HEART_COUNT] < p->kept) {
        state[EW_HEART_COUNT] += 1.0f;
    }
}

/* Takes one value of the signal with one wave a beat. */
EW_FN void ew_heart_wave(const ew_heart *p, float y, float *state)
{
    const float last = state[EW_HEART_LAST], before = state[EW_HEART_LAST + 1];
    if (state[EW_HEART_SINCE] >= 0.0f && state[EW_HEART_SINCE] < 1e6f) {
        state[EW_HEART_SINCE] += 1.0f;
    }
    state[EW_HEART_PEAK + 1] += 1.0f;
    state[EW_HEART_USUAL] *= p->leak;
    if (last > before && last >= y && last > 0.0f && last > state[EW_HEART_PEAK]) {
        state[EW_HEART_PEAK] = last;
        state[EW_HEART_PEAK + 1] = 1.0f - 0.5f * (before - y) / (before - 2.0f * last + y);
    }
    if (y <= 0.0f && state[EW_HEART_PEAK] > 0.0f) {
        ew_heart_beat(p, state);
        state[EW_HEART_PEAK] = 0.0f;
    }
    state[EW_HEART_LAST + 1] = last;
    state[EW_HEART_LAST] = y;
}

/* Takes frames, axis by axis in `x`, and notes the beats. */
EW_FN void ew_heart_feed(const ew_heart *p, const float *x, size_t count, float *state)
{
    size_t i, axis;
    if (state[EW_HEART_STARTED] == 0.0f) {
        state[EW_HEART_STARTED] = 1.0f;
        state[EW_HEART_SINCE] = -1.0f;
        for (axis = 0; axis < p->used; axis++) {
            state[EW_HEART_OFFSET + axis] = x[axis * count];
        }
    }
    if (p->used == 4u && count == p->increment) {
        float sum = 0.0f;
        for (axis = 1; axis < 4u; axis++) {
            ew_moments m;
            ew_moments_of(x + axis * count, count, &m);
            sum += sqrtf(m.m2);
        }
        state[EW_HEART_MOVING] = sum > p->resting ? 1.0f : 0.0f;
    }
    for (i = 0; i < count; i++) {
        float y = x[i] - state[EW_HEART_OFFSET];
        y = ew_heart_section(p->filters, state + EW_HEART_FILTERS, y);
        y = ew_heart_section(p->filters + 5u, state + EW_HEART_FILTERS + 2, y);
        if (p->used == 4u) {
            y = ew_heart_still(p, x, count, i, y, state);
        }
        if (p->ecg) {
            y = y * y;
            y = ew_heart_section(p->filters + 10u, state + EW_HEART_FILTERS + 4, y);
            y = ew_heart_section(p->filters + 15u, state + EW_HEART_FILTERS + 6, y);
        }
        ew_heart_wave(p, y, state);
    }
    /* Values beyond what a float holds would stay in the filters for ever. */
    if (!ew_is_finite(state[EW_HEART_LAST]) || !ew_is_finite(state[EW_HEART_USUAL])) {
        const size_t all = ew_heart_intervals(p) + p->kept;
        for (i = 0; i < all; i++) {
            state[i] = 0.0f;
        }
    }
}

/* The interval that so many others follow, in seconds. */
EW_FN float ew_heart_interval(const ew_heart *p, const float *state, size_t back)
{
    const size_t next = (size_t)state[EW_HEART_NEXT];
    const size_t slot = next > back ? next - 1u - back : next + p->kept - 1u - back;
    return state[ew_heart_intervals(p) + slot];
}

EW_FN float ew_heart_rate(const ew_heart *p, const float *state, float *scratch)
{
    const size_t count = (size_t)state[EW_HEART_COUNT];
    float since, age, median, sum = 0.0f, weights = 0.0f;
    size_t n = 0, back = 0, k;
    if (state[EW_HEART_STARTED] == 0.0f || state[EW_HEART_SINCE] < 0.0f) {
        return 0.0f;
    }
    since = state[EW_HEART_SINCE] / p->rate;
    age = since;
    while (back < count && age <= p->rate_window) {
        const float interval = ew_heart_interval(p, state, back);
        if (interval <= EW_HEART_LONGEST_S) {
            scratch[n++] = interval;
        }
        age += interval;
        back++;
    }
    if (n < 2u) {
        return 0.0f;
    }
    ew_hrv_sort(scratch, n);
    median = ew_quantile(scratch, n, 2u);
    age = since;
    for (k = 0; k < back; k++) {
        const float interval = ew_heart_interval(p, state, k);
        const float off = interval - median;
        if (interval <= EW_HEART_LONGEST_S && (off < 0.0f ? -off : off) <= 0.25f * median) {
            const float left = p->rate_window - age;
            const float weight = left > 0.5f ? left : 0.5f;
            sum += weight * interval;
            weights += weight;
        }
        age += interval;
    }
    return weights > 0.0f ? 60.0f * weights / sum : 0.0f;
}

/* Writes the measures of variability and returns how many. */
EW_FN size_t ew_heart_vary(const ew_heart *p, const float *state, float *scratch, float *out)
{
    float *all = scratch, *nn = all + p->kept, *when = nn + p->kept;
    const size_t count = state[EW_HEART_STARTED] == 0.0f ? 0u : (size_t)state[EW_HEART_COUNT];
    float age = state[EW_HEART_SINCE] / p->rate, time = 0.0f, origin;
    size_t back = 0, n = 0, i, k;
    while (back < count && age <= p->variability_window) {
        age += ew_heart_interval(p, state, back);
        back++;
    }
    for (i = 0; i < back; i++) {
        all[i] = ew_heart_interval(p, state, back - 1u - i);
    }
    for (i = 0; i < back; i++) {
        const size_t half = EW_HEART_NEIGHBOURS / 2u;
        const size_t from = i < half ? 0u : i - half, to = i + half + 1u < back ? i + half + 1u : back;
        float near[EW_HEART_NEIGHBOURS] = {0.0f}, median, off;
        for (k = from; k < to; k++) {
            near[k - from] = all[k];
        }
        ew_hrv_sort(near, to - from);
        median = ew_quantile(near, to - from, 2u);
        off = all[i] - median;
        time += all[i];
        if (all[i] <= EW_HEART_LONGEST_S && (off < 0.0f ? -off : off) <= 0.25f * median) {
            nn[n] = 1000.0f * all[i];
            when[n] = time;
            n++;
        }
    }
    origin = n > 0u ? when[0] : 0.0f;
    for (i = 0; i < n; i++) {
        when[i] -= origin;
    }
    if (p->variability == 1u) {
        float measures[17];
        ew_hrv_time(nn, n, all, measures);
        out[0] = measures[2];
        return 1u;
    }
    ew_hrv_time(nn, n, all, out);
    if (p->variability == 2u) {
        return 17u;
    }
    ew_hrv_frequency(&p->bands, when, nn, n, when + p->kept, out + 17);
    return 22u;
}

EW_FN int ew_heart_extract(const ew_heart *p, const ew_signal *signal, float *state, float *features, float *scratch)
{
    size_t start, axis, pass, done = 0;
    /* The first pass only looks, so that a refused window leaves the state as it was. */
    for (pass = 0; pass < 2u; pass++) {
        for (start = 0; start < p->frames; start += p->increment) {
            const size_t left = p->frames - start, count = left < p->increment ? left : p->increment;
            for (axis = 0; axis < p->used; axis++) {
                const int status = ew_read_axis(signal, p->axes, p->chosen[axis], start, count, scratch + axis * count);
                if (status != EW_OK) {
                    return status;
                }
            }
            if (pass == 0u) {
                continue;
            }
            ew_heart_feed(p, scratch, count, state);
            if (count < p->increment) {
                break;
            }
            done++;
            if (p->include_rate) {
                *features++ = ew_heart_rate(p, state, scratch);
            }
            if (p->variability != 0u && done % p->update == 0u) {
                features += ew_heart_vary(p, state, scratch, features);
            }
        }
    }
    return EW_OK;
}
