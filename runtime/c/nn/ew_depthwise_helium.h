/* Depthwise convolution with Helium: eight channels at once. As many rows of the input as the kernel has go through a ring
 * of rows with the zero point around them, in which the eight channels of a group lie together: [row][group][column][8].
 * So the output may lie in the place of an input of its shape.
 *
 * Products are summed in halfwords as long as the compiler knows that they fit, which is after each `together` taps. */

typedef struct {
    int32_t bias[8], multiplier[8], shift[8]; /* channels 0, 2, 4, 6, 1, 3, 5, 7; shifts to the left, below zero */
} ew_lanes;

/* Rows of the largest kernel. */
#define EW_HELIUM_ROWS 8

/* One group at one output: `rows` points to the rows of the kernel. */
#if EW_HELIUM
EW_INLINE int32x4_t ew_scaled_helium(int32x4_t sum, const int32_t *multiplier, const int32_t *shift, int relu)
{
    sum = vqrdmulhq_s32(sum, vldrwq_s32(multiplier));
    if (!relu) {
        sum = vaddq_s32(sum, vshrq_n_s32(sum, 31));
    }
    return vrshlq_s32(sum, vldrwq_s32(shift));
}

EW_INLINE void ew_group_helium(const ew_geometry *g, const int8_t *const *rows, const int8_t *w, const ew_lanes *lanes,
                               int32_t together, const ew_matrix *m, int relu, int32_t channels, int8_t *out)
{
    int32x4_t even = vldrwq_s32(lanes->bias), odd = vldrwq_s32(lanes->bias + 4);
    int16x8_t part = vdupq_n_s16(0), all;
    int32_t ky, kx, taps = 0;
    for (ky = 0; ky < g->kernel_h; ky++) {
        for (kx = 0; kx < g->kernel_w; kx++, w += 8) {
            const int16x8_t product = vmulq_s16(vldrbq_s16(rows[ky] + 8 * kx), vldrbq_s16(w));
            part = taps == 0 ? product : vaddq_s16(part, product);
            taps++;
            if (taps == together || (ky + 1 == g->kernel_h && kx + 1 == g->kernel_w)) {
                even = vaddq_s32(even, vmovlbq_s16(part));
                odd = vaddq_s32(odd, vmovltq_s16(part));
                taps = 0;
            }
        }
    }
    even = ew_scaled_helium(even, lanes->multiplier, lanes->shift, relu);
    odd = ew_scaled_helium(odd, lanes->multiplier + 4, lanes->shift + 4, relu);
    all = vqmovntq_s32(vqmovnbq_s32(part, even), odd);
    all = vqaddq_n_s16(all, (int16_t)(m->zero >> 1));
    all = vmaxq_s16(all, vdupq_n_s16((int16_t)m->min));
    all = vminq_s16(all, vdupq_n_s16((int16_t)m->max));
    if (channels >= 8) {
        vstrbq_s16(out, all);
    } else {
        EW_HELIUM_ORDER();
        vstrbq_p_s16(out, all, vctp16q((uint32_t)channels));
        EW_HELIUM_ORDER();
    }
}
#else
EW_INLINE void ew_group_helium(const ew_geometry *g, const int8_t *const *rows, const int8_t *w, const ew_lanes *lanes,
                               int32_t together, const ew_matrix *m, int relu, int32_t channels, int8_t *out)
{
    int32_t c, ky, kx;
    (void)together;
    (void)relu;
    for (c = 0; c < channels && c < 8; c++) {
        const int32_t lane = c / 2 + c % 2 * 4;
        int32_t sum = lanes->bias[lane];
        ew_channel channel;
        for (ky = 0; ky < g->kernel_h; ky++) {
            for (kx = 0; kx < g->kernel_w; kx++) {
                sum += w[(ky * g->kernel_w + kx) * 8 + c] * rows[ky][8 * kx + c];
            }
        }
        channel.bias = 0;
        channel.multiplier = lanes->multiplier[lane];
        channel.half = -lanes->shift[lane] - 1;
        out[c] = ew_finish(sum, &channel, m);
    }
}
#endif

#if EW_HELIUM
/* A row of outputs of 3 x 3: what the code below is told. */
typedef struct {
    const int8_t *rows[3], *weights;
    const ew_lanes *lanes;
    int8_t *out;
    int32_t pairs, step; /* from output to output */
    int32_t zero, min, max;
    int32_t groups, next_rows, next_out; /* from the last pair of a group to the next group */
    int32_t odd;                         /* one output more */
} ew_pairs;

/* Two neighbouring outputs share the loads of the weights. q0, q1 and q2, q3: sums of even and odd channels; q4, q5: sums in
 * halfwords; q6: inputs; q7: weights. r0 to r2 rows, r3 weights, r4 lanes, r5 out, r6 step, r7 zero, r8 min, r9 max,
 * r10 next_rows, r11 next_out. */
#define EW_PAIR_FIRST(a, from, b, then)                                                                                \
    "vldrb.s16 " a ", " from "\n\tvmul.i16 " a ", " a ", q7\n\tvldrb.s16 " b ", " then "\n\tvmul.i16 " b ", " b ", q7\n\t"
#define EW_PAIR_NEXT(a, from, b, then)                                                                                 \
    "vldrb.s16 q6, " from "\n\tvmul.i16 q6, q6, q7\n\tvadd.i16 " a ", " a ", q6\n\t"                                   \
    "vldrb.s16 q6, " then "\n\tvmul.i16 q6, q6, q7\n\tvadd.i16 " b ", " b ", q6\n\t"
#define EW_ONE_FIRST(from) "vldrb.s16 q4, " from "\n\tvmul.i16 q4, q4, q7\n\t"
#define EW_ONE_NEXT(from) "vldrb.s16 q6, " from "\n\tvmul.i16 q6, q6, q7\n\tvadd.i16 q4, q4, q6\n\t"
#define EW_ONE_WIDEN "vmovlb.s16 q6, q4\n\tvadd.i32 q0, q0, q6\n\tvmovlt.s16 q6, q4\n\tvadd.i32 q1, q1, q6\n\t"
#define EW_PAIR_WIDEN                                                                                                  \
    EW_ONE_WIDEN "vmovlb.s16 q6, q5\n\tvadd.i32 q2, q2, q6\n\tvmovlt.s16 q6, q5\n\tvadd.i32 q3, q3, q6\n\t"
#define EW_PAIR_NOTHING ""
#define EW_PAIR_WEIGHTS(at) "vldrb.s16 q7, [r3, #" at "]\n\t"
#define EW_ONE_ROW(r, w0, w1, w2, op0, end0, op1, end1, op2, end2)                                                     \
    EW_PAIR_WEIGHTS(w0) op0("[" r "]") end0                                                                            \
    EW_PAIR_WEIGHTS(w1) op1("[" r ", #8]") end1                                                                        \
    EW_PAIR_WEIGHTS(w2) op2("[" r ", #16]") end2
/* The last load moves on by two outputs. */
#define EW_PAIR_ROW_1(r, w0, w1, w2, op0, end0, op1, end1, op2, end2)                                                  \
    EW_PAIR_WEIGHTS(w0) op0("q4", "[" r "]", "q5", "[" r ", #8]") end0                                                 \
    EW_PAIR_WEIGHTS(w1) op1("q4", "[" r ", #8]", "q5", "[" r ", #16]") end1                                            \
    EW_PAIR_WEIGHTS(w2) op2("q5", "[" r ", #24]", "q4", "[" r ", #16]!") end2
#define EW_PAIR_ROW_2(r, w0, w1, w2, op0, end0, op1, end1, op2, end2)                                                  \
    EW_PAIR_WEIGHTS(w0) op0("q4", "[" r "]", "q5", "[" r ", #16]") end0                                                \
    EW_PAIR_WEIGHTS(w1) op1("q4", "[" r ", #8]", "q5", "[" r ", #24]") end1                                            \
    EW_PAIR_WEIGHTS(w2) op2("q4", "[" r ", #16]", "q5", "[" r ", #32]!") end2
#define EW_PAIR_DOWN                                                                                                   \
    "vshr.s32 q4, q0, #31\n\tvadd.i32 q0, q0, q4\n\tvshr.s32 q5, q1, #31\n\tvadd.i32 q1, q1, q5\n\t"                   \
    "vshr.s32 q4, q2, #31\n\tvadd.i32 q2, q2, q4\n\tvshr.s32 q5, q3, #31\n\tvadd.i32 q3, q3, q5\n\t"
#define EW_PAIR_BYTE "vqmovnb.s16 q0, q0\n\tvqmovnb.s16 q2, q2\n\t"
#define EW_PAIR_LIMITS                                                                                                 \
    "vdup.16 q4, r8\n\tvmax.s16 q0, q0, q4\n\tvmax.s16 q2, q2, q4\n\t"                                               \
    "vdup.16 q5, r9\n\tvmin.s16 q0, q0, q5\n\tvmin.s16 q2, q2, q5\n\t"
/* Pairs, and the last of an odd number alone (q2 and q3 hold what does not matter). */
#define EW_PAIR(name, pair, one, down, limit)                                                                          \
    __attribute__((naked, noinline, unused)) static void name(ew_pairs *p __attribute__((unused)))                     \
    {                                                                                                                  \
        __asm__ volatile("push {r4-r11, lr}\n\t"                                                                       \
                         "vpush {d8-d15}\n\t"                                                                          \
                         "mov r12, r0\n\t"                                                                             \
                         "add lr, r0, #28\n\t"                                                                         \
                         "ldmia lr, {r6, r7, r8, r9}\n\t"                                                              \
                         "ldrd r10, r11, [r0, #48]\n\t"                                                                \
                         "ldmia r0, {r0, r1, r2, r3, r4, r5}\n"                                                        \
                         "2:\n\t"                                                                                      \
                         "ldr lr, [r12, #24]\n\t"                                                                      \
                         "dls lr, lr\n"                                                                                \
                         "1:\n\t"                                                                                      \
                         "vldrw.u32 q0, [r4]\n\t"                                                                      \
                         "vldrw.u32 q1, [r4, #16]\n\t"                                                                 \
                         "vmov q2, q0\n\t"                                                                             \
                         "vmov q3, q1\n\t"                                                                             \
                         pair /**/                                                                                     \
                         "vldrw.u32 q4, [r4, #32]\n\t"                                                                 \
                         "vqrdmulh.s32 q0, q0, q4\n\t"                                                                 \
                         "vqrdmulh.s32 q2, q2, q4\n\t"                                                                 \
                         "vldrw.u32 q5, [r4, #48]\n\t"                                                                 \
                         "vqrdmulh.s32 q1, q1, q5\n\t"                                                                 \
                         "vqrdmulh.s32 q3, q3, q5\n\t"                                                                 \
                         down /**/                                                                                     \
                         "vldrw.u32 q4, [r4, #64]\n\t"                                                                 \
                         "vrshl.s32 q0, q0, q4\n\t"                                                                    \
                         "vrshl.s32 q2, q2, q4\n\t"                                                                    \
                         "vldrw.u32 q5, [r4, #80]\n\t"                                                                 \
                         "vrshl.s32 q1, q1, q5\n\t"                                                                    \
                         "vrshl.s32 q3, q3, q5\n\t"                                                                    \
                         "vqmovnb.s32 q0, q0\n\t"                                                                      \
                         "vqmovnb.s32 q2, q2\n\t"                                                                      \
                         "vqmovnt.s32 q0, q1\n\t"                                                                      \
                         "vqmovnt.s32 q2, q3\n\t"                                                                      \
                         "vqadd.s16 q0, q0, r7\n\t"                                                                    \
                         "vqadd.s16 q2, q2, r7\n\t"                                                                    \
                         limit /**/                                                                                    \
                         "vstrb.16 q0, [r5]\n\t"                                                                       \
                         "add r5, r5, r6\n\t"                                                                          \
                         "vstrb.16 q2, [r5]\n\t"                                                                       \
                         "add r5, r5, r6\n\t"                                                                          \
                         "le lr, 1b\n\t"                                                                               \
                         "ldr lr, [r12, #56]\n\t"                                                                      \
                         "cmp lr, #0\n\t"                                                                              \
                         "beq.w 3f\n\t"                                                                                \
                         "vldrw.u32 q0, [r4]\n\t"                                                                      \
                         "vldrw.u32 q1, [r4, #16]\n\t"                                                                 \
                         one /**/                                                                                      \
                         "vldrw.u32 q4, [r4, #32]\n\t"                                                                 \
                         "vqrdmulh.s32 q0, q0, q4\n\t"                                                                 \
                         "vldrw.u32 q5, [r4, #48]\n\t"                                                                 \
                         "vqrdmulh.s32 q1, q1, q5\n\t"                                                                 \
                         down /**/                                                                                     \
                         "vldrw.u32 q4, [r4, #64]\n\t"                                                                 \
                         "vrshl.s32 q0, q0, q4\n\t"                                                                    \
                         "vldrw.u32 q5, [r4, #80]\n\t"                                                                 \
                         "vrshl.s32 q1, q1, q5\n\t"                                                                    \
                         "vqmovnb.s32 q0, q0\n\t"                                                                      \
                         "vqmovnt.s32 q0, q1\n\t"                                                                      \
                         "vqadd.s16 q0, q0, r7\n\t"                                                                    \
                         limit /**/                                                                                    \
                         "vstrb.16 q0, [r5]\n"                                                                         \
                         "3:\n\t"                                                                                      \
                         "add r0, r0, r10\n\t"                                                                         \
                         "add r1, r1, r10\n\t"                                                                         \
                         "add r2, r2, r10\n\t"                                                                         \
                         "adds r3, #72\n\t"                                                                            \
                         "adds r4, #96\n\t"                                                                            \
                         "add r5, r5, r11\n\t"                                                                         \
                         "ldr lr, [r12, #44]\n\t"                                                                      \
                         "subs lr, lr, #1\n\t"                                                                         \
                         "str lr, [r12, #44]\n\t"                                                                      \
                         "bne.w 2b\n\t"                                                                                \
                         "vpop {d8-d15}\n\t"                                                                           \
                         "pop {r4-r11, pc}\n\t");                                                                      \
    }
/* Products summed in halfwords: two, those of a row, all. */
#define EW_PAIR_BODY_2(row, first, next, widen)                                                                        \
    row("r0", "0", "8", "16", first, EW_PAIR_NOTHING, next, widen, first, EW_PAIR_NOTHING)                             \
    row("r1", "24", "32", "40", next, widen, first, EW_PAIR_NOTHING, next, widen)                                      \
    row("r2", "48", "56", "64", first, EW_PAIR_NOTHING, next, widen, first, widen)
#define EW_PAIR_BODY_3(row, first, next, widen)                                                                        \
    row("r0", "0", "8", "16", first, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, widen)                              \
    row("r1", "24", "32", "40", first, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, widen)                            \
    row("r2", "48", "56", "64", first, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, widen)
#define EW_PAIR_BODY_9(row, first, next, widen)                                                                        \
    row("r0", "0", "8", "16", first, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING)                    \
    row("r1", "24", "32", "40", next, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING)                   \
    row("r2", "48", "56", "64", next, EW_PAIR_NOTHING, next, EW_PAIR_NOTHING, next, widen)
#define EW_PAIR_BOTH(name, row, body)                                                                                  \
    EW_PAIR(name##_any, body(row, EW_PAIR_FIRST, EW_PAIR_NEXT, EW_PAIR_WIDEN),                                         \
            body(EW_ONE_ROW, EW_ONE_FIRST, EW_ONE_NEXT, EW_ONE_WIDEN), EW_PAIR_DOWN, EW_PAIR_LIMITS)                    \
    EW_PAIR(name##_relu, body(row, EW_PAIR_FIRST, EW_PAIR_NEXT, EW_PAIR_WIDEN),                                        \
            body(EW_ONE_ROW, EW_ONE_FIRST, EW_ONE_NEXT, EW_ONE_WIDEN), EW_PAIR_NOTHING, EW_PAIR_BYTE)
EW_PAIR_BOTH(ew_pair_1_2, EW_PAIR_ROW_1, EW_PAIR_BODY_2)
EW_PAIR_BOTH(ew_pair_1_3, EW_PAIR_ROW_1, EW_PAIR_BODY_3)
EW_PAIR_BOTH(ew_pair_1_9, EW_PAIR_ROW_1, EW_PAIR_BODY_9)
EW_PAIR_BOTH(ew_pair_2_2, EW_PAIR_ROW_2, EW_PAIR_BODY_2)
EW_PAIR_BOTH(ew_pair_2_3, EW_PAIR_ROW_2, EW_PAIR_BODY_3)
EW_PAIR_BOTH(ew_pair_2_9, EW_PAIR_ROW_2, EW_PAIR_BODY_9)

/* The groups of eight channels of a row of outputs; how many outputs that were: all, or none. */
EW_INLINE int32_t ew_pairs_helium(const ew_geometry *g, const int8_t *const *rows, int32_t columns, const ew_matrix *m,
                                  const ew_lanes *lanes, int32_t together, int relu, int8_t *out)
{
    ew_pairs p;
    const int32_t pairs = g->out_w / 2;
    if (g->kernel_h != 3 || g->kernel_w != 3 || g->stride_w > 2 || together < 2 || g->out_c < 8 || pairs == 0) {
        return 0;
    }
    p.rows[0] = rows[0];
    p.rows[1] = rows[1];
    p.rows[2] = rows[2];
    p.weights = m->weights;
    p.lanes = lanes;
    p.out = out;
    p.pairs = pairs;
    p.step = g->out_c;
    p.zero = m->zero >> 1;
    p.min = m->min;
    p.max = m->max;
    p.groups = g->out_c / 8;
    p.next_rows = 8 * columns - 16 * pairs * g->stride_w;
    p.next_out = 8 - 2 * pairs * g->out_c;
    p.odd = g->out_w % 2;
    if (g->stride_w == 1) {
        if (relu) {
            (together == 9 ? ew_pair_1_9_relu : together == 3 ? ew_pair_1_3_relu : ew_pair_1_2_relu)(&p);
        } else {
            (together == 9 ? ew_pair_1_9_any : together == 3 ? ew_pair_1_3_any : ew_pair_1_2_any)(&p);
        }
    } else if (relu) {
        (together == 9 ? ew_pair_2_9_relu : together == 3 ? ew_pair_2_3_relu : ew_pair_2_2_relu)(&p);
    } else {
        (together == 9 ? ew_pair_2_9_any : together == 3 ? ew_pair_2_3_any : ew_pair_2_2_any)(&p);
    }
    return g->out_w;
}

/* Eight bytes at each step, one behind the other. */
__attribute__((naked, noinline, unused)) static void ew_gather_helium(const int8_t *from __attribute__((unused)),
                                                                      int32_t step __attribute__((unused)),
                                                                      int32_t n __attribute__((unused)),
                                                                      int8_t *to __attribute__((unused)))
{
    __asm__ volatile("push {r4, lr}\n\t"
                     "dls lr, r2\n"
                     "1:\n\t"
                     "vldrb.s16 q0, [r0]\n\t"
                     "add r0, r0, r1\n\t"
                     "vstrb.16 q0, [r3], #8\n\t"
                     "le lr, 1b\n\t"
                     "pop {r4, pc}\n\t");
}
#else
EW_FN void ew_gather_helium(const int8_t *from, int32_t step, int32_t n, int8_t *to)
{
    int32_t i;
    for (i = 0; i < n; i++, from += step, to += 8) {
        memcpy(to, from, 8u);
    }
}
#endif

/* A row of the input comes into the ring. */
EW_INLINE void ew_row_helium(const ew_geometry *g, const int8_t *x, int32_t columns, int8_t *to)
{
    int32_t c, ix;
    to += 8 * g->pad_w;
    for (c = 0; c + 8 <= g->in_c; c += 8, to += 8 * columns) {
        ew_gather_helium(x + c, g->in_c, g->in_w, to);
    }
    for (ix = 0; c < g->in_c && ix < g->in_w; ix++, to += 8) {
        memcpy(to, x + ix * g->in_c + c, (size_t)(g->in_c - c));
    }
}

/* Each shape has a function of its own, in which `g`, `columns` and `together` are constants. Weights of `m`:
 * [group][tap][8]. */
EW_INLINE void ew_depthwise_helium(const ew_geometry *g, const int8_t *x, int32_t in_zero, const ew_matrix *m,
                                   const ew_lanes *lanes, int32_t columns, int32_t together, int relu, int8_t *ring,
                                   int8_t *out)
{
    const int32_t groups = (g->in_c + 7) / 8, row = groups * columns * 8, taps = g->kernel_h * g->kernel_w;
    int32_t oy, ox, ky, group, next = 0;
    ew_fill_helium(ring, in_zero, g->kernel_h * row);
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t first = oy * g->stride_h;
        const int8_t *rows[EW_HELIUM_ROWS];
        int32_t done = 0;
        for (next = next < first ? first : next; next < first + g->kernel_h; next++) {
            int8_t *const to = ring + next % g->kernel_h * row;
            const int32_t iy = next - g->pad_h;
            if (iy >= 0 && iy < g->in_h) {
                ew_row_helium(g, x + iy * g->in_w * g->in_c, columns, to);
            } else {
                ew_fill_helium(to, in_zero, row);
            }
        }
        EW_HELIUM_ORDER();
        for (ky = 0; ky < g->kernel_h; ky++) {
            rows[ky] = ring + (first + ky) % g->kernel_h * row;
        }
#if EW_HELIUM
        done = ew_pairs_helium(g, rows, columns, m, lanes, together, relu, out);
#endif
        for (group = 0; group < groups; group++) {
            const int32_t begin = g->out_c - 8 * group >= 8 ? done : 0;
            if (begin >= g->out_w) {
                continue;
            }
            for (ky = 0; ky < g->kernel_h; ky++) {
                rows[ky] = ring + (first + ky) % g->kernel_h * row + (group * columns + begin * g->stride_w) * 8;
            }
            for (ox = begin; ox < g->out_w; ox++) {
                ew_group_helium(g, rows, m->weights + group * taps * 8, lanes + group, together, m, relu,
                                g->out_c - 8 * group, out + ox * g->out_c + 8 * group);
                for (ky = 0; ky < g->kernel_h; ky++) {
                    rows[ky] += 8 * g->stride_w;
                }
            }
        }
        out += g->out_w * g->out_c;
    }
}
