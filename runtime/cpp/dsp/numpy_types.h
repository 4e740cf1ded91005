/* Signals and matrices under the names that firmware knows.
 *
 * With EIDSP_SIGNAL_C_FN_POINTER == 1 a signal's callback is a plain function pointer and no header of the C++ library is
 * needed: so it is in C, and where that library is missing. Else it is a std::function, also on Mbed (it takes an
 * mbed::Callback as any other callable).
 */
#ifndef EW_NUMPY_TYPES_H
#define EW_NUMPY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef EIDSP_SIGNAL_C_FN_POINTER
#ifndef __cplusplus
#define EIDSP_SIGNAL_C_FN_POINTER 1
#elif defined(__has_include)
#if __has_include(<functional>)
#define EIDSP_SIGNAL_C_FN_POINTER 0
#else
#define EIDSP_SIGNAL_C_FN_POINTER 1
#endif
#else
#define EIDSP_SIGNAL_C_FN_POINTER 0
#endif
#endif

#ifndef __cplusplus

/* Values are read with `get_data(offset, length, out)`; it returns 0 when all is well. */
typedef struct {
    int (*get_data)(size_t offset, size_t length, float *out);
    size_t total_length;
    const float *ew_buffer; /* used by signal_from_buffer alone */
} ei_signal_t;
typedef ei_signal_t signal_t;
typedef void ei_feature_t;

#else

#include "../porting/ei_classifier_porting.h"
#if EIDSP_SIGNAL_C_FN_POINTER != 1
#include <functional>
#include <string>
#include <vector>
#endif

namespace ei {

enum {
    EIDSP_OK = 0,
    EIDSP_OUT_OF_MEM = -1002,
    EIDSP_SIGNAL_SIZE_MISMATCH = -1003,
    EIDSP_MATRIX_SIZE_MISMATCH = -1004,
    EIDSP_DCT_ERROR = -1005,
    EIDSP_INPUT_MATRIX_EMPTY = -1006,
    EIDSP_BUFFER_SIZE_MISMATCH = -1007,
    EIDSP_PARAMETER_INVALID = -1008,
    EIDSP_UNEXPECTED_NEXT_OFFSET = -1009,
    EIDSP_OUT_OF_BOUNDS = -1010,
    EIDSP_UNSUPPORTED_FILTER_CONFIG = -1011,
    EIDSP_NARROWING = -1012,
    EIDSP_BLOCK_VERSION_INCORRECT = -1013,
    EIDSP_NOT_SUPPORTED = -1014,
    EIDSP_REQUIRES_CMSIS_DSP = -1015,
    EIDSP_FFT_TABLE_NOT_LOADED = -1016,
    EIDSP_INFERENCE_ERROR = -1017,
    EIDSP_NO_HW_ACCEL = -1018,
    EIDSP_FFT_SIZE_NOT_SUPPORTED = -1019
};

/* Another name for each way: files that were compiled differently do not link, instead of reading each other's signals wrongly. */
#if EIDSP_SIGNAL_C_FN_POINTER == 1
inline namespace signal_of_pointer {
struct ei_signal_t {
    int (*get_data)(size_t offset, size_t length, float *out);
    size_t total_length;
    const float *ew_buffer; /* used by signal_from_buffer alone */
};
}
#else
inline namespace signal_of_function {
struct ei_signal_t {
    std::function<int(size_t offset, size_t length, float *out)> get_data;
    size_t total_length;
};
}
#endif
typedef ei_signal_t signal_t;

/* Rows of numbers, one behind the other. Without a buffer of the caller's it takes one from ei_calloc; `buffer` is NULL when
 * there is none to be had. Not copied: two would free the same buffer. */
template <typename T>
struct ei_matrix_of {
    T *buffer;
    uint32_t rows;
    uint32_t cols;
    bool buffer_managed_by_me;

    ei_matrix_of(uint32_t n_rows, uint32_t n_cols, T *a_buffer = NULL)
        : buffer(a_buffer), rows(n_rows), cols(n_cols), buffer_managed_by_me(a_buffer == NULL)
    {
        if (buffer_managed_by_me) {
            buffer = static_cast<T *>(ei_calloc(static_cast<size_t>(n_rows) * n_cols, sizeof(T)));
        }
    }
    ~ei_matrix_of()
    {
        if (buffer_managed_by_me && buffer != NULL) {
            ei_free(buffer);
        }
    }
    ei_matrix_of(const ei_matrix_of &) = delete;
    ei_matrix_of &operator=(const ei_matrix_of &) = delete;

    T *get_row_ptr(size_t row) { return buffer + row * cols; }
};
typedef ei_matrix_of<float> ei_matrix;
typedef ei_matrix_of<float> matrix_t;
typedef ei_matrix_of<int8_t> matrix_i8_t;
typedef ei_matrix_of<uint8_t> matrix_u8_t;
typedef ei_matrix_of<int32_t> matrix_i32_t;

struct matrix_size_t {
    uint32_t rows;
    uint32_t cols;
};

}

using namespace ei;

/* Features of one block, for run_inference: in `matrix`; the others must be NULL. */
struct ei_feature_t {
    ei::matrix_t *matrix;
    ei::matrix_i8_t *matrix_i8;
    ei::matrix_u8_t *matrix_u8;
    uint32_t blockId;
};

#endif

#endif
