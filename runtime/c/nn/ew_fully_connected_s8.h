/* Integer dense layer; weights [outputs, inputs]. */
EW_FN void ew_fully_connected_s8(int32_t inputs, int32_t outputs, const int8_t *x, const int8_t *weights,
                                 const ew_layer_s8 *layer, int8_t *out)
{
    int32_t c, i;
    for (c = 0; c < outputs; c++) {
        int32_t sum = layer->bias[c];
        for (i = 0; i < inputs; i++) {
            sum += (x[i] - layer->in_zero) * *weights++;
        }
        out[c] = ew_clamp(ew_requantize(sum, layer->factors[c]) + layer->out_zero, layer->min, layer->max);
    }
}
