/* What firmware does with buffers of samples. */
#ifndef EW_NUMPY_HPP
#define EW_NUMPY_HPP

#include "numpy_types.h"

namespace ei {

#if EIDSP_SIGNAL_C_FN_POINTER == 1
/* Marks a signal over a buffer: a plain function cannot know which. run_classifier reads the buffer; who calls this gets an error. */
inline int ew_signal_over_buffer(size_t, size_t, float *)
{
    return EIDSP_NOT_SUPPORTED;
}
#endif

/* Values of a signal, however it holds them; 0 is success. */
inline int ew_signal_read(const signal_t *signal, size_t offset, size_t length, float *out)
{
#if EIDSP_SIGNAL_C_FN_POINTER == 1
    if (signal->get_data == NULL) {
        return EIDSP_PARAMETER_INVALID;
    }
    if (signal->get_data == ew_signal_over_buffer) {
        memcpy(out, signal->ew_buffer + offset, length * sizeof(float));
        return EIDSP_OK;
    }
#else
    if (!signal->get_data) {
        return EIDSP_PARAMETER_INVALID;
    }
#endif
    return signal->get_data(offset, length, out);
}

class numpy {
public:
    /* A signal over values in memory, which must stay there. */
    static int signal_from_buffer(const float *data, size_t data_size, signal_t *signal)
    {
        if (data == NULL || signal == NULL) {
            return EIDSP_PARAMETER_INVALID;
        }
        signal->total_length = data_size;
#if EIDSP_SIGNAL_C_FN_POINTER == 1
        signal->get_data = ew_signal_over_buffer;
        signal->ew_buffer = data;
#else
        signal->get_data = [data](size_t offset, size_t length, float *out) -> int {
            memcpy(out, data + offset, length * sizeof(float));
            return EIDSP_OK;
        };
#endif
        return EIDSP_OK;
    }

    static int int16_to_float(const int16_t *input, float *output, size_t length)
    {
        for (size_t i = 0; i < length; i++) {
            output[i] = static_cast<float>(input[i]);
        }
        return EIDSP_OK;
    }

    static int int8_to_float(const int8_t *input, float *output, size_t length)
    {
        for (size_t i = 0; i < length; i++) {
            output[i] = static_cast<float>(input[i]);
        }
        return EIDSP_OK;
    }

    /* Moves all values by `shift` places to the end, or by -shift to the beginning; what falls out comes in at the other side. */
    template <typename T>
    static int roll(T *values, size_t size, int shift)
    {
        if (size == 0 || shift == 0) {
            return EIDSP_OK;
        }
        const size_t by = shift < 0 ? (size - static_cast<size_t>(-static_cast<long>(shift)) % size) % size
                                    : static_cast<size_t>(shift) % size;
        reverse(values, size);
        reverse(values, by);
        reverse(values + by, size - by);
        return EIDSP_OK;
    }

private:
    template <typename T>
    static void reverse(T *values, size_t size)
    {
        for (size_t i = 0; i < size / 2; i++) {
            const T kept = values[i];
            values[i] = values[size - 1 - i];
            values[size - 1 - i] = kept;
        }
    }
};

}

#endif
