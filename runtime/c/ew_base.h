/* What every part of the runtime stands on.
 *
 * Results are the same to the last bit on every target and under every compiler option but -ffast-math, because no
 * multiplication is contracted with an addition. GCC ignores the standard pragma in its GNU dialects, so it gets its own.
 */
#if defined(__FAST_MATH__)
#error "Edgewright code needs exact float arithmetic: build it without -ffast-math (and -Ofast)"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Helium, the vectors of Armv8.1-M. */
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) != 0 && defined(__GNUC__)
#define EW_HELIUM 1
#include <arm_mve.h>
#else
#define EW_HELIUM 0
#endif

/* GCC 12's vectoriser joins the products of complex numbers with their sums even where contraction is off. */
#if defined(__GNUC__) && !defined(__clang__)
#define EW_COMPLEX __attribute__((optimize("no-tree-vectorize", "fp-contract=off")))
#else
#define EW_COMPLEX
#endif

#if defined(__GNUC__)
#define EW_FN static __attribute__((unused))
/* Inlined where shapes are constants, and a function of such constants. */
#define EW_INLINE static __inline__ __attribute__((always_inline, unused))
#define EW_SHAPE static __attribute__((noinline, unused))
#define EW_DATA static const __attribute__((unused))
#else
#define EW_FN static
#define EW_INLINE static
#define EW_SHAPE static
#define EW_DATA static const
#endif

/* Weights that are read in words. Only where that is done: GCC 12 reads vectors from an array of a chosen alignment as if it had that of
   a vector (seen with -O3 -march=native on x86-64, a fault). */
#if defined(__GNUC__) && defined(__arm__)
#define EW_WORDS __attribute__((aligned(4)))
#else
#define EW_WORDS
#endif

#define EW_OK 0
#define EW_ERROR_SIGNAL (-1)     /* the callback returned an error */
#define EW_ERROR_NOT_FINITE (-2) /* a value of the window is not a number */
#define EW_ERROR_ARGUMENT (-3)   /* a null pointer or a wrong length */
#define EW_ERROR_ARENA (-4)      /* the arena is too small or not aligned to 4 bytes */

EW_FN uint32_t ew_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

EW_FN float ew_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

EW_FN int ew_is_finite(float x)
{
    return (ew_bits_of(x) & 0x7f800000u) != 0x7f800000u;
}
