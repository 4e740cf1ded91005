/* The same products for cores with Helium (Cortex-M55, M85): sixteen multiply-accumulates an instruction.
 *
 * Inputs of a row are a multiple of sixteen, with weights of zero where nothing was: what an input holds there does not
 * matter. In a convolution blocks of sixteen weights of two rows alternate, and the last row of an odd number stands alone
 * behind them; in a dense layer those of four rows alternate, with rows of zeros behind the last. `half` of a channel is its
 * shift to the left, below zero.
 */

/* GCC 12 takes a predicated store for one of all lanes, and moves loads of MVE across plain stores: nothing passes this. */
#if EW_HELIUM
#define EW_HELIUM_ORDER() __asm__ volatile("" : : : "memory")
#else
#define EW_HELIUM_ORDER() ((void)0)
#endif

EW_FN int8_t ew_finish_blocks(int32_t x, const ew_channel *c, const ew_matrix *m)
{
    ew_channel channel = *c;
    channel.half = -1 - c->half;
    return ew_finish(x, &channel, m);
}

/* Four columns, one behind the other, against an even number of rows; the outputs of a column lie `stride` after those of
 * the one before. */
#if EW_HELIUM
/* Sums: r0, r4, r8, r12 of the columns with the first row, r2, r6, r10, lr with the second. */
#define EW_HELIUM_STEP(mac)                                                                                            \
    "vldrb.u8 q0, [r1], #16\n\t"                                                                                       \
    "vldrb.u8 q2, [r5], #16\n\t" mac " r0, q0, q2\n\t"                                                                 \
    "vldrb.u8 q1, [r1], #16\n\t" mac " r2, q1, q2\n\t"                                                                 \
    "vldrb.u8 q3, [r7], #16\n\t" mac " r4, q0, q3\n\t" mac " r6, q1, q3\n\t"                                           \
    "vldrb.u8 q2, [r9], #16\n\t" mac " r8, q0, q2\n\t" mac " r10, q1, q2\n\t"                                          \
    "vldrb.u8 q3, [r11], #16\n\t" mac " r12, q0, q3\n\t" mac " lr, q1, q3\n\t"
/* q4 offsets of the outputs of both rows, q5 and q6 their limits. Stack: 0 the four columns, 16 channels, 20 outputs, 24 end
 * of the channels, 28 steps after the first, made even, 32 zero point, 36 where to go after the first step. */
#define EW_HELIUM_BEGIN                                                                                                \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "vpush {d8-d13}\n\t"                                                                                               \
    "sub sp, #40\n\t"                                                                                                  \
    "ldmia r1, {r4, r5, r6, r7, r8, r9, r10}\n\t" /* weights, channels, inputs, outputs, zero, min, max */             \
    "vdup.16 q5, r9\n\t"                                                                                               \
    "vdup.16 q6, r10\n\t"                                                                                              \
    "asrs r8, r8, #1\n\t"                                                                                              \
    "str r8, [sp, #32]\n\t"                                                                                            \
    "add r11, r0, r6\n\t"                                                                                              \
    "strd r0, r11, [sp]\n\t"                                                                                           \
    "add r11, r11, r6\n\t"                                                                                             \
    "add r12, r11, r6\n\t"                                                                                             \
    "strd r11, r12, [sp, #8]\n\t"                                                                                      \
    "strd r5, r2, [sp, #16]\n\t"                                                                                       \
    "bic r7, r7, #1\n\t"                                                                                               \
    "add r7, r7, r7, lsl #1\n\t"                                                                                       \
    "add r7, r5, r7, lsl #2\n\t"                                                                                       \
    "lsrs r6, r6, #4\n\t"                                                                                              \
    "and r8, r6, #0xfffffffe\n\t"                                                                                      \
    "strd r7, r8, [sp, #24]\n\t"                                                                                       \
    "adr.w r0, 3f + 1\n\t"                                                                                             \
    "cmp r6, #1\n\t"                                                                                                   \
    "beq 5f\n\t"                                                                                                       \
    "adr.w r0, 2f + 1\n\t"                                                                                             \
    "lsls r6, r6, #31\n\t"                                                                                             \
    "bne 5f\n\t"                                                                                                       \
    "adr.w r0, 4f + 1\n"                                                                                               \
    "5:\n\t"                                                                                                           \
    "str r0, [sp, #36]\n\t"                                                                                            \
    "mov r0, #0x10000\n\t"                                                                                             \
    "add r3, r3, r3, lsl #16\n\t"                                                                                      \
    "add r5, r0, r3\n\t"                                                                                               \
    "add r6, r0, r3, lsl #1\n\t"                                                                                       \
    "add r7, r6, r3\n\t"                                                                                               \
    "vmov q4[2], q4[0], r6, r0\n\t"                                                                                    \
    "vmov q4[3], q4[1], r7, r5\n\t"                                                                                    \
    "mov r1, r4\n"                                                                                                     \
    "1:\n\t"                                                                                                           \
    "ldrd r5, r7, [sp]\n\t"                                                                                            \
    "ldrd r9, r11, [sp, #8]\n\t"                                                                                       \
    "ldr r3, [sp, #28]\n\t" EW_HELIUM_STEP("vmladav.s8") /**/                                                          \
    "ldr pc, [sp, #36]\n"                                                                                              \
    "2:\n\t" EW_HELIUM_STEP("vmladava.s8") /**/                                                                        \
    "4:\n\t" EW_HELIUM_STEP("vmladava.s8") /**/                                                                        \
    "subs r3, #2\n\t"                                                                                                  \
    "bgt 2b\n"                                                                                                         \
    "3:\n\t"                                                                                                           \
    "vmov q0[2], q0[0], r8, r0\n\t"                                                                                    \
    "vmov q0[3], q0[1], r12, r4\n\t"                                                                                   \
    "vmov q1[2], q1[0], r10, r2\n\t"                                                                                   \
    "vmov q1[3], q1[1], lr, r6\n\t"                                                                                    \
    "ldrd r0, r2, [sp, #16]\n\t"                                                                                       \
    "ldmia r0!, {r3, r4, r5, r6, r7, r8}\n\t"                                                                          \
    "ldr r9, [sp, #32]\n\t"
/* `adr` counts from a multiple of four, so the function begins at one: GCC aligns to two where it does not optimise for speed.
 * _relu: outputs of a layer whose limits are those of a byte and whose zero point is the smallest; _any: others. Halves are
 * rounded up; those below zero are to go down, which cannot be seen where all below zero becomes the smallest. */
#define EW_HELIUM_DOWN                                                                                                 \
    "vshr.s32 q2, q0, #31\n\tvadd.i32 q0, q0, q2\n\tvshr.s32 q3, q1, #31\n\tvadd.i32 q1, q1, q3\n\t"
#define EW_HELIUM_SAME ""
#define EW_HELIUM_BYTE "vqmovnb.s16 q0, q0\n\t"
#define EW_HELIUM_LIMITS "vmax.s16 q0, q0, q5\n\tvmin.s16 q0, q0, q6\n\t"
#define EW_HELIUM_TILE(name, down, limit)                                                                                     \
    __attribute__((naked, noinline, unused, aligned(4))) static void name(                                             \
        const int8_t *x __attribute__((unused)), const ew_matrix *m __attribute__((unused)),                           \
        int8_t *out __attribute__((unused)), int32_t stride __attribute__((unused)))                                   \
    {                                                                                                                  \
        __asm__ volatile(EW_HELIUM_BEGIN                                                                               \
                         "vadd.i32 q0, q0, r3\n\t"                                                                     \
                         "vadd.i32 q1, q1, r6\n\t"                                                                     \
                         "vqrdmulh.s32 q0, q0, r4\n\t"                                                                 \
                         "vqrdmulh.s32 q1, q1, r7\n\t" down "vrshl.s32 q0, r5\n\t"                                     \
                         "vrshl.s32 q1, r8\n\t"                                                                        \
                         "vqmovnb.s32 q0, q0\n\t"                                                                      \
                         "vqmovnt.s32 q0, q1\n\t"                                                                      \
                         "vqadd.s16 q0, q0, r9\n\t" limit /**/                                                         \
                         "ldr r3, [sp, #24]\n\t"                                                                       \
                         "vstrb.16 q0, [r2, q4]\n\t"                                                                   \
                         "adds r2, #2\n\t"                                                                             \
                         "strd r0, r2, [sp, #16]\n\t"                                                                  \
                         "cmp r0, r3\n\t"                                                                              \
                         "bne.w 1b\n\t"                                                                                \
                         "add sp, #40\n\t"                                                                             \
                         "vpop {d8-d13}\n\t"                                                                           \
                         "pop {r4-r11, pc}\n\t");                                                                      \
    }
EW_HELIUM_TILE(ew_tile_helium_relu, EW_HELIUM_SAME, EW_HELIUM_BYTE)
EW_HELIUM_TILE(ew_tile_helium_any, EW_HELIUM_DOWN, EW_HELIUM_LIMITS)
/* The same for rows of sixteen inputs: the columns stay where they are, in q2 to q5. r1 weights, r3 channels, r5 outputs,
 * r7 end of the channels, r9 and r11 limits. */
#define EW_HELIUM_DOWN_1                                                                                               \
    "vshr.s32 q7, q0, #31\n\tvadd.i32 q0, q0, q7\n\tvshr.s32 q7, q1, #31\n\tvadd.i32 q1, q1, q7\n\t"
#define EW_HELIUM_LIMITS_1                                                                                             \
    "vdup.16 q7, r9\n\tvmax.s16 q0, q0, q7\n\tvdup.16 q7, r11\n\tvmin.s16 q0, q0, q7\n\t"
#define EW_HELIUM_TILE_1(name, down, limit)                                                                                   \
    __attribute__((naked, noinline, unused)) static void name(                                                         \
        const int8_t *x __attribute__((unused)), const ew_matrix *m __attribute__((unused)),                           \
        int8_t *out __attribute__((unused)), int32_t stride __attribute__((unused)))                                   \
    {                                                                                                                  \
        __asm__ volatile("push {r4-r11, lr}\n\t"                                                                       \
                         "vpush {d8-d15}\n\t"                                                                          \
                         "sub sp, #8\n\t"                                                                              \
                         "vldrb.u8 q2, [r0], #16\n\t"                                                                  \
                         "vldrb.u8 q3, [r0], #16\n\t"                                                                  \
                         "vldrb.u8 q4, [r0], #16\n\t"                                                                  \
                         "vldrb.u8 q5, [r0], #16\n\t"                                                                  \
                         "mov lr, r3\n\t"                                                                              \
                         "mov r5, r2\n\t"                                                                              \
                         "ldmia r1, {r4, r6, r7, r8, r10, r11, r12}\n\t"                                               \
                         "mov r1, r4\n\t"                                                                              \
                         "mov r3, r6\n\t"                                                                              \
                         "bic r8, r8, #1\n\t"                                                                          \
                         "add r8, r8, r8, lsl #1\n\t"                                                                  \
                         "add r7, r6, r8, lsl #2\n\t"                                                                  \
                         "asrs r10, r10, #1\n\t"                                                                       \
                         "str r10, [sp]\n\t"                                                                           \
                         "mov r9, r11\n\t"                                                                             \
                         "mov r11, r12\n\t"                                                                            \
                         "mov r0, #0x10000\n\t"                                                                        \
                         "add lr, lr, lr, lsl #16\n\t"                                                                 \
                         "add r2, r0, lr\n\t"                                                                          \
                         "add r4, r0, lr, lsl #1\n\t"                                                                  \
                         "add r6, r4, lr\n\t"                                                                          \
                         "vmov q6[2], q6[0], r4, r0\n\t"                                                               \
                         "vmov q6[3], q6[1], r6, r2\n"                                                                 \
                         "1:\n\t"                                                                                      \
                         "vldrb.u8 q0, [r1], #16\n\t"                                                                  \
                         "vmladav.s8 r0, q0, q2\n\t"                                                                   \
                         "vldrb.u8 q1, [r1], #16\n\t"                                                                  \
                         "vmladav.s8 r2, q1, q2\n\t"                                                                   \
                         "vmladav.s8 r4, q0, q3\n\t"                                                                   \
                         "vmladav.s8 r6, q1, q3\n\t"                                                                   \
                         "vmladav.s8 r8, q0, q4\n\t"                                                                   \
                         "vmladav.s8 r10, q1, q4\n\t"                                                                  \
                         "vmladav.s8 r12, q0, q5\n\t"                                                                  \
                         "vmladav.s8 lr, q1, q5\n\t"                                                                   \
                         "vmov q0[2], q0[0], r8, r0\n\t"                                                               \
                         "vmov q0[3], q0[1], r12, r4\n\t"                                                              \
                         "vmov q1[2], q1[0], r10, r2\n\t"                                                              \
                         "vmov q1[3], q1[1], lr, r6\n\t"                                                               \
                         "ldmia r3!, {r0, r2, r4, r6, r8, r10}\n\t"                                                    \
                         "ldr r12, [sp]\n\t"                                                                           \
                         "vadd.i32 q0, q0, r0\n\t"                                                                     \
                         "vadd.i32 q1, q1, r6\n\t"                                                                     \
                         "vqrdmulh.s32 q0, q0, r2\n\t"                                                                 \
                         "vqrdmulh.s32 q1, q1, r8\n\t"                                                                 \
                         down /**/                                                                                     \
                         "vrshl.s32 q0, r4\n\t"                                                                        \
                         "vrshl.s32 q1, r10\n\t"                                                                       \
                         "vqmovnb.s32 q0, q0\n\t"                                                                      \
                         "vqmovnt.s32 q0, q1\n\t"                                                                      \
                         "vqadd.s16 q0, q0, r12\n\t" limit /**/                                                        \
                         "vstrb.16 q0, [r5, q6]\n\t"                                                                   \
                         "adds r5, #2\n\t"                                                                             \
                         "cmp r3, r7\n\t"                                                                              \
                         "bne.w 1b\n\t"                                                                                \
                         "add sp, #8\n\t"                                                                              \
                         "vpop {d8-d15}\n\t"                                                                           \
                         "pop {r4-r11, pc}\n\t");                                                                      \
    }
EW_HELIUM_TILE_1(ew_tile_helium_relu_1, EW_HELIUM_SAME, EW_HELIUM_BYTE)
EW_HELIUM_TILE_1(ew_tile_helium_any_1, EW_HELIUM_DOWN_1, EW_HELIUM_LIMITS_1)
#else
EW_FN void ew_tile_helium_any(const int8_t *x, const ew_matrix *m, int8_t *out, int32_t stride)
{
    int32_t c, p, i;
    for (c = 0; c < m->outputs - m->outputs % 2; c++) {
        const int8_t *const w = m->weights + c / 2 * 2 * m->inputs + c % 2 * 16;
        for (p = 0; p < 4; p++) {
            int32_t sum = m->channels[c].bias;
            for (i = 0; i < m->inputs; i++) {
                sum += w[i / 16 * 32 + i % 16] * x[p * m->inputs + i];
            }
            out[p * stride + c] = ew_finish_blocks(sum, m->channels + c, m);
        }
    }
}
#define ew_tile_helium_relu ew_tile_helium_any
#define ew_tile_helium_relu_1 ew_tile_helium_any
#define ew_tile_helium_any_1 ew_tile_helium_any
#endif

/* One column of `inputs` against four rows; sums begin as the biases. */
#if EW_HELIUM
__attribute__((naked, noinline, unused)) static void ew_rows_helium(const int8_t *x __attribute__((unused)),
                                                                    const int8_t *w __attribute__((unused)),
                                                                    int32_t inputs __attribute__((unused)),
                                                                    int32_t *sums __attribute__((unused)))
{
    __asm__ volatile("push {r4, r6, r8, r10}\n\t"
                     "ldrd r4, r6, [r3]\n\t"
                     "ldrd r8, r10, [r3, #8]\n"
                     "1:\n\t"
                     "vldrb.u8 q0, [r0], #16\n\t"
                     "vldrb.u8 q1, [r1], #16\n\t"
                     "vmladava.s8 r4, q0, q1\n\t"
                     "vldrb.u8 q2, [r1], #16\n\t"
                     "vmladava.s8 r6, q0, q2\n\t"
                     "vldrb.u8 q1, [r1], #16\n\t"
                     "vmladava.s8 r8, q0, q1\n\t"
                     "vldrb.u8 q2, [r1], #16\n\t"
                     "vmladava.s8 r10, q0, q2\n\t"
                     "subs r2, #16\n\t"
                     "bgt 1b\n\t"
                     "strd r4, r6, [r3]\n\t"
                     "strd r8, r10, [r3, #8]\n\t"
                     "pop {r4, r6, r8, r10}\n\t"
                     "bx lr\n\t");
}
#else
EW_FN void ew_rows_helium(const int8_t *x, const int8_t *w, int32_t inputs, int32_t *sums)
{
    int32_t i, r;
    for (i = 0; i < inputs; i++) {
        for (r = 0; r < 4; r++) {
            sums[r] += w[i / 16 * 64 + r * 16 + i % 16] * x[i];
        }
    }
}
#endif

EW_INLINE void ew_move_helium(int8_t *to, const int8_t *from, int32_t n)
{
#if EW_HELIUM
    if (__builtin_constant_p(n) && n < 16) {
        memcpy(to, from, (size_t)n);
        return;
    }
    for (; n >= 16; n -= 16, to += 16, from += 16) {
        vstrbq_s8(to, vldrbq_s8(from));
    }
    if (n > 0) {
        const mve_pred16_t some = vctp8q((uint32_t)n);
        EW_HELIUM_ORDER();
        vstrbq_p_s8(to, vldrbq_z_s8(from, some), some);
    }
    EW_HELIUM_ORDER();
#else
    memcpy(to, from, (size_t)n);
#endif
}

EW_INLINE void ew_fill_helium(int8_t *to, int32_t value, int32_t n)
{
#if EW_HELIUM
    const int8x16_t all = vdupq_n_s8((int8_t)value);
    if (__builtin_constant_p(n) && n < 16) {
        memset(to, value, (size_t)n);
        return;
    }
    for (; n >= 16; n -= 16, to += 16) {
        vstrbq_s8(to, all);
    }
    if (n > 0) {
        EW_HELIUM_ORDER();
        vstrbq_p_s8(to, all, vctp8q((uint32_t)n));
    }
    EW_HELIUM_ORDER();
#else
    memset(to, value, (size_t)n);
#endif
}

/* The inputs under one output of a convolution, in the order of the weights. */
EW_INLINE void ew_patch_helium(const ew_geometry *g, const int8_t *x, int32_t zero, int32_t oy, int32_t ox, int8_t *to)
{
    const int32_t row = g->kernel_w * g->in_c, left = ox * g->stride_w - g->pad_w, top = oy * g->stride_h - g->pad_h;
    int32_t ky, kx;
    if (g->dilation_h == 1 && g->dilation_w == 1 && top >= 0 && top + g->kernel_h <= g->in_h && left >= 0 &&
        left + g->kernel_w <= g->in_w) {
        x += (top * g->in_w + left) * g->in_c;
#if EW_HELIUM && !defined(__clang__)
#pragma GCC unroll 16
#endif
        for (ky = 0; ky < g->kernel_h; ky++, to += row, x += g->in_w * g->in_c) {
            ew_move_helium(to, x, row);
        }
        return;
    }
    for (ky = 0; ky < g->kernel_h; ky++, to += row) {
        const int32_t iy = top + ky * g->dilation_h;
        const int8_t *const from = x + (iy * g->in_w + left) * g->in_c;
        if (iy < 0 || iy >= g->in_h) {
            ew_fill_helium(to, zero, row);
        } else if (g->dilation_w > 1) {
            for (kx = 0; kx < g->kernel_w; kx++) {
                const int32_t ix = left + kx * g->dilation_w;
                if (ix < 0 || ix >= g->in_w) {
                    ew_fill_helium(to + kx * g->in_c, zero, g->in_c);
                } else {
                    ew_move_helium(to + kx * g->in_c, from + kx * g->dilation_w * g->in_c, g->in_c);
                }
            }
        } else if (left >= 0 && left + g->kernel_w <= g->in_w) {
            ew_move_helium(to, from, row);
        } else {
            const int32_t first = left < 0 ? -left : 0;
            const int32_t end = left + g->kernel_w > g->in_w ? g->in_w - left : g->kernel_w;
            ew_fill_helium(to, zero, row);
            if (first < end) {
                ew_move_helium(to + first * g->in_c, from + first * g->in_c, (end - first) * g->in_c);
            }
        }
    }
}

typedef void (*ew_tile_helium)(const int8_t *x, const ew_matrix *m, int8_t *out, int32_t stride);

/* Up to four columns against all rows; `spare` takes the outputs of four. */
EW_INLINE void ew_columns_helium(const ew_geometry *g, int32_t inputs, const int8_t *x, int32_t n, const ew_matrix *m,
                                 ew_tile_helium tile, int8_t *spare, int8_t *out)
{
    int8_t *const to = n == 4 ? out : spare;
    /* Rows come in pairs; of one row there is none. */
    if (g->out_c > 1) {
        tile(x, m, to, g->out_c);
    }
    if (g->out_c % 2 == 1) {
        const int32_t last = g->out_c - 1;
        const int8_t *const w = m->weights + last * inputs;
        int32_t p, i;
        for (p = 0; p < n; p++) {
            int32_t sum = m->channels[last].bias;
            for (i = 0; i < inputs; i++) {
                sum += w[i] * x[p * inputs + i];
            }
            to[p * g->out_c + last] = ew_finish_blocks(sum, m->channels + last, m);
        }
    }
    if (n < 4) {
        ew_move_helium(out, spare, n * g->out_c);
    }
}

/* Scratch: four patches, four columns of outputs. Inputs that lie together as the weights want them are not copied. Each
 * shape has a function of its own, in which `g` and `inputs` are constants. */
EW_INLINE void ew_conv2d_helium(const ew_geometry *g, int32_t inputs, const int8_t *x, int32_t in_zero, const ew_matrix *m,
                                ew_tile_helium tile, int8_t *scratch, int8_t *out)
{
    int8_t *const spare = scratch + 4 * inputs;
    int32_t oy, ox, n = 0;
    if (g->kernel_h * g->kernel_w == 1 && g->in_h == g->out_h && g->in_w == g->out_w && inputs == g->in_c) {
        for (n = g->out_h * g->out_w; n >= 4; n -= 4, x += 4 * inputs, out += 4 * g->out_c) {
            ew_columns_helium(g, inputs, x, 4, m, tile, spare, out);
        }
        ew_move_helium(scratch, x, n * inputs);
    } else {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                ew_patch_helium(g, x, in_zero, oy, ox, scratch + n * inputs);
                n++;
                if (n == 4) {
                    ew_columns_helium(g, inputs, scratch, 4, m, tile, spare, out);
                    out += 4 * g->out_c;
                    n = 0;
                }
            }
        }
    }
    if (n > 0) {
        ew_columns_helium(g, inputs, scratch, n, m, tile, spare, out);
    }
}

#if EW_HELIUM
/* ew_finish_blocks of up to four sums. */
EW_FN void ew_finish_helium(const int32_t *sums, const ew_channel *c, const ew_matrix *m, int32_t n, int8_t *out)
{
    const mve_pred16_t some = vctp32q((uint32_t)n);
    const uint32x4_t each = vmulq_n_u32(vidupq_n_u32(0u, 1), (uint32_t)sizeof *c);
    const int32x4_t multiplier = vldrwq_gather_offset_z_s32(&c->multiplier, each, some);
    const int32x4_t shift = vldrwq_gather_offset_z_s32(&c->half, each, some);
    int32x4_t x = vldrwq_s32(sums);
    if (m->rounding == 0) {
        x = vqrdmulhq_s32(x, multiplier);
        x = vaddq_s32(x, vshrq_n_s32(x, 31));
        x = vaddq_n_s32(vrshlq_s32(x, shift), m->zero >> 1);
    } else {
        const int32x4_t half = vmvnq_s32(shift);
        const int32x4_t zero = vshrq_n_s32(vshlq_s32(vdupq_n_s32(m->zero), half), 1);
        x = vshlq_s32(vaddq_s32(vmulhq_s32(x, multiplier), zero), vnegq_s32(half));
    }
    x = vminq_s32(vmaxq_s32(x, vdupq_n_s32(m->min)), vdupq_n_s32(m->max));
    EW_HELIUM_ORDER();
    vstrbq_p_s32(out, x, some);
    EW_HELIUM_ORDER();
}
#endif

/* Scratch: the inputs, where they have to be filled up. */
EW_FN void ew_fully_connected_helium(const ew_matrix *m, const int8_t *x, int32_t inputs, int8_t *scratch, int8_t *out)
{
    const int8_t *w = m->weights;
    int32_t c, r;
    if (inputs != m->inputs) {
        ew_move_helium(scratch, x, inputs);
        x = scratch;
    }
    for (c = 0; c < m->outputs; c += 4, w += 4 * m->inputs) {
        const int32_t rows = m->outputs - c < 4 ? m->outputs - c : 4;
        int32_t sums[4] = {0, 0, 0, 0};
        for (r = 0; r < rows; r++) {
            sums[r] = m->channels[c + r].bias;
        }
        ew_rows_helium(x, w, m->inputs, sums);
#if EW_HELIUM
        if (m->rounding == 0 || m->rounding == 3) {
            ew_finish_helium(sums, m->channels + c, m, rows, out + c);
            continue;
        }
#endif
        for (r = 0; r < rows; r++) {
            out[c + r] = ew_finish_blocks(sums[r], m->channels + c + r, m);
        }
    }
}
