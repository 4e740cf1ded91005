/* Rows beyond the edges of a matrix. Mirrors the crate `dsp`, module `audio`. */

/* Index of a row in a matrix of `rows` rows that goes on by reflection, the edge row repeated. */
EW_FN size_t ew_reflect(ptrdiff_t i, size_t rows)
{
    const ptrdiff_t count = (ptrdiff_t)rows;
    if (i < -count || i >= 2 * count) {
        i %= 2 * count;
        if (i < 0) {
            i += 2 * count;
        }
    }
    return (size_t)(i < 0 ? -1 - i : (i < count ? i : 2 * count - 1 - i));
}
