/* What a WebAssembly module exports around a library, and the C library that it needs. */
#include "wasm_config.h"

__attribute__((no_builtin("memcpy"))) void *memcpy(void *to, const void *from, size_t n)
{
    unsigned char *t = (unsigned char *)to;
    const unsigned char *f = (const unsigned char *)from;
    while (n-- > 0) {
        *t++ = *f++;
    }
    return to;
}

__attribute__((no_builtin("memmove"))) void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = (unsigned char *)to;
    const unsigned char *f = (const unsigned char *)from;
    if (t < f) {
        return memcpy(to, from, n);
    }
    while (n-- > 0) {
        t[n] = f[n];
    }
    return to;
}

__attribute__((no_builtin("memset"))) void *memset(void *to, int value, size_t n)
{
    unsigned char *t = (unsigned char *)to;
    while (n-- > 0) {
        *t++ = (unsigned char)value;
    }
    return to;
}

static uint32_t arena[(WASM_ARENA_SIZE + 3) / 4];
static float window[WASM_WINDOW_LEN], features[WASM_FEATURE_COUNT], outputs[WASM_OUTPUT_COUNT];
static WASM_HANDLE handle;

/* Where the caller writes the window. */
__attribute__((export_name("window"))) float *window_at(void)
{
    return window;
}

/* Where the outputs of all learning blocks lie after a classification. */
__attribute__((export_name("outputs"))) float *outputs_at(void)
{
    return outputs;
}

/* 0 is success. */
__attribute__((export_name("classify"))) int classify(void)
{
    WASM_SIGNAL signal = WASM_SIGNAL_F32(window);
    int status = WASM_INIT(&handle, arena, sizeof arena);
    if (status == 0) {
        status = WASM_EXTRACT(&handle, &signal, features, WASM_FEATURE_COUNT);
    }
    return status != 0 ? status : WASM_INVOKE(&handle, features, WASM_FEATURE_COUNT, outputs, WASM_OUTPUT_COUNT);
}
