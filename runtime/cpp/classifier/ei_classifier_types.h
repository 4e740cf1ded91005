/* Results under the names that firmware knows. What depends on the model lies in a namespace of its own, so that files of two
 * models can be linked into one program. */
#ifndef EW_EI_CLASSIFIER_TYPES_H
#define EW_EI_CLASSIFIER_TYPES_H

#include "../../model-parameters/model_metadata.h"
#include "../dsp/numpy_types.h"
#include "ei_impulse_errors.h"

#ifdef __cplusplus
inline namespace EI_MODEL_NAMESPACE {
#endif

typedef struct {
    const char *label;
    float value;
} ei_impulse_result_classification_t;

/* In pixels of the model's picture, from its upper left corner. */
typedef struct {
    const char *label;
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
    float value;
} ei_impulse_result_bounding_box_t;

/* Milliseconds, rounded, and microseconds. All learning blocks run in one call, so `classification` holds the anomaly block's
 * time as well and `anomaly` is 0. */
typedef struct {
    int sampling;
    int dsp;
    int classification;
    int postprocessing;
    int anomaly;
    int64_t dsp_us;
    int64_t classification_us;
    int64_t postprocessing_us;
    int64_t anomaly_us;
} ei_impulse_result_timing_t;

typedef struct {
    char unused; /* nothing is tracked, counted or calibrated here */
} ei_post_processing_output_t;

typedef struct {
    /* Objects that score at least the threshold: the first `bounding_boxes_count`; the others, to EI_CLASSIFIER_OBJECT_DETECTION_COUNT,
     * have value 0. They stay until the next call. */
    ei_impulse_result_bounding_box_t *bounding_boxes;
    uint32_t bounding_boxes_count;
    /* In the order of the labels; a regression has one, its value. Of a model that finds objects all values are 0. */
    ei_impulse_result_classification_t classification[EI_CLASSIFIER_LABEL_COUNT > 0 ? EI_CLASSIFIER_LABEL_COUNT : 1];
    float anomaly; /* larger is more unusual; 0 without an anomaly block */
    ei_impulse_result_timing_t timing;
    ei_feature_t *_raw_outputs; /* always NULL */
    ei_post_processing_output_t postprocessed_output;
} ei_impulse_result_t;

#ifdef __cplusplus
}
#endif

#endif
