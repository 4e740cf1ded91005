/* Integer LSTM: bytes in and out, a cell of 16 bits. Mirrors the crate `kernels`, module `lstm`. */

typedef struct {
    int32_t inputs, units, in_zero, out_zero;
    ew_factor gates[4][2], products[3];
    int32_t cell_power, clip;
} ew_lstm_params;

EW_FN int32_t ew_saturate_16(int32_t x)
{
    return x < -32768 ? -32768 : (x > 32767 ? 32767 : x);
}

EW_FN int32_t ew_logistic_16(int32_t x)
{
    const int32_t scaled = x * 3;
    const uint32_t size = (uint32_t)(scaled < 0 ? -scaled : scaled), at = size >> 9;
    uint32_t value = (uint32_t)0x7fff << 10;
    if (at < 255u) {
        const uint32_t a = ew_sigmoid_table[at], b = ew_sigmoid_table[at + 1u];
        value = (a << 9) + (size & 0x1ffu) * (b - a);
    }
    value = scaled >= 0 ? value + ((uint32_t)1 << 9) : ((uint32_t)1 << 25) - value + ((uint32_t)1 << 9) - 1u;
    return (int32_t)(value >> 10);
}

EW_FN int32_t ew_tanh_16(int32_t x, int32_t power)
{
    const int32_t shift = power + 12, half = (int32_t)1 << 23;
    const int32_t scaled = shift >= 0 ? x * ((int32_t)3 << shift) : (x * 3 + ((int32_t)1 << (-shift - 1))) >> -shift;
    const uint32_t size = (uint32_t)(scaled < 0 ? -scaled : scaled), at = size >> 8;
    int32_t value = (int32_t)0xffff << 8;
    if (at < 255u) {
        const int32_t a = (int32_t)ew_sigmoid_table[at], b = (int32_t)ew_sigmoid_table[at + 1u];
        value = (int32_t)((uint32_t)a << 8) + (int32_t)(size & 0xffu) * (b - a);
    }
    value = scaled >= 0 ? value - half + ((int32_t)1 << 7) : half - value + ((int32_t)1 << 7) - 1;
    return value >> 8;
}

EW_FN void ew_lstm_s8(const ew_lstm_params *p, const int8_t *x, size_t count, const int8_t *state, const int8_t *weights,
                      const int32_t *bias, int8_t *out)
{
    const size_t n = (size_t)p->inputs, units = (size_t)p->units, every = count / n * units;
    int8_t *cells = out + every + units;
    size_t step, u, g, k;
    memmove(out + every, state, 3u * units);
    for (step = 0; step < count / n; step++) {
        const int8_t *now = x + step * n;
        const int8_t *before = step == 0u ? out + every : out + (step - 1u) * units;
        int8_t *to = out + step * units;
        for (u = 0; u < units; u++) {
            int32_t gates[4], cell, kept, added;
            for (g = 0; g < 4u; g++) {
                const int8_t *row = weights + (g * units + u) * (n + units);
                int32_t sum = bias[g * units + u], recurrent = 0;
                for (k = 0; k < n; k++) {
                    sum += row[k] * (now[k] - p->in_zero);
                }
                for (k = 0; k < units; k++) {
                    recurrent += row[n + k] * (before[k] - p->out_zero);
                }
                sum = ew_saturate_16(ew_requantize(sum, p->gates[g][0]));
                sum = ew_saturate_16(sum + ew_saturate_16(ew_requantize(recurrent, p->gates[g][1])));
                gates[g] = g == 2u ? ew_tanh_16(sum, -12) : ew_logistic_16(sum);
            }
            cell = (int32_t)(uint8_t)cells[2u * u] + 256 * cells[2u * u + 1u];
            kept = ew_saturate_16(ew_requantize(gates[1] * cell, p->products[0]));
            added = ew_saturate_16(ew_requantize(gates[0] * gates[2], p->products[1]));
            cell = ew_saturate_16(kept + added);
            if (p->clip > 0) {
                cell = cell < -p->clip ? -p->clip : (cell > p->clip ? p->clip : cell);
            }
            cells[2u * u] = (int8_t)(uint8_t)((uint32_t)cell & 255u);
            cells[2u * u + 1u] = (int8_t)(cell >> 8);
            to[u] = ew_output(ew_requantize(ew_tanh_16(cell, p->cell_power) * gates[3], p->products[2]), p->out_zero, -128,
                              127);
        }
    }
    memcpy(out + every, out + every - units, units);
}
