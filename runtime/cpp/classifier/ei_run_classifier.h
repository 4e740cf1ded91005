/* run_classifier and what belongs to it, over the C library of this package. Made by edgewright; not made or endorsed by Edge
 * Impulse, and without any of its code: it offers the names that firmware calls.
 *
 * May be included from any number of translation units. No heap. Calls of one model share one arena: they must not run at the
 * same time. Two models in one program: each file includes the headers of one of them; both have their own names when it links.
 *
 * What differs from what firmware may be used to:
 * - run_classifier_continuous keeps the last window and classifies all of it with every slice, so its result is exactly that of
 *   run_classifier on these values. (Others work slice by slice, with filters that begin anew at each.) Until a whole window came,
 *   all values are 0. It takes models of any sensor but the camera.
 * - All learning blocks run in one call: the time of the anomaly block is part of `timing.classification`.
 * - EI_CLASSIFIER_HAS_ANOMALY is 1 whichever method finds what is unusual.
 * - There is no tracking, counting, calibration over time, visual anomaly grid, freeform output, custom DSP block, and none of the
 *   functions extract_*_features: what uses them does not compile.
 */
#ifndef EW_EI_RUN_CLASSIFIER_H
#define EW_EI_RUN_CLASSIFIER_H

#include "ei_classifier_types.h"

#ifndef __cplusplus

/* From C: link ei_c_linkage.cpp, and compile all with EI_C_LINKAGE=1 and EIDSP_SIGNAL_C_FN_POINTER=1. */
EI_IMPULSE_ERROR run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug);
EI_IMPULSE_ERROR ei_run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug);
EI_IMPULSE_ERROR run_classifier_continuous(signal_t *signal, ei_impulse_result_t *result, bool debug, bool enable_maf);
void run_classifier_init(void);
void run_classifier_deinit(void);

#else

#include "../../model-parameters/model_variables.h"
#include "../dsp/numpy.hpp"
#include "../porting/ei_classifier_porting.h"
#include "../porting/ei_logging.h"

#ifndef EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW
#define EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW 4
#endif
#ifndef EI_CLASSIFIER_SLICE_SIZE
#define EI_CLASSIFIER_SLICE_SIZE (EI_CLASSIFIER_RAW_SAMPLE_COUNT / EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW)
#endif
static_assert(EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW >= 1 && EI_CLASSIFIER_SLICE_SIZE >= 1,
              "EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW must be at least 1, and at most the samples of a window");

#if defined(__GNUC__) || defined(__clang__)
#define EW_UNUSED __attribute__((unused))
#else
#define EW_UNUSED
#endif

#if EI_C_LINKAGE == 1
extern "C" EI_IMPULSE_ERROR ei_run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug);
#endif

inline namespace EI_MODEL_NAMESPACE {

struct ei_postprocessing_block_t {
    uint32_t block_id;
    int type; /* EI_CLASSIFIER_TYPE_OBJECT_DETECTION */
};

/* What is known of the impulse. */
struct ei_impulse_t {
    uint32_t project_id;
    const char *project_owner;
    const char *project_name;
    uint32_t impulse_id;
    const char *impulse_name;
    uint32_t deploy_version;
    uint32_t nn_input_frame_size;
    uint32_t raw_sample_count;
    uint32_t raw_samples_per_frame;
    uint32_t dsp_input_frame_size;
    uint32_t input_width;
    uint32_t input_height;
    uint32_t input_frames;
    float interval_ms;
    float frequency;
    size_t postprocessing_blocks_size;
    const ei_postprocessing_block_t *postprocessing_blocks;
    uint32_t inferencing_engine;
    uint32_t sensor;
    const char *fusion_string;
    uint16_t has_anomaly;
    uint16_t label_count;
    const char *const *categories;
    uint32_t results_type;
};

/* What goes from window to window. Handles of a model share its arena, and the buffer of run_classifier_continuous, which is that
 * of the handle for which run_classifier_init was called last. */
class ei_impulse_handle_t {
public:
    constexpr explicit ei_impulse_handle_t(const ei_impulse_t *an_impulse) : impulse(an_impulse), model(), ready(false) {}

    const ei_impulse_t *impulse;
    EW_MODEL_HANDLE model;
    bool ready;
};

/* Static members of a template are one in a program, from however many files; those that are not used are not there. */
template <int N>
struct ew_state {
    static uint32_t arena[(EW_MODEL_ARENA_SIZE + 3) / 4];
    static const ei_postprocessing_block_t blocks[1];
    static const ei_impulse_t impulse;
    static ei_impulse_handle_t handle;
    static ei_impulse_result_bounding_box_t boxes[EI_CLASSIFIER_OBJECT_DETECTION_COUNT + 1];
    static float threshold;
    static float ring[EW_MODEL_WINDOW_LEN];
    static size_t ring_at, ring_filled;
    static const ei_impulse_handle_t *ring_of;
};
template <int N>
uint32_t ew_state<N>::arena[(EW_MODEL_ARENA_SIZE + 3) / 4];
template <int N>
const ei_postprocessing_block_t ew_state<N>::blocks[1] = {{EW_MODEL_THRESHOLD_ID, EI_CLASSIFIER_TYPE_OBJECT_DETECTION}};
template <int N>
const ei_impulse_t ew_state<N>::impulse = {
    EI_CLASSIFIER_PROJECT_ID, EI_CLASSIFIER_PROJECT_OWNER, EI_CLASSIFIER_PROJECT_NAME, 1, EI_CLASSIFIER_PROJECT_NAME,
    EI_CLASSIFIER_PROJECT_DEPLOY_VERSION, EI_CLASSIFIER_NN_INPUT_FRAME_SIZE, EI_CLASSIFIER_RAW_SAMPLE_COUNT,
    EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME, EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, EI_CLASSIFIER_INPUT_WIDTH,
    EI_CLASSIFIER_INPUT_HEIGHT, EI_CLASSIFIER_INPUT_FRAMES, static_cast<float>(EI_CLASSIFIER_INTERVAL_MS),
    static_cast<float>(EI_CLASSIFIER_FREQUENCY), EI_CLASSIFIER_OBJECT_DETECTION, ew_state<N>::blocks,
    EI_CLASSIFIER_INFERENCING_ENGINE, EI_CLASSIFIER_SENSOR, EI_CLASSIFIER_FUSION_AXES_STRING, EI_CLASSIFIER_HAS_ANOMALY,
    EI_CLASSIFIER_LABEL_COUNT, ew_names<0>::labels, EI_CLASSIFIER_RESULTS_TYPE};
template <int N>
ei_impulse_handle_t ew_state<N>::handle(&ew_state<N>::impulse);
template <int N>
ei_impulse_result_bounding_box_t ew_state<N>::boxes[EI_CLASSIFIER_OBJECT_DETECTION_COUNT + 1];
template <int N>
float ew_state<N>::threshold = EW_MODEL_BOX_THRESHOLD;
template <int N>
float ew_state<N>::ring[EW_MODEL_WINDOW_LEN];
template <int N>
size_t ew_state<N>::ring_at = 0;
template <int N>
size_t ew_state<N>::ring_filled = 0;
template <int N>
const ei_impulse_handle_t *ew_state<N>::ring_of = NULL;

#if EI_CLASSIFIER_OBJECT_DETECTION == 1
template <int N>
struct ew_found {
    static EW_MODEL_BOX boxes[EI_CLASSIFIER_OBJECT_DETECTION_COUNT];
};
template <int N>
EW_MODEL_BOX ew_found<N>::boxes[EI_CLASSIFIER_OBJECT_DETECTION_COUNT];
#endif

static ei_impulse_handle_t &ei_default_impulse EW_UNUSED = ew_state<0>::handle;
static ei_impulse_handle_t &impulse_handle_1_1 EW_UNUSED = ew_state<0>::handle;

#if EI_CLASSIFIER_SENSOR == EI_CLASSIFIER_SENSOR_CAMERA
/* From pixels as 0xRRGGBB to the channels of the window. Grey of coloured pixels is that of the pictures that were learned from. */
inline int ew_read_window(void *context, size_t offset, size_t length, float *out)
{
    const signal_t *signal = static_cast<const signal_t *>(context);
    float pixels[32];
    size_t at = offset, done = 0;
    while (done < length) {
        const size_t first = at / EW_MODEL_CHANNELS;
        const size_t last = (offset + length - 1) / EW_MODEL_CHANNELS;
        const size_t count = last - first + 1 < 32 ? last - first + 1 : 32;
        const int status = ew_signal_read(signal, first, count, pixels);
        if (status != 0) {
            return status;
        }
        for (size_t i = 0; i < count; i++) {
            if (!(pixels[i] >= 0.0f && pixels[i] <= 16777215.0f)) {
                EI_LOGE("a pixel is not within 0 to 0xffffff\n");
                return EIDSP_OUT_OF_BOUNDS;
            }
            const uint32_t pixel = static_cast<uint32_t>(pixels[i]);
            const uint32_t red = pixel >> 16, green = pixel >> 8 & 0xffu, blue = pixel & 0xffu;
#if EW_MODEL_CHANNELS == 3
            const uint32_t values[3] = {red, green, blue};
            for (size_t c = i == 0 ? at % 3 : 0; c < 3 && done < length; c++) {
                out[done++] = static_cast<float>(values[c]);
                at++;
            }
#else
            out[done++] = static_cast<float>((19595u * red + 38470u * green + 7471u * blue + 32768u) >> 16);
            at++;
#endif
        }
    }
    return EIDSP_OK;
}
#else
inline int ew_read_window(void *context, size_t offset, size_t length, float *out)
{
    return ew_signal_read(static_cast<const signal_t *>(context), offset, length, out);
}
#endif

/* The buffer of run_classifier_continuous: its oldest value is the first. */
inline int ew_read_ring(void *, size_t offset, size_t length, float *out)
{
    const size_t size = EW_MODEL_WINDOW_LEN;
    const size_t from = (ew_state<0>::ring_at + offset) % size;
    const size_t whole = size - from < length ? size - from : length;
    memcpy(out, ew_state<0>::ring + from, whole * sizeof(float));
    memcpy(out + whole, ew_state<0>::ring, (length - whole) * sizeof(float));
    return EIDSP_OK;
}

inline void ew_clear(ei_impulse_result_t *result)
{
    memset(result, 0, sizeof *result);
    for (size_t i = 0; i < static_cast<size_t>(EI_CLASSIFIER_LABEL_COUNT); i++) {
        result->classification[i].label = ew_names<0>::labels[i];
    }
#if EI_CLASSIFIER_OBJECT_DETECTION == 1
    for (size_t i = 0; i < static_cast<size_t>(EI_CLASSIFIER_OBJECT_DETECTION_COUNT); i++) {
        const ei_impulse_result_bounding_box_t none = {"", 0, 0, 0, 0, 0.0f};
        ew_state<0>::boxes[i] = none;
    }
    result->bounding_boxes = ew_state<0>::boxes;
#endif
}

inline EI_IMPULSE_ERROR ew_ready(ei_impulse_handle_t *handle)
{
    if (!handle->ready) {
        if (EW_MODEL_INIT(&handle->model, ew_state<0>::arena, sizeof ew_state<0>::arena) != EW_MODEL_OK) {
            return EI_IMPULSE_ALLOC_FAILED;
        }
        handle->ready = true;
    }
    return EI_IMPULSE_OK;
}

inline EI_IMPULSE_ERROR ew_canceled()
{
    return ei_run_impulse_check_canceled() == EI_IMPULSE_CANCELED ? EI_IMPULSE_CANCELED : EI_IMPULSE_OK;
}

inline int64_t ew_passed(uint64_t from, uint64_t to)
{
    return to > from ? static_cast<int64_t>(to - from) : 0;
}

/* From the features, which lie in the arena, to the result. */
inline EI_IMPULSE_ERROR ew_infer(ei_impulse_handle_t *handle, ei_impulse_result_t *result, bool debug)
{
    unsigned char *arena = reinterpret_cast<unsigned char *>(ew_state<0>::arena);
    const float *features = reinterpret_cast<const float *>(static_cast<const void *>(arena + EW_MODEL_FEATURES_AT));
#if EW_MODEL_OUTPUTS_AT >= 0
    float *outputs = reinterpret_cast<float *>(static_cast<void *>(arena + EW_MODEL_OUTPUTS_AT));
#else
    float outputs[EW_MODEL_OUTPUT_COUNT];
#endif
    uint64_t begun = ei_read_timer_us();
    if (EW_MODEL_INVOKE(&handle->model, features, EW_MODEL_FEATURE_COUNT, outputs, EW_MODEL_OUTPUT_COUNT) != EW_MODEL_OK) {
        return EI_IMPULSE_INFERENCE_ERROR;
    }
    uint64_t ended = ei_read_timer_us();
    result->timing.classification_us = ew_passed(begun, ended);
    result->timing.classification = static_cast<int>((result->timing.classification_us + 500) / 1000);
#if EI_CLASSIFIER_OBJECT_DETECTION == 1
    begun = ended;
    const EW_MODEL_BOX *boxes = ew_found<0>::boxes;
    const int count = EW_MODEL_DECODE(outputs + EW_MODEL_LABELS_AT, ew_state<0>::threshold, ew_found<0>::boxes);
    for (int i = 0; i < count; i++) {
        ei_impulse_result_bounding_box_t *box = &ew_state<0>::boxes[i];
        box->label = ew_names<0>::labels[boxes[i].label];
        box->x = boxes[i].x;
        box->y = boxes[i].y;
        box->width = boxes[i].width;
        box->height = boxes[i].height;
        box->value = boxes[i].score;
    }
    result->bounding_boxes_count = static_cast<uint32_t>(count);
    ended = ei_read_timer_us();
    result->timing.postprocessing_us = ew_passed(begun, ended);
    result->timing.postprocessing = static_cast<int>((result->timing.postprocessing_us + 500) / 1000);
#else
    for (size_t i = 0; i < static_cast<size_t>(EI_CLASSIFIER_LABEL_COUNT); i++) {
        result->classification[i].value = outputs[EW_MODEL_LABELS_AT + i];
    }
#endif
#if EI_CLASSIFIER_HAS_ANOMALY
    result->anomaly = outputs[EW_MODEL_ANOMALY_AT];
#endif
    if (debug) {
        ei_printf("Outputs (%d ms.):", result->timing.classification);
        for (size_t i = 0; i < static_cast<size_t>(EW_MODEL_OUTPUT_COUNT); i++) {
            ei_printf(" ");
            ei_printf_float(outputs[i]);
        }
        ei_printf("\n");
    }
    return ew_canceled();
}

inline EI_IMPULSE_ERROR ew_process(ei_impulse_handle_t *handle, const EW_MODEL_SIGNAL *window, ei_impulse_result_t *result,
                                   bool debug)
{
    float *features = reinterpret_cast<float *>(
        static_cast<void *>(reinterpret_cast<unsigned char *>(ew_state<0>::arena) + EW_MODEL_FEATURES_AT));
    const uint64_t begun = ei_read_timer_us();
    const int status = EW_MODEL_EXTRACT(&handle->model, window, features, EW_MODEL_FEATURE_COUNT);
    if (status != EW_MODEL_OK) {
        EI_LOGE("no features of this window (%d): %s\n", status,
                status == EW_MODEL_NOT_FINITE ? "a value is not a number" : "the signal could not be read");
        return EI_IMPULSE_DSP_ERROR;
    }
    result->timing.dsp_us = ew_passed(begun, ei_read_timer_us());
    result->timing.dsp = static_cast<int>((result->timing.dsp_us + 500) / 1000);
    if (debug) {
        ei_printf("Features (%d ms.):", result->timing.dsp);
        for (size_t i = 0; i < static_cast<size_t>(EW_MODEL_FEATURE_COUNT); i++) {
            ei_printf(" ");
            ei_printf_float(features[i]);
        }
        ei_printf("\n");
    }
    if (ew_canceled() != EI_IMPULSE_OK) {
        return EI_IMPULSE_CANCELED;
    }
    return ew_infer(handle, result, debug);
}

/* A whole window: features, inference, boxes. */
inline EI_IMPULSE_ERROR process_impulse(ei_impulse_handle_t *handle, signal_t *signal, ei_impulse_result_t *result,
                                        bool debug = false)
{
    if (handle == NULL || signal == NULL || result == NULL) {
        return EI_IMPULSE_INFERENCE_ERROR;
    }
    ew_clear(result);
    if (signal->total_length != static_cast<size_t>(EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE)) {
        EI_LOGE("the signal has %lu values, a window %lu\n", static_cast<unsigned long>(signal->total_length),
                static_cast<unsigned long>(EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE));
        return EI_IMPULSE_ERROR_SHAPES_DONT_MATCH;
    }
    const EI_IMPULSE_ERROR status = ew_ready(handle);
    if (status != EI_IMPULSE_OK) {
        return status;
    }
    EW_MODEL_SIGNAL window;
    window.get = ew_read_window;
    window.context = signal;
    window.length = EW_MODEL_WINDOW_LEN;
    return ew_process(handle, &window, result, debug);
}

/* One slice of `expected` values. */
inline EI_IMPULSE_ERROR ew_process_slice(ei_impulse_handle_t *handle, signal_t *signal, ei_impulse_result_t *result, bool debug,
                                         size_t expected)
{
    if (handle == NULL || signal == NULL || result == NULL) {
        return EI_IMPULSE_INFERENCE_ERROR;
    }
    ew_clear(result);
#if EI_CLASSIFIER_SENSOR == EI_CLASSIFIER_SENSOR_CAMERA
    (void)debug;
    (void)expected;
    EI_LOGE("pictures are no stream: call run_classifier\n");
    return EI_IMPULSE_DSP_ERROR;
#else
    const size_t size = EW_MODEL_WINDOW_LEN;
    if (signal->total_length != expected) {
        EI_LOGE("the signal has %lu values, a slice %lu\n", static_cast<unsigned long>(signal->total_length),
                static_cast<unsigned long>(expected));
        return EI_IMPULSE_ERROR_SHAPES_DONT_MATCH;
    }
    EI_IMPULSE_ERROR status = ew_ready(handle);
    if (status != EI_IMPULSE_OK) {
        return status;
    }
    if (ew_state<0>::ring_of == NULL) {
        ew_state<0>::ring_of = handle;
    }
    if (ew_state<0>::ring_of != handle) {
        EI_LOGE("another handle uses the buffer of slices: call run_classifier_init for this one\n");
        return EI_IMPULSE_ALLOC_FAILED;
    }
    const size_t at = ew_state<0>::ring_at;
    const size_t whole = size - at < expected ? size - at : expected;
    if (ew_signal_read(signal, 0, whole, ew_state<0>::ring + at) != 0 ||
        (whole < expected && ew_signal_read(signal, whole, expected - whole, ew_state<0>::ring) != 0)) {
        /* What was half written is part of no window. */
        ew_state<0>::ring_filled = 0;
        EI_LOGE("the signal could not be read\n");
        return EI_IMPULSE_DSP_ERROR;
    }
    ew_state<0>::ring_at = (at + expected) % size;
    ew_state<0>::ring_filled = ew_state<0>::ring_filled + expected < size ? ew_state<0>::ring_filled + expected : size;
    if (ew_state<0>::ring_filled < size) {
        return EI_IMPULSE_OK;
    }
    EW_MODEL_SIGNAL window;
    window.get = ew_read_ring;
    window.context = NULL;
    window.length = size;
    return ew_process(handle, &window, result, debug);
#endif
}

/* Of files with other slices the functions differ: each has its own. */
static inline EI_IMPULSE_ERROR process_impulse_continuous(ei_impulse_handle_t *handle, signal_t *signal,
                                                          ei_impulse_result_t *result, bool debug = false)
{
    return ew_process_slice(handle, signal, result, debug,
                            static_cast<size_t>(EI_CLASSIFIER_SLICE_SIZE) * EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME);
}

/* Forgets earlier windows of a handle. */
inline EI_IMPULSE_ERROR init_impulse(ei_impulse_handle_t *handle)
{
    if (handle == NULL) {
        return EI_IMPULSE_INFERENCE_ERROR;
    }
    handle->ready = false;
    return ew_ready(handle);
}

/* Begins anew: before a stream of slices or of windows that follow each other. */
inline void run_classifier_init(ei_impulse_handle_t *handle)
{
    if (init_impulse(handle) == EI_IMPULSE_OK) {
        ew_state<0>::ring_of = handle;
        ew_state<0>::ring_at = 0;
        ew_state<0>::ring_filled = 0;
    }
}

inline void run_classifier_init()
{
    run_classifier_init(&ew_state<0>::handle);
}

/* Another handle may have the buffer of slices now. */
inline void run_classifier_deinit(ei_impulse_handle_t *handle)
{
    if (ew_state<0>::ring_of == handle) {
        ew_state<0>::ring_of = NULL;
        ew_state<0>::ring_filled = 0;
    }
}

inline void run_classifier_deinit()
{
    run_classifier_deinit(&ew_state<0>::handle);
}

inline void ei_dsp_clear_continuous_audio_state()
{
    ew_state<0>::ring_filled = 0;
}

inline EI_IMPULSE_ERROR run_classifier(ei_impulse_handle_t *handle, signal_t *signal, ei_impulse_result_t *result,
                                       bool debug = false)
{
    return process_impulse(handle, signal, result, debug);
}

inline EI_IMPULSE_ERROR run_classifier(signal_t *signal, ei_impulse_result_t *result, bool debug = false)
{
    return process_impulse(&ew_state<0>::handle, signal, result, debug);
}

/* `enable_maf` changes nothing: smooth with ei_classifier_smooth.h. */
static inline EI_IMPULSE_ERROR run_classifier_continuous(ei_impulse_handle_t *handle, signal_t *signal,
                                                         ei_impulse_result_t *result, bool debug = false,
                                                         bool enable_maf = true)
{
    (void)enable_maf;
    return process_impulse_continuous(handle, signal, result, debug);
}

static inline EI_IMPULSE_ERROR run_classifier_continuous(signal_t *signal, ei_impulse_result_t *result, bool debug = false,
                                                         bool enable_maf = true)
{
    (void)enable_maf;
    return process_impulse_continuous(&ew_state<0>::handle, signal, result, debug);
}

/* From features that are there: an ei_feature_t for each DSP block, in their order. */
inline EI_IMPULSE_ERROR run_inference(ei_impulse_handle_t *handle, ei_feature_t *blocks, ei_impulse_result_t *result,
                                      bool debug = false)
{
    if (handle == NULL || blocks == NULL || result == NULL) {
        return EI_IMPULSE_INFERENCE_ERROR;
    }
    ew_clear(result);
    const EI_IMPULSE_ERROR status = ew_ready(handle);
    if (status != EI_IMPULSE_OK) {
        return status;
    }
    static const uint32_t sizes[] = EW_MODEL_BLOCK_FEATURES;
    float *features = reinterpret_cast<float *>(
        static_cast<void *>(reinterpret_cast<unsigned char *>(ew_state<0>::arena) + EW_MODEL_FEATURES_AT));
    size_t at = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const ei::matrix_t *matrix = blocks[i].matrix;
        if (matrix == NULL || matrix->buffer == NULL) {
            return EI_IMPULSE_INPUT_TENSOR_WAS_NULL;
        }
        if (matrix->rows * matrix->cols != sizes[i]) {
            EI_LOGE("block %lu has %lu features instead of %lu\n", static_cast<unsigned long>(i),
                    static_cast<unsigned long>(matrix->rows * matrix->cols), static_cast<unsigned long>(sizes[i]));
            return EI_IMPULSE_ERROR_SHAPES_DONT_MATCH;
        }
        memcpy(features + at, matrix->buffer, sizes[i] * sizeof(float));
        at += sizes[i];
    }
    return ew_infer(handle, result, debug);
}

/* What is done with a result is done when it comes back: nothing is left to do. */
inline EI_IMPULSE_ERROR init_postprocessing(ei_impulse_handle_t *handle)
{
    return handle == NULL ? EI_IMPULSE_POSTPROCESSING_ERROR : EI_IMPULSE_OK;
}
inline EI_IMPULSE_ERROR run_postprocessing(ei_impulse_handle_t *handle, ei_impulse_result_t *result)
{
    return handle == NULL || result == NULL ? EI_IMPULSE_POSTPROCESSING_ERROR : EI_IMPULSE_OK;
}
inline EI_IMPULSE_ERROR deinit_postprocessing(ei_impulse_handle_t *handle)
{
    return handle == NULL ? EI_IMPULSE_POSTPROCESSING_ERROR : EI_IMPULSE_OK;
}

/* The least score of an object, under `min_score`: a number from 0 to 1. */
inline EI_IMPULSE_ERROR set_threshold_postprocessing(const ei_postprocessing_block_t *block, const char *name, float value)
{
    if (block != ew_state<0>::blocks || EI_CLASSIFIER_OBJECT_DETECTION != 1 || name == NULL || strcmp(name, "min_score") != 0) {
        return EI_IMPULSE_POSTPROCESSING_THRESHOLD_KEY_NOT_FOUND;
    }
    if (!(value >= 0.0f && value <= 1.0f)) {
        EI_LOGE("min_score must lie in 0 to 1\n");
        return EI_IMPULSE_POSTPROCESSING_ERROR;
    }
    ew_state<0>::threshold = value;
    return EI_IMPULSE_OK;
}
#if EIDSP_SIGNAL_C_FN_POINTER != 1
inline EI_IMPULSE_ERROR set_threshold_postprocessing(const ei_postprocessing_block_t *block, const std::string &name, float value)
{
    return set_threshold_postprocessing(block, name.c_str(), value);
}
#endif
/* Edgewright's own name: the descriptors of get_thresholds_postprocessing are not offered. */
inline EI_IMPULSE_ERROR get_threshold_postprocessing(const ei_postprocessing_block_t *block, const char *name, float *value)
{
    if (block != ew_state<0>::blocks || EI_CLASSIFIER_OBJECT_DETECTION != 1 || name == NULL || value == NULL ||
        strcmp(name, "min_score") != 0) {
        return EI_IMPULSE_POSTPROCESSING_THRESHOLD_KEY_NOT_FOUND;
    }
    *value = ew_state<0>::threshold;
    return EI_IMPULSE_OK;
}

}

#include "ei_classifier_smooth.h"
#include "ei_print_results.h"

#endif

#endif
