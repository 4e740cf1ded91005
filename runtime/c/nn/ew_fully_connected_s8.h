/* Integer dense layer; weights [outputs, inputs]. */
EW_FN void ew_fully_connected_s8(const ew_matrix *m, const int8_t *x, int8_t *out)
{
    ew_column_s8(m, x, out);
}
