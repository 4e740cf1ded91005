/* The audio blocks and spectral analysis at their default parameters, put together from CMSIS-DSP's functions as its users do.
 * `tables.h` has the numbers of the block, `BLOCK_...` says which one. Sources of CMSIS-DSP are included from `-I`. */
#include "BasicMathFunctions/arm_dot_prod_f32.c"
#include "BasicMathFunctions/arm_offset_f32.c"
#include "BasicMathFunctions/arm_scale_f32.c"
#include "BasicMathFunctions/arm_clip_f32.c"
#include "CommonTables/arm_common_tables.c"
#include "CommonTables/arm_const_structs.c"
#include "ComplexMathFunctions/arm_cmplx_mag_squared_f32.c"
#include "FastMathFunctions/arm_vlog_f32.c"
#include "MatrixFunctions/arm_mat_vec_mult_f32.c"
#include "StatisticsFunctions/arm_accumulate_f32.c"
#include "StatisticsFunctions/arm_mean_f32.c"
#include "StatisticsFunctions/arm_rms_f32.c"
#include "SupportFunctions/arm_q15_to_float.c"
#include "TransformFunctions/arm_bitreversal2.c"
#include "TransformFunctions/arm_cfft_f32.c"
#include "TransformFunctions/arm_cfft_init_f32.c"
#include "TransformFunctions/arm_cfft_radix8_f32.c"
#include "TransformFunctions/arm_rfft_fast_f32.c"
#include "TransformFunctions/arm_rfft_fast_init_f32.c"

#include "board.h"
#include "tables.h"

void ew_mark_dsp(void);
void ew_mark_network(void);
void ew_mark_end(void);

static SAMPLE window[WINDOW_LEN];
static float32_t features[FEATURES];
static float32_t in[FFT], out[2 * FFT], power[FFT / 2 + 1];

#define LN_10 2.302585093f

#ifndef BLOCK_SPECTRAL
static arm_rfft_fast_instance_f32 rfft;

static void power_of_frame(float32_t scale)
{
    arm_rfft_fast_f32(&rfft, in, out, 0);
    power[0] = out[0] * out[0];
    power[FFT / 2] = out[1] * out[1];
    arm_cmplx_mag_squared_f32(out + 2, power + 1, FFT / 2 - 1);
    arm_scale_f32(power, scale / FFT, power, FFT / 2 + 1);
}

static void frame(int row)
{
    int i;
    arm_q15_to_float(window + row * STRIDE, in, USED);
    (void)i;
#ifdef EMPHASIS
    {
        const float32_t before = (float32_t)window[row > 0 ? row * STRIDE - 1 : WINDOW_LEN - 1] / 32768.0f;
        for (i = USED - 1; i > 0; i--) {
            in[i] -= EMPHASIS * in[i - 1];
        }
        in[0] -= EMPHASIS * before;
    }
#endif
    for (i = USED; i < FFT; i++) {
        in[i] = 0.0f;
    }
}

/* Decibels over the noise floor as a share of the range up to 12 dB, at least 0. */
static void decibels(float32_t *x, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        x[i] = x[i] < 1e-30f ? 1e-30f : x[i];
    }
    arm_vlog_f32(x, x, n);
    arm_scale_f32(x, 10.0f / LN_10 / (12.0f - (EDGE)), x, n);
    arm_offset_f32(x, -(EDGE) / (12.0f - (EDGE)), x, n);
}
#endif

#ifdef BLOCK_SPECTROGRAM
static void extract(void)
{
    int row;
    for (row = 0; row < ROWS; row++) {
        frame(row);
        power_of_frame(32768.0f * 32768.0f * SCALE * SCALE);
        memcpy(features + row * (FFT / 2 + 1), power, sizeof power);
    }
    decibels(features, FEATURES);
    arm_clip_f32(features, features, 0.0f, 1e30f, FEATURES);
}
#endif

#if defined BLOCK_MFE || defined BLOCK_MFCC
static void filters(float32_t *energy)
{
    const float32_t *weights = mel_weights;
    int i;
    for (i = 0; i < FILTERS; i++) {
        arm_dot_prod_f32(power + mel_first[i], weights, mel_count[i], energy + i);
        weights += mel_count[i];
        energy[i] = energy[i] == 0.0f ? 1e-10f : energy[i];
    }
}
#endif

#ifdef BLOCK_MFE
static void extract(void)
{
    int row, i;
    for (row = 0; row < ROWS; row++) {
        float32_t *to = features + row * FILTERS;
        frame(row);
        power_of_frame(32768.0f * 32768.0f * SCALE * SCALE);
        filters(to);
        decibels(to, FILTERS);
        arm_clip_f32(to, to, 0.0f, 1.0f, FILTERS);
        for (i = 0; i < FILTERS; i++) {
            to[i] = (float32_t)(int32_t)(to[i] * 256.0f + 0.5f) / 256.0f;
        }
    }
}
#endif

#ifdef BLOCK_MFCC
/* Sliding mean and variance over `NORMALISED` rows, edges mirrored. */
static void normalise(void)
{
    static float32_t y[ROWS];
    const int p = NORMALISED / 2;
    int c, i, j;
    for (c = 0; c < COLUMNS; c++) {
        float32_t sum = 0.0f, squares = 0.0f;
#define AT(k) mirror[(k) + p]
        for (j = -p; j <= p; j++) {
            sum += features[AT(j) * COLUMNS + c];
        }
        for (i = 0; i < ROWS; i++) {
            y[i] = features[i * COLUMNS + c] - sum / NORMALISED;
            sum += features[AT(i + p + 1) * COLUMNS + c] - features[AT(i - p) * COLUMNS + c];
        }
        sum = 0.0f;
        for (j = -p; j <= p; j++) {
            const float32_t v = y[AT(j)];
            sum += v;
            squares += v * v;
        }
        for (i = 0; i < ROWS; i++) {
            const float32_t mean = sum / NORMALISED, v = squares / NORMALISED - mean * mean;
            const float32_t in1 = y[AT(i + p + 1)], gone = y[AT(i - p)];
            float32_t deviation;
            arm_sqrt_f32(v > 0.0f ? v : 0.0f, &deviation);
            features[i * COLUMNS + c] = y[i] / (deviation + 1e-10f);
            sum += in1 - gone;
            squares += in1 * in1 - gone * gone;
        }
    }
}

static void extract(void)
{
    arm_matrix_instance_f32 cosine = {COLUMNS, FILTERS, (float32_t *)dct};
    static float32_t energy[FILTERS];
    int row;
    for (row = 0; row < ROWS; row++) {
        float32_t total, *to = features + row * COLUMNS;
        frame(row);
        power_of_frame(32768.0f * 32768.0f * SCALE * SCALE);
        filters(energy);
        arm_vlog_f32(energy, energy, FILTERS);
        arm_mat_vec_mult_f32(&cosine, energy, to);
        arm_accumulate_f32(power, FFT / 2 + 1, &total);
        total = total == 0.0f ? 1e-10f : total;
        arm_vlog_f32(&total, to, 1);
    }
    normalise();
}
#endif

#ifdef BLOCK_SPECTRAL
/* A transform of 16 is below what CMSIS-DSP has for real values (32), so it is the complex one. */
static arm_cfft_instance_f32 cfft;

static void moments(const float32_t *x, int n, float32_t mean, float32_t *skewness, float32_t *kurtosis)
{
    float32_t s2 = 0.0f, s3 = 0.0f, s4 = 0.0f, root;
    int i;
    for (i = 0; i < n; i++) {
        const float32_t d = x[i] - mean, d2 = d * d;
        s2 += d2;
        s3 += d2 * d;
        s4 += d2 * d2;
    }
    s2 /= n;
    s3 /= n;
    s4 /= n;
    arm_sqrt_f32(s2, &root);
    *skewness = s3 / s2 / root;
    *kurtosis = s4 / s2 / s2 - 3.0f;
}

static void extract(void)
{
    static float32_t x[FRAMES], most[FFT / 2 + 1];
    int axis, i, start;
    for (axis = 0; axis < AXES; axis++) {
        float32_t mean, *to = features + axis * (FEATURES / AXES);
        for (i = 0; i < FRAMES; i++) {
            x[i] = window[i * AXES + axis];
        }
        arm_mean_f32(x, FRAMES, &mean);
        arm_offset_f32(x, -mean, x, FRAMES);
        memset(most, 0, sizeof most);
        for (start = 0; start <= FRAMES; start += HOP) {
            const int there = FFT < FRAMES - start ? FFT : FRAMES - start;
            for (i = 0; i < FFT; i++) {
                out[2 * i] = i < there ? x[start + i] : 0.0f;
                out[2 * i + 1] = 0.0f;
            }
            arm_cfft_f32(&cfft, out, 0, 1);
            arm_cmplx_mag_squared_f32(out, power, FFT / 2 + 1);
            arm_scale_f32(power, 1.0f / FFT, power, FFT / 2 + 1);
            for (i = 0; i <= FFT / 2; i++) {
                most[i] = power[i] > most[i] ? power[i] : most[i];
            }
        }
        arm_rms_f32(x, FRAMES, to);
        moments(x, FRAMES, 0.0f, to + 1, to + 2);
        arm_mean_f32(most, FFT / 2 + 1, &mean);
        moments(most, FFT / 2 + 1, mean, to + 3, to + 4);
        for (i = 0; i < BINS; i++) {
            const float32_t v = most[FIRST_BIN + i];
            to[5 + i] = v == 0.0f ? 1e-10f : v;
        }
        arm_vlog_f32(to + 5, to + 5, BINS);
        arm_scale_f32(to + 5, 1.0f / LN_10, to + 5, BINS);
    }
}
#endif

int main(void)
{
    const int from = board_open("window.bin", 0), into = board_open("features.bin", 1);
    if (board_read(from, window, sizeof window) != 0) {
        return 2;
    }
#ifdef BLOCK_SPECTRAL
    arm_cfft_init_16_f32(&cfft);
#else
    INIT(&rfft);
#endif
    ew_mark_dsp();
    extract();
    ew_mark_network();
    ew_mark_end();
    return board_write(into, features, sizeof features) == 0 ? 0 : 3;
}
