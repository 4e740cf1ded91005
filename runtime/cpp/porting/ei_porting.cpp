/* Weak definitions of the porting layer: POSIX, Arduino, and the C library alone (then there is no clock, and timings are 0).
 * What your firmware defines takes their place. */
#if !defined(ARDUINO) && (defined(__unix__) || defined(__APPLE__)) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "ei_classifier_porting.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(ARDUINO)
#include <Arduino.h>
#elif defined(__unix__) || defined(__APPLE__)
#define EW_POSIX_CLOCK 1
#include <time.h>
#endif

#if defined(__GNUC__) || defined(__clang__) || defined(__ARMCC_VERSION) || defined(__ICCARM__)
#define EW_WEAK __attribute__((weak))
#else
#define EW_WEAK
#endif

EW_WEAK EI_IMPULSE_ERROR ei_run_impulse_check_canceled()
{
    return EI_IMPULSE_OK;
}

EW_WEAK uint64_t ei_read_timer_us()
{
#if defined(ARDUINO)
    return static_cast<uint64_t>(micros());
#elif defined(EW_POSIX_CLOCK)
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000u + static_cast<uint64_t>(t.tv_nsec) / 1000u;
#else
    return 0;
#endif
}

EW_WEAK uint64_t ei_read_timer_ms()
{
#if defined(ARDUINO)
    return static_cast<uint64_t>(millis());
#else
    return ei_read_timer_us() / 1000u;
#endif
}

/* Without a clock it cannot wait, and says so. */
EW_WEAK EI_IMPULSE_ERROR ei_sleep(int32_t time_ms)
{
#if defined(ARDUINO)
    delay(static_cast<unsigned long>(time_ms > 0 ? time_ms : 0));
    return EI_IMPULSE_OK;
#elif defined(EW_POSIX_CLOCK)
    struct timespec t;
    t.tv_sec = time_ms > 0 ? time_ms / 1000 : 0;
    t.tv_nsec = time_ms > 0 ? time_ms % 1000 * 1000000L : 0;
    nanosleep(&t, NULL);
    return EI_IMPULSE_OK;
#else
    return time_ms > 0 ? EI_IMPULSE_DEVICE_INIT_ERROR : EI_IMPULSE_OK;
#endif
}

EW_WEAK void ei_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
#if defined(ARDUINO)
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    Serial.print(text);
#else
    vprintf(format, args);
#endif
    va_end(args);
}

/* Five places behind the point, without the C library's formatting of floats, which small ones do not have. */
EW_WEAK void ei_printf_float(float f)
{
    if (f != f) {
        ei_printf("nan");
        return;
    }
    if (f < 0.0f) {
        ei_printf("-");
        f = -f;
    }
    if (f > 4294967040.0f) {
        ei_printf(f > 3.4028235e38f ? "inf" : "over 4294967040");
        return;
    }
    unsigned long whole = static_cast<unsigned long>(f);
    unsigned long part = static_cast<unsigned long>((f - static_cast<float>(whole)) * 100000.0f + 0.5f);
    if (part >= 100000ul) {
        whole++;
        part -= 100000ul;
    }
    ei_printf("%lu.%05lu", whole, part);
}

EW_WEAK void ei_putchar(char c)
{
    ei_printf("%c", c);
}

EW_WEAK char ei_getchar()
{
#if defined(ARDUINO)
    return static_cast<char>(Serial.read());
#elif defined(EW_POSIX_CLOCK)
    return static_cast<char>(getchar());
#else
    return 0;
#endif
}

EW_WEAK void ei_serial_set_baudrate(int baudrate)
{
    (void)baudrate;
}

EW_WEAK void *ei_malloc(size_t size)
{
    return malloc(size);
}

EW_WEAK void *ei_calloc(size_t nitems, size_t size)
{
    return calloc(nitems, size);
}

EW_WEAK void ei_free(void *ptr)
{
    free(ptr);
}
