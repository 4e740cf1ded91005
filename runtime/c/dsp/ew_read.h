/* Reading one axis of a signal. */

/* Reads frames start..start+count of one of `axes` axes; refuses what is not a number. */
EW_FN int ew_read_axis(const ew_signal *signal, size_t axes, size_t axis, size_t start, size_t count, float *out)
{
    size_t i;
    if (axes == 1u) {
        if (count > 0u && signal->get(signal->context, start, count, out) != 0) {
            return EW_ERROR_SIGNAL;
        }
    } else {
        float frames[48];
        const size_t together = axes <= 48u ? 48u / axes : 0u;
        size_t done = 0;
        while (done < count) {
            if (together == 0u) {
                if (signal->get(signal->context, (start + done) * axes + axis, 1u, out + done) != 0) {
                    return EW_ERROR_SIGNAL;
                }
                done++;
            } else {
                const size_t n = count - done < together ? count - done : together;
                if (signal->get(signal->context, (start + done) * axes, n * axes, frames) != 0) {
                    return EW_ERROR_SIGNAL;
                }
                for (i = 0; i < n; i++) {
                    out[done + i] = frames[i * axes + axis];
                }
                done += n;
            }
        }
    }
    for (i = 0; i < count; i++) {
        if (!ew_is_finite(out[i])) {
            return EW_ERROR_NOT_FINITE;
        }
    }
    return EW_OK;
}
