/* Raw data and image. `chosen` lists the axes that are used, of `axes` in the signal. */

typedef struct {
    size_t frames, axes, used;
    const uint16_t *chosen;
    float scale;
} ew_raw;

EW_FN int ew_raw_extract(const ew_raw *p, const ew_signal *signal, float *features, float *scratch)
{
    size_t i, a;
    (void)scratch;
    for (i = 0; i < p->frames; i++) {
        for (a = 0; a < p->used; a++) {
            float *f = features + i * p->used + a;
            if (signal->get(signal->context, i * p->axes + p->chosen[a], 1u, f) != 0) {
                return EW_ERROR_SIGNAL;
            }
            if (!ew_is_finite(*f)) {
                return EW_ERROR_NOT_FINITE;
            }
            *f = *f * p->scale;
        }
    }
    return EW_OK;
}

typedef struct {
    size_t pixels, axes, in_channels, out_channels;
    const uint16_t *chosen;
} ew_image;

EW_FN int ew_image_extract(const ew_image *p, const ew_signal *signal, float *features, float *scratch)
{
    size_t i, c;
    (void)scratch;
    for (i = 0; i < p->pixels; i++) {
        float pixel[3] = {0.0f, 0.0f, 0.0f};
        for (c = 0; c < p->in_channels; c++) {
            if (signal->get(signal->context, i * p->axes + p->chosen[c], 1u, pixel + c) != 0) {
                return EW_ERROR_SIGNAL;
            }
            if (!ew_is_finite(pixel[c])) {
                return EW_ERROR_NOT_FINITE;
            }
        }
        if (p->in_channels == 3u && p->out_channels == 1u) {
            features[i] = (0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2]) / 255.0f;
        } else {
            for (c = 0; c < p->out_channels; c++) {
                features[i * p->out_channels + c] = pixel[c % p->in_channels] / 255.0f;
            }
        }
    }
    return EW_OK;
}
