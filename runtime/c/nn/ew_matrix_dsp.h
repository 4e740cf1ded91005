/* The same products for cores with the DSP extension (Cortex-M4, M7, M33): dual 16-bit multiply-accumulate.
 *
 * `joined` weights: the halfwords of a word hold 256 * a + b for the weights b of an even and a of an odd input. With the
 * inputs u = odd - 127 and v = 256 * even - u, which both fit 16 bits,
 *     (256 * a + b) * u + b * v = 256 * (a * (odd - 127) + b * even),
 * so one sign extension serves four weights instead of two. The bias takes care of the 127; sums are 256 times too large
 * and stay exact while the true one fits 24 bits, which the compiler knows. Other layers have plain weights.
 *
 * Expanded inputs: for each four inputs the words (u, v), or (even, odd) for plain weights, of one column or of four
 * columns side by side: u of each, then v of each.
 */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__)
#define EW_DSP_ASM 1
#else
#define EW_DSP_ASM 0
#endif

/* Four columns of expanded inputs against all rows; the outputs of a column lie `stride` after those of the one before.
 * Inputs are a multiple of eight. */
#if EW_DSP_ASM
#define EW_DSP_MACS(w)                                                                                                 \
    "ldmia r0!, {r4-r7}\n\tsmlad r8, " w ", r4, r8\n\tsmlad r9, " w ", r5, r9\n\t"                                      \
    "smlad r10, " w ", r6, r10\n\tsmlad r11, " w ", r7, r11\n\t"
#define EW_DSP_JOINED(w) EW_DSP_MACS(w) "sxtb16 " w ", " w "\n\t" EW_DSP_MACS(w)
/* r12 holds the count and is put back from the stack. */
#define EW_DSP_PLAIN(w) "sxtb16 r12, " w "\n\t" EW_DSP_MACS("r12") "sxtb16 r12, " w ", ror #8\n\t" EW_DSP_MACS("r12")

/* Stack: 0 expanded inputs, 4 whether the number of pairs of words is odd, 8 that number made even, 12 end of the channels,
 * 16 outputs, 20 stride, 24 min, 28 max, 32 zero, 36 pairs left. */
#define EW_DSP_BEGIN                                                                                       \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "sub sp, #44\n\t"                                                                                                  \
    "strd r2, r3, [sp, #16]\n\t"                                                                                       \
    "ldmia r1, {r2, r3, r4, r5, r6, r7, r8}\n\t" /* weights, channels, inputs, outputs, zero, min, max */              \
    "strd r7, r8, [sp, #24]\n\t"                                                                                       \
    "str r6, [sp, #32]\n\t"                                                                                            \
    "lsrs r4, r4, #3\n\t"                                                                                              \
    "and r6, r4, #1\n\t"                                                                                               \
    "add r4, r4, r6\n\t"                                                                                               \
    "strd r0, r6, [sp]\n\t"                                                                                            \
    "add r5, r5, r5, lsl #1\n\t"                                                                                       \
    "add r5, r3, r5, lsl #2\n\t"                                                                                       \
    "strd r4, r5, [sp, #8]\n\t"                                                                                        \
    "mov lr, r3\n\t"                                                                                                   \
    "mov r1, r2\n"                                                                                                     \
    "1:\n\t"                                                                                                           \
    "ldr r8, [lr], #12\n\t"                                                                                            \
    "ldmia sp, {r0, r4, r12}\n\t"                                                                                      \
    "mov r9, r8\n\t"                                                                                                   \
    "mov r10, r8\n\t"                                                                                                  \
    "mov r11, r8\n\t"
/* Rows of sums become outputs: r4 multiplier, r5 half and shift, r6 rounding, r7 free. */
#define EW_DSP_END_OF(each0, each1, each2, each3)                                                                      \
    "ldrd r4, r5, [lr, #-8]\n\t"                                                                                       \
    "ldr r6, [sp, #32]\n\t"                                                                                           \
    "lsl r6, r6, r5\n\t"                                                                                               \
    "adds r5, #1\n\t"                                                                                                  \
    each0 each1 each2 each3                                                                                            \
    "ldrd r2, r3, [sp, #16]\n\t"                                                                                       \
    "strb r8, [r2]\n\t"                                                                                                \
    "strb r9, [r2, r3]\n\t"                                                                                            \
    "add r7, r2, r3\n\t"                                                                                               \
    "strb r10, [r2, r3, lsl #1]\n\t"                                                                                   \
    "strb r11, [r7, r3, lsl #1]\n\t"                                                                                   \
    "adds r2, #1\n\t"                                                                                                  \
    "ldr r7, [sp, #12]\n\t"                                                                                            \
    "str r2, [sp, #16]\n\t"                                                                                            \
    "cmp lr, r7\n\t"                                                                                                   \
    "bne.w 1b\n\t"                                                                                                     \
    "add sp, #44\n\t"                                                                                                  \
    "pop {r4-r11, pc}\n\t"
/* _relu: outputs of a layer whose smallest is -128 and whose zero point is too (the correction of negative ties cannot be
 * seen); _full: all of -128 to 127; _any: other limits. */
#define EW_DSP_RELU(a, twice)                                                                                          \
    twice "\n\tsmmlar " a ", " a ", r4, r6\n\tasr " a ", " a ", r5\n\tssat " a ", #8, " a "\n\t"
#define EW_DSP_FULL(a, twice)                                                                                          \
    twice "\n\tadd r7, r6, " a ", asr #31\n\tsmmlar " a ", " a ", r4, r7\n\tasr " a ", " a ", r5\n\tssat " a ", #8, " a "\n\t"
#define EW_DSP_ANY(a, twice)                                                                                           \
    twice "\n\tadd r7, r6, " a ", asr #31\n\tsmmlar " a ", " a ", r4, r7\n\tasr " a ", " a ", r5\n\t"                   \
    "ldrd r2, r3, [sp, #24]\n\tcmp " a ", r2\n\tit lt\n\tmovlt " a ", r2\n\tcmp " a ", r3\n\tit gt\n\tmovgt " a ", r3\n\t"
#define EW_DSP_128(a) "asr " a ", " a ", #7"
#define EW_DSP_2(a) "lsl " a ", " a ", #1"

#define EW_DSP_TILE(name, finish, twice, loop)                                                                         \
    __attribute__((naked, noinline, unused)) static void name(                                                         \
        const uint32_t *x __attribute__((unused)), const ew_matrix *m __attribute__((unused)),                         \
        int8_t *out __attribute__((unused)), int32_t stride __attribute__((unused)))                                   \
    {                                                                                                                  \
        __asm__ volatile(EW_DSP_BEGIN loop EW_DSP_END_OF(finish("r8", twice("r8")), finish("r9", twice("r9")),         \
                                                         finish("r10", twice("r10")), finish("r11", twice("r11"))));   \
    }
#define EW_DSP_LOOP_JOINED                                                                                             \
    "cbnz r4, 3f\n"                                                                                                    \
    "2:\n\t"                                                                                                           \
    "ldmia r1!, {r2, r3}\n\t" EW_DSP_JOINED("r2") EW_DSP_JOINED("r3")                                                  \
    "3:\n\t"                                                                                                           \
    "ldmia r1!, {r2, r3}\n\t" EW_DSP_JOINED("r2") EW_DSP_JOINED("r3")                                                  \
    "subs r12, #2\n\t"                                                                                                 \
    "bgt 2b\n\t"
#define EW_DSP_LOOP_PLAIN                                                                                              \
    "sub r12, r12, r4\n\t"                                                                                             \
    "str r12, [sp, #36]\n"                                                                                             \
    "2:\n\t"                                                                                                           \
    "ldmia r1!, {r2, r3}\n\t" EW_DSP_PLAIN("r2") EW_DSP_PLAIN("r3")                                                    \
    "ldr r12, [sp, #36]\n\t"                                                                                           \
    "subs r12, #1\n\t"                                                                                                 \
    "str r12, [sp, #36]\n\t"                                                                                           \
    "bgt 2b\n\t"
EW_DSP_TILE(ew_tile_joined_relu, EW_DSP_RELU, EW_DSP_128, EW_DSP_LOOP_JOINED)
EW_DSP_TILE(ew_tile_joined_full, EW_DSP_FULL, EW_DSP_128, EW_DSP_LOOP_JOINED)
EW_DSP_TILE(ew_tile_joined_any, EW_DSP_ANY, EW_DSP_128, EW_DSP_LOOP_JOINED)
EW_DSP_TILE(ew_tile_plain_any, EW_DSP_ANY, EW_DSP_2, EW_DSP_LOOP_PLAIN)
#else
EW_FN int32_t ew_dual(uint32_t a, uint32_t b, int32_t sum)
{
    const int32_t low = (int32_t)(int16_t)(uint16_t)(a & 0xffffu) * (int16_t)(uint16_t)(b & 0xffffu);
    const int32_t high = (int32_t)(int16_t)(uint16_t)(a >> 16) * (int16_t)(uint16_t)(b >> 16);
    return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
}

/* Bytes 0 and 2 with their signs. */
EW_FN uint32_t ew_even(uint32_t x)
{
    return (uint32_t)(uint16_t)(int8_t)(uint8_t)(x & 0xffu) | ((uint32_t)(uint16_t)(int8_t)(uint8_t)(x >> 16 & 0xffu) << 16);
}

EW_FN void ew_tile_c(const uint32_t *x, const ew_matrix *m, int joined, int8_t *out, int32_t stride)
{
    int32_t c, p, i;
    for (c = 0; c < m->outputs; c++) {
        for (p = 0; p < 4; p++) {
            int32_t sum = m->channels[c].bias;
            for (i = 0; i < m->inputs / 4; i++) {
                uint32_t w;
                memcpy(&w, m->weights + c * m->inputs + 4 * i, sizeof w);
                if (joined) {
                    sum = ew_dual(ew_even(w), x[8 * i + 4 + p], ew_dual(w, x[8 * i + p], sum));
                } else {
                    sum = ew_dual(ew_even(w >> 8), x[8 * i + 4 + p], ew_dual(ew_even(w), x[8 * i + p], sum));
                }
            }
            out[p * stride + c] = ew_finish(joined ? sum >> 8 : sum, m->channels + c, m);
        }
    }
}
#define EW_DSP_TILE(name, joined)                                                                                      \
    EW_FN void name(const uint32_t *x, const ew_matrix *m, int8_t *out, int32_t stride)                                \
    {                                                                                                                  \
        ew_tile_c(x, m, joined, out, stride);                                                                          \
    }
EW_DSP_TILE(ew_tile_joined_relu, 1)
EW_DSP_TILE(ew_tile_joined_full, 1)
EW_DSP_TILE(ew_tile_joined_any, 1)
EW_DSP_TILE(ew_tile_plain_any, 0)
#endif

/* Expands `words` times four inputs (an even number) to the words of one column, or of one of four side by side. */
#if EW_DSP_ASM
#define EW_DSP_EXPAND(name, each)                                                                                      \
    __attribute__((naked, noinline, unused)) static void name(const int8_t *x __attribute__((unused)),                 \
                                                              int32_t words __attribute__((unused)),                   \
                                                              uint32_t *out __attribute__((unused)))                   \
    {                                                                                                                  \
        __asm__ volatile("push {r4, r5}\n\t"                                                                           \
                         "movw r3, #0xff81\n\t"                                                                        \
                         "movt r3, #0xff81\n\t"                                                                        \
                         "mov r12, #0xff00ff00\n"                                                                      \
                         "1:\n\t" each each "subs r1, #2\n\t"                                                          \
                         "bgt 1b\n\t"                                                                                  \
                         "pop {r4, r5}\n\t"                                                                            \
                         "bx lr\n\t");                                                                                 \
    }
#define EW_DSP_SPREAD_JOINED                                                                                           \
    "ldr r4, [r0], #4\n\tsxtab16 r5, r3, r4, ror #8\n\tand r4, r12, r4, lsl #8\n\tssub16 r4, r4, r5\n\t"
#define EW_DSP_SPREAD_PLAIN "ldr r4, [r0], #4\n\tsxtb16 r5, r4\n\tsxtb16 r4, r4, ror #8\n\t"
#define EW_DSP_STORE(step) "str r5, [r2], #" step "\n\tstr r4, [r2], #" step "\n\t"
EW_DSP_EXPAND(ew_expand_joined_1, EW_DSP_SPREAD_JOINED EW_DSP_STORE("4"))
EW_DSP_EXPAND(ew_expand_joined_4, EW_DSP_SPREAD_JOINED EW_DSP_STORE("16"))
EW_DSP_EXPAND(ew_expand_plain_1, EW_DSP_SPREAD_PLAIN EW_DSP_STORE("4"))
EW_DSP_EXPAND(ew_expand_plain_4, EW_DSP_SPREAD_PLAIN EW_DSP_STORE("16"))
#else
EW_FN void ew_expand_c(const int8_t *x, int32_t words, int joined, uint32_t *out, int32_t columns)
{
    int32_t i;
    for (i = 0; i < words; i++, x += 4, out += 2 * columns) {
        uint32_t w, first, second;
        memcpy(&w, x, sizeof w);
        first = ew_even(w);
        second = ew_even(w >> 8);
        if (joined) {
            const uint32_t low = (second - 127u) & 0xffffu, high = ((second >> 16) - 127u) & 0xffffu;
            first = low | (high << 16);
            second = (((w << 8) - low) & 0xffffu) | ((((w >> 8 & 0xff00u) - high) & 0xffffu) << 16);
        }
        out[0] = first;
        out[columns] = second;
    }
}
#define EW_DSP_EXPAND(name, joined, columns)                                                                           \
    EW_FN void name(const int8_t *x, int32_t words, uint32_t *out)                                                     \
    {                                                                                                                  \
        ew_expand_c(x, words, joined, out, columns);                                                                   \
    }
EW_DSP_EXPAND(ew_expand_joined_1, 1, 1)
EW_DSP_EXPAND(ew_expand_joined_4, 1, 4)
EW_DSP_EXPAND(ew_expand_plain_1, 0, 1)
EW_DSP_EXPAND(ew_expand_plain_4, 0, 4)
#endif

/* One column of expanded inputs against four rows, whose words are interleaved. Sums begin as the biases. */
#if EW_DSP_ASM
#define EW_DSP_ROWS(name, each)                                                                                        \
    __attribute__((naked, noinline, unused)) static void name(                                                         \
        const uint32_t *x __attribute__((unused)), const int8_t *w __attribute__((unused)),                            \
        int32_t inputs __attribute__((unused)), int32_t *sums __attribute__((unused)))                                 \
    {                                                                                                                  \
        __asm__ volatile("push {r3-r11, lr}\n\t"                                                                       \
                         "ldmia r3, {r8-r11}\n"                                                                        \
                         "1:\n\t" each each "subs r2, #8\n\t"                                                          \
                         "bgt 1b\n\t"                                                                                  \
                         "pop {r3}\n\t"                                                                                \
                         "stmia r3, {r8-r11}\n\t"                                                                      \
                         "pop {r4-r11, pc}\n\t");                                                                      \
    }
#define EW_DSP_ROW_JOINED(a, w)                                                                                        \
    "smlad " a ", " w ", r3, " a "\n\tsxtb16 " w ", " w "\n\tsmlad " a ", " w ", r12, " a "\n\t"
#define EW_DSP_ROW_PLAIN(a, w)                                                                                         \
    "sxtb16 lr, " w "\n\tsmlad " a ", lr, r3, " a "\n\tsxtb16 lr, " w ", ror #8\n\tsmlad " a ", lr, r12, " a "\n\t"
#define EW_DSP_FOUR(row)                                                                                               \
    "ldmia r1!, {r4-r7}\n\tldrd r3, r12, [r0], #8\n\t" row("r8", "r4") row("r9", "r5") row("r10", "r6") row("r11", "r7")
EW_DSP_ROWS(ew_rows_joined, EW_DSP_FOUR(EW_DSP_ROW_JOINED))
EW_DSP_ROWS(ew_rows_plain, EW_DSP_FOUR(EW_DSP_ROW_PLAIN))
#else
EW_FN void ew_rows_c(const uint32_t *x, const int8_t *w, int32_t inputs, int joined, int32_t *sums)
{
    int32_t i, r;
    for (i = 0; i < inputs; i += 4, x += 2) {
        for (r = 0; r < 4; r++, w += 4) {
            uint32_t word;
            memcpy(&word, w, sizeof word);
            sums[r] = ew_dual(joined ? word : ew_even(word), x[0], sums[r]);
            sums[r] = ew_dual(ew_even(joined ? word : word >> 8), x[1], sums[r]);
        }
    }
}
#define ew_rows_joined(x, w, inputs, sums) ew_rows_c(x, w, inputs, 1, sums)
#define ew_rows_plain(x, w, inputs, sums) ew_rows_c(x, w, inputs, 0, sums)
#endif

typedef void (*ew_tile)(const uint32_t *x, const ew_matrix *m, int8_t *out, int32_t stride);
typedef void (*ew_expand)(const int8_t *x, int32_t words, uint32_t *out);

/* Scratch: four expanded columns, a patch, four columns of outputs. Each shape has a function of its own, in which `g` and
 * `inputs` are constants. */
EW_INLINE void ew_conv2d_dsp(const ew_geometry *g, int32_t inputs, const int8_t *x, int32_t in_zero, const ew_matrix *m,
                             ew_expand expand, ew_tile tile, uint32_t *scratch, int8_t *out)
{
    int8_t *const patch = (int8_t *)(scratch + 2 * inputs);
    int32_t oy, ox, n = 0;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            expand(ew_patch_s8(g, x, in_zero, inputs, oy, ox, patch), inputs / 4, scratch + n);
            n++;
            if (n == 4) {
                tile(scratch, m, out, g->out_c);
                out += 4 * g->out_c;
                n = 0;
            }
        }
    }
    if (n > 0) {
        int8_t *const spare = patch + inputs;
        tile(scratch, m, spare, g->out_c);
        memcpy(out, spare, (size_t)(n * g->out_c));
    }
}

/* Weights of each four rows interleaved, with rows of zeros behind the last. Scratch: an expanded column, the inputs. */
EW_FN void ew_fully_connected_dsp(const ew_matrix *m, const int8_t *x, int32_t inputs, int joined, uint32_t *scratch,
                                  int8_t *out)
{
    const int8_t *w = m->weights;
    int32_t c, r;
    if (inputs != m->inputs) {
        int8_t *const copy = (int8_t *)(scratch + m->inputs / 2);
        memcpy(copy, x, (size_t)inputs);
        x = copy;
    }
    if (joined) {
        ew_expand_joined_1(x, m->inputs / 4, scratch);
    } else {
        ew_expand_plain_1(x, m->inputs / 4, scratch);
    }
    for (c = 0; c < m->outputs; c += 4, w += 4 * m->inputs) {
        const int32_t rows = m->outputs - c < 4 ? m->outputs - c : 4;
        int32_t sums[4] = {0, 0, 0, 0};
        for (r = 0; r < rows; r++) {
            sums[r] = m->channels[c + r].bias;
        }
        if (joined) {
            ew_rows_joined(scratch, w, m->inputs, sums);
        } else {
            ew_rows_plain(scratch, w, m->inputs, sums);
        }
        for (r = 0; r < rows; r++) {
            out[c + r] = ew_finish(joined ? sums[r] >> 8 : sums[r], m->channels + c + r, m);
        }
    }
}
