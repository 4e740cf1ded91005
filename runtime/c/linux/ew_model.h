/* The library behind a program, as `ew_model_config.h` names it: from the values of a message to what is told of them. */
#ifndef EW_MODEL_H
#define EW_MODEL_H

#include "ew_model_config.h"
#include "ew_reply.h"
#include <stdint.h>
#include <string.h>
#include <time.h>

static uint32_t arena[(EW_MODEL_ARENA_SIZE + 3) / 4];
static EW_MODEL_HANDLE handle;
static float window[EW_MODEL_WINDOW_LEN], features[EW_MODEL_FEATURE_COUNT], outputs[EW_MODEL_OUTPUT_COUNT];
static float values[EW_MODEL_INPUT_COUNT];
#ifdef EW_MODEL_DECODE
#define BOXES 1
static float threshold = EW_MODEL_BOX_THRESHOLD;
#else
#define BOXES 0
#endif

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* From the values of a message to those of a window. */
static void unpack(const float *from)
{
#if EW_MODEL_CHANNELS > 0
    int i;
    for (i = 0; i < EW_MODEL_INPUT_COUNT; i++) {
        const float v = from[i];
        const uint32_t pixel = v >= 0.0f && v <= 16777215.0f ? (uint32_t)v : 0u;
#if EW_MODEL_CHANNELS == 3
        window[3 * i] = (float)(pixel >> 16);
        window[3 * i + 1] = (float)(pixel >> 8 & 0xffu);
        window[3 * i + 2] = (float)(pixel & 0xffu);
#else
        window[i] = (float)(pixel & 0xffu);
#endif
    }
#else
    memcpy(window, from, sizeof window);
#endif
}

/* When the work began, the features were there, the outputs were there. */
struct times {
    double begun, extracted, classified;
};

/* Outputs of the values of a message; other than 0 when one of them is not a number. */
static int compute(const float *from, struct times *times)
{
    EW_MODEL_SIGNAL signal_of_window;
    int status;
    times->begun = now_ms();
    unpack(from);
    signal_of_window = EW_MODEL_SIGNAL_F32(window);
    status = EW_MODEL_EXTRACT(&handle, &signal_of_window, features, EW_MODEL_FEATURE_COUNT);
    times->extracted = now_ms();
    if (status == 0) {
        status = EW_MODEL_INVOKE(&handle, features, EW_MODEL_FEATURE_COUNT, outputs, EW_MODEL_OUTPUT_COUNT);
    }
    times->classified = now_ms();
    return status;
}

/* Classes and anomaly score, or boxes. */
static void tell(void)
{
    int i;
#ifdef EW_MODEL_DECODE
    static const char *const labels[] = EW_MODEL_LABELS;
    static EW_MODEL_BOX boxes[EW_MODEL_BOX_MAX];
    const int count = EW_MODEL_DECODE(outputs + EW_MODEL_CELLS_AT, threshold, boxes);
    say("\"bounding_boxes\":[");
    for (i = 0; i < count; i++) {
        say("%s{\"label\":%s,\"value\":", i > 0 ? "," : "", labels[boxes[i].label]);
        say_number((double)boxes[i].score);
        say(",\"x\":%d,\"y\":%d,\"width\":%d,\"height\":%d}", boxes[i].x, boxes[i].y, boxes[i].width, boxes[i].height);
    }
    say("]");
    i = 1;
#else
    if (EW_MODEL_LABEL_COUNT > 0) {
        static const char *const labels[] = EW_MODEL_LABELS;
        say("\"classification\":{");
        for (i = 0; i < EW_MODEL_LABEL_COUNT; i++) {
            say("%s%s:", i > 0 ? "," : "", labels[i]);
            say_number((double)outputs[i + EW_MODEL_LABELS_AT]);
        }
        say("}");
    }
    i = EW_MODEL_LABEL_COUNT;
#endif
    if (EW_MODEL_ANOMALY_AT >= 0) {
        say("%s\"anomaly\":", i > 0 ? "," : "");
        say_number((double)outputs[EW_MODEL_ANOMALY_AT < 0 ? 0 : EW_MODEL_ANOMALY_AT]);
    }
}

/* What is asked of the program itself: its exit status, or -1 when nothing was. */
static int asked(const char *what)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"--print-manifest", EW_MODEL_MANIFEST}, {"--print-proof", EW_MODEL_PROOF}, {"--print-licence", EW_MODEL_LICENCE}};
    size_t i;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(what, texts[i].name) == 0) {
            fputs(texts[i].text, stdout);
            return 0;
        }
    }
#ifdef EW_MODEL_SELFTEST
    if (strcmp(what, "--self-test") == 0) {
        const int status = EW_MODEL_SELFTEST();
        if (status == 0) {
            puts("all windows agree with the reference bit for bit");
        } else {
            printf("the self-test failed with %d: above 0, that window DIFFERS from the reference\n", status);
        }
        return status == 0 ? 0 : 1;
    }
#endif
    return -1;
}

#endif
