/* The part of the C library's header that the runtime uses, for WebAssembly without a C library. */
#ifndef EW_WASM_MATH_H
#define EW_WASM_MATH_H
#define INFINITY __builtin_inff()
#define sqrtf(x) __builtin_sqrtf(x)
#endif
