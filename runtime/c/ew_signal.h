/* A window that is read where it lies, so that it need not be in RAM as floats. */

/* Copies `length` values from `offset` (row-major: all axes of a frame, then the next frame) to `out`; 0 is success. */
typedef int (*ew_get_data)(void *context, size_t offset, size_t length, float *out);

typedef struct {
    ew_get_data get;
    void *context;
    size_t length; /* values in the window */
} ew_signal;
