/* Prints a result: the times, then a line for each label or object, and the anomaly score. */
#ifndef EW_EI_PRINT_RESULTS_H
#define EW_EI_PRINT_RESULTS_H

#include "ei_run_classifier.h"

#ifdef __cplusplus

inline namespace EI_MODEL_NAMESPACE {

inline void ei_print_results(ei_impulse_handle_t *handle, ei_impulse_result_t *result)
{
    if (handle == NULL || result == NULL) {
        return;
    }
    ei_printf("Timing: DSP %d ms, inference %d ms, post-processing %d ms\n", result->timing.dsp, result->timing.classification,
              result->timing.postprocessing);
#if EI_CLASSIFIER_OBJECT_DETECTION == 1
    ei_printf("Objects: %lu\n", static_cast<unsigned long>(result->bounding_boxes_count));
    for (uint32_t i = 0; i < result->bounding_boxes_count; i++) {
        const ei_impulse_result_bounding_box_t *box = &result->bounding_boxes[i];
        ei_printf("  %s (", box->label);
        ei_printf_float(box->value);
        ei_printf(") [ x: %lu, y: %lu, width: %lu, height: %lu ]\n", static_cast<unsigned long>(box->x),
                  static_cast<unsigned long>(box->y), static_cast<unsigned long>(box->width),
                  static_cast<unsigned long>(box->height));
    }
#else
    for (size_t i = 0; i < static_cast<size_t>(EI_CLASSIFIER_LABEL_COUNT); i++) {
        ei_printf("  %s: ", result->classification[i].label);
        ei_printf_float(result->classification[i].value);
        ei_printf("\n");
    }
#endif
#if EI_CLASSIFIER_HAS_ANOMALY
    ei_printf("  anomaly: ");
    ei_printf_float(result->anomaly);
    ei_printf("\n");
#endif
}

inline void display_results(ei_impulse_handle_t *handle, ei_impulse_result_t *result)
{
    ei_print_results(handle, result);
}

inline EI_IMPULSE_ERROR display_postprocessing(ei_impulse_handle_t *handle, ei_impulse_result_t *result)
{
    return handle == NULL || result == NULL ? EI_IMPULSE_POSTPROCESSING_ERROR : EI_IMPULSE_OK;
}

}

#endif

#endif
