/* Integer convolution; weights [out_c, kernel_h, kernel_w, in_c]. Two outputs at a time; scratch holds two patches. */
EW_FN void ew_conv2d_s8(const ew_geometry *g, const int8_t *x, int32_t in_zero, const ew_matrix *m, int8_t *scratch,
                        int8_t *out)
{
    const int8_t *waiting = NULL;
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        for (ox = 0; ox < g->out_w; ox++) {
            const int8_t *const patch =
                ew_patch_s8(g, x, in_zero, m->inputs, oy, ox, waiting == NULL ? scratch : scratch + m->inputs);
            if (waiting == NULL) {
                waiting = patch;
            } else {
                ew_columns_s8(m, waiting, patch, out, out + g->out_c);
                out += 2 * g->out_c;
                waiting = NULL;
            }
        }
    }
    if (waiting != NULL) {
        ew_column_s8(m, waiting, out);
    }
}
