/* For firmware in C, compiled with EI_C_LINKAGE=1 and EIDSP_SIGNAL_C_FN_POINTER=1: the functions under plain names. One model in a
 * program can have them. Without EI_C_LINKAGE this file is empty. */
#include "ei_run_classifier.h"

#if EI_C_LINKAGE == 1

static_assert(EIDSP_SIGNAL_C_FN_POINTER == 1, "with EI_C_LINKAGE=1 compile with EIDSP_SIGNAL_C_FN_POINTER=1");

namespace {

EI_IMPULSE_ERROR ew_whole(signal_t *signal, ei_impulse_result_t *result, bool debug)
{
    return process_impulse(&ei_default_impulse, signal, result, debug);
}

}

extern "C" {

EI_IMPULSE_ERROR run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug);
EI_IMPULSE_ERROR run_classifier_continuous(signal_t *signal, ei_impulse_result_t *result, bool debug, bool enable_maf);
void run_classifier_init(void);
void run_classifier_deinit(void);
int signal_from_buffer(float *data, size_t data_size, signal_t *signal);

EI_IMPULSE_ERROR run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug)
{
    return ew_whole(signal, result, debug);
}

EI_IMPULSE_ERROR ei_run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug)
{
    return ew_whole(signal, result, debug);
}

EI_IMPULSE_ERROR run_classifier_continuous(signal_t *signal, ei_impulse_result_t *result, bool debug, bool enable_maf)
{
    (void)enable_maf;
    return process_impulse_continuous(&ei_default_impulse, signal, result, debug);
}

void run_classifier_init(void)
{
    EI_MODEL_NAMESPACE::run_classifier_init(&ei_default_impulse);
}

void run_classifier_deinit(void)
{
    EI_MODEL_NAMESPACE::run_classifier_deinit(&ei_default_impulse);
}

int signal_from_buffer(float *data, size_t data_size, signal_t *signal)
{
    return numpy::signal_from_buffer(data, data_size, signal);
}

}

#endif
