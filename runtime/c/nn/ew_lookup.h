/* Any function of one byte. */
EW_FN void ew_lookup_8(const void *x, size_t n, const int8_t *table, void *out)
{
    const unsigned char *from = (const unsigned char *)x;
    int8_t *to = (int8_t *)out;
    size_t i;
    for (i = 0; i < n; i++) {
        to[i] = table[from[i]];
    }
}
