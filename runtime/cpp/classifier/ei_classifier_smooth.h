/* One label out of the last results: the one that enough of them agree on.
 *
 * A result counts as `anomaly` when its anomaly score is at least `anomaly_confidence`, else as the label whose value is highest
 * when that is at least `classifier_confidence`, else as `uncertain`. What `min_readings_same` of the last `n_readings` results
 * say is the answer, else `uncertain`.
 */
#ifndef EW_EI_CLASSIFIER_SMOOTH_H
#define EW_EI_CLASSIFIER_SMOOTH_H

#include "ei_run_classifier.h"

#if defined(__cplusplus) && EI_CLASSIFIER_OBJECT_DETECTION != 1

/* Readings that a smoother holds without a heap; more come from ei_malloc. */
#define EI_CLASSIFIER_SMOOTH_READINGS 32

inline namespace EI_MODEL_NAMESPACE {

typedef struct ei_classifier_smooth {
    int *last_readings; /* labels by number; -1 uncertain, -2 anomaly; NULL: there was no memory, all is uncertain */
    size_t last_readings_size;
    uint8_t min_readings_same;
    float classifier_confidence;
    float anomaly_confidence;
    unsigned int count[EI_CLASSIFIER_LABEL_COUNT + 2]; /* of the last readings, by label; then uncertain, anomaly */
    size_t count_size;
    int own[EI_CLASSIFIER_SMOOTH_READINGS];
} ei_classifier_smooth_t;

inline void ei_classifier_smooth_init(ei_classifier_smooth_t *smooth, size_t n_readings, uint8_t min_readings_same,
                                      float classifier_confidence = 0.8f, float anomaly_confidence = 0.3f)
{
    smooth->last_readings = n_readings <= EI_CLASSIFIER_SMOOTH_READINGS
                                ? smooth->own
                                : static_cast<int *>(ei_malloc(n_readings * sizeof(int)));
    smooth->last_readings_size = smooth->last_readings == NULL ? 0 : n_readings;
    smooth->min_readings_same = min_readings_same;
    smooth->classifier_confidence = classifier_confidence;
    smooth->anomaly_confidence = anomaly_confidence;
    for (size_t i = 0; i < smooth->last_readings_size; i++) {
        smooth->last_readings[i] = -1;
    }
    smooth->count_size = EI_CLASSIFIER_LABEL_COUNT + 2;
    memset(smooth->count, 0, sizeof smooth->count);
    smooth->count[EI_CLASSIFIER_LABEL_COUNT] = static_cast<unsigned int>(smooth->last_readings_size);
}

inline const char *ei_classifier_smooth_update(ei_classifier_smooth_t *smooth, ei_impulse_result_t *result)
{
    int reading = -1;
    float best = smooth->classifier_confidence;
    for (int i = 0; i < static_cast<int>(EI_CLASSIFIER_LABEL_COUNT); i++) {
        if (result->classification[i].value >= best && (reading < 0 || result->classification[i].value > best)) {
            best = result->classification[i].value;
            reading = i;
        }
    }
#if EI_CLASSIFIER_HAS_ANOMALY
    if (result->anomaly >= smooth->anomaly_confidence) {
        reading = -2;
    }
#endif
    const size_t size = smooth->last_readings_size;
    if (size == 0) {
        return "uncertain";
    }
    numpy::roll(smooth->last_readings, size, -1);
    smooth->last_readings[size - 1] = reading;
    memset(smooth->count, 0, sizeof smooth->count);
    for (size_t i = 0; i < size; i++) {
        const int last = smooth->last_readings[i];
        smooth->count[last < 0 ? EI_CLASSIFIER_LABEL_COUNT - 1 - last : last]++;
    }
    /* What most of them say; of equals the latest. */
    unsigned int most = 0;
    int answer = -1;
    for (size_t i = size; i > 0; i--) {
        const int last = smooth->last_readings[i - 1];
        const unsigned int same = smooth->count[last < 0 ? EI_CLASSIFIER_LABEL_COUNT - 1 - last : last];
        if (same > most) {
            most = same;
            answer = last;
        }
    }
    if (most < smooth->min_readings_same || answer == -1) {
        return "uncertain";
    }
    return answer == -2 ? "anomaly" : ew_names<0>::labels[answer];
}

inline void ei_classifier_smooth_free(ei_classifier_smooth_t *smooth)
{
    if (smooth->last_readings != NULL && smooth->last_readings != smooth->own) {
        ei_free(smooth->last_readings);
    }
    smooth->last_readings = NULL;
    smooth->last_readings_size = 0;
}

}

#endif

#endif
