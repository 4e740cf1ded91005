/* What the platform gives. `ei_porting.cpp` has weak definitions of all of them: define in your firmware what shall be another. */
#ifndef EW_EI_CLASSIFIER_PORTING_H
#define EW_EI_CLASSIFIER_PORTING_H

#include "../classifier/ei_impulse_errors.h"
#include <stddef.h>
#include <stdint.h>

#ifndef EI_C_LINKAGE
#define EI_C_LINKAGE 0
#endif

#if defined(__cplusplus) && EI_C_LINKAGE == 1
extern "C" {
#endif

/* Asked behind the features and behind the inference: EI_IMPULSE_CANCELED ends the call with that. */
#ifdef __cplusplus
EI_IMPULSE_ERROR ei_run_impulse_check_canceled();
#else
EI_IMPULSE_ERROR ei_run_impulse_check_canceled(void);
#endif

EI_IMPULSE_ERROR ei_sleep(int32_t time_ms);

/* Time since some moment; 0 where there is no clock, then all timings are 0. */
#ifdef __cplusplus
uint64_t ei_read_timer_ms();
uint64_t ei_read_timer_us();
char ei_getchar();
#else
uint64_t ei_read_timer_ms(void);
uint64_t ei_read_timer_us(void);
char ei_getchar(void);
#endif

void ei_putchar(char c);
void ei_printf(const char *format, ...);
void ei_printf_float(float f);
void ei_serial_set_baudrate(int baudrate);

/* Only for matrices without a buffer of the caller's, and for smoothing over more than EI_CLASSIFIER_SMOOTH_READINGS readings. */
void *ei_malloc(size_t size);
void *ei_calloc(size_t nitems, size_t size);
void ei_free(void *ptr);

#if defined(__cplusplus) && EI_C_LINKAGE == 1
}
#endif

#endif
