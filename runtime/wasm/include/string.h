/* The part of the C library's header that the runtime uses, for WebAssembly without a C library. */
#ifndef EW_WASM_STRING_H
#define EW_WASM_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
#endif
