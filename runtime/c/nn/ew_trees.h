/* Sums of decision trees, and the bytes that their integer form compares. Mirrors the crate `kernels`, module `trees`.
 *
 * A split is packed into bytes: feature (fw bytes), threshold (tw), left and right child (rw each). A child below the leaf
 * mark is a split of the same tree, else a leaf. A tree is its number of splits (rw bytes) and the first output that its
 * leaves add to (ow; none where a leaf has a value for every output). All widths are constants where this is inlined.
 */
EW_INLINE uint32_t ew_tree_word(const uint8_t *p, uint32_t width)
{
    return width == 0u ? 0u : (width == 1u ? (uint32_t)p[0] : ((uint32_t)p[0] | ((uint32_t)p[1] << 8)));
}

EW_INLINE void ew_trees_f32(const float *x, const uint8_t *nodes, uint32_t fw, uint32_t tw, uint32_t rw,
                            const float *thresholds, const uint8_t *trees, uint32_t count, uint32_t ow, uint32_t shared,
                            const float *leaves, uint32_t width, const float *base, uint32_t outputs, float *out)
{
    const uint32_t mark = rw == 1u ? 0x80u : 0x8000u, size = fw + tw + 2u * rw;
    uint32_t t, k;
    for (k = 0; k < outputs; k++) {
        out[k] = base[k];
    }
    for (t = 0; t < count; t++, trees += rw + ow) {
        const uint32_t splits = ew_tree_word(trees, rw);
        float *to = out + ew_tree_word(trees + rw, ow);
        const float *leaf;
        uint32_t at = 0;
        do {
            const uint8_t *n = nodes + at * size;
            const float threshold = thresholds[ew_tree_word(n + fw, tw)];
            at = ew_tree_word(n + fw + tw + (x[ew_tree_word(n, fw)] <= threshold ? 0u : rw), rw);
        } while ((at & mark) == 0u);
        leaf = leaves + (at ^ mark) * width;
        for (k = 0; k < width; k++) {
            to[k] += leaf[k];
        }
        nodes += splits * size;
        leaves += shared != 0u ? 0u : (splits + 1u) * width;
    }
}

EW_INLINE int32_t ew_tree_value(const void *leaves, uint32_t at, uint32_t lw)
{
    return lw == 1u ? ((const int8_t *)leaves)[at] : ((const int16_t *)leaves)[at];
}

EW_INLINE void ew_trees_s8(const int8_t *x, const uint8_t *nodes, uint32_t fw, uint32_t rw, const uint8_t *trees,
                           uint32_t count, uint32_t ow, uint32_t shared, const void *leaves, uint32_t lw, uint32_t width,
                           float scale, const float *base, uint32_t outputs, int32_t *sums, float *out)
{
    const uint32_t mark = rw == 1u ? 0x80u : 0x8000u, size = fw + 1u + 2u * rw;
    uint32_t t, k, row = 0;
    for (k = 0; k < outputs; k++) {
        sums[k] = 0;
    }
    for (t = 0; t < count; t++, trees += rw + ow) {
        const uint32_t splits = ew_tree_word(trees, rw);
        int32_t *to = sums + ew_tree_word(trees + rw, ow);
        uint32_t at = 0;
        do {
            const uint8_t *n = nodes + at * size;
            /* Thresholds are written as bytes from 0, as inputs are from -128. */
            const int32_t threshold = (int32_t)n[fw] - 128;
            at = ew_tree_word(n + fw + 1 + (x[ew_tree_word(n, fw)] <= threshold ? 0u : rw), rw);
        } while ((at & mark) == 0u);
        at = (row + (at ^ mark)) * width;
        for (k = 0; k < width; k++) {
            to[k] += ew_tree_value(leaves, at + k, lw);
        }
        nodes += splits * size;
        row += shared != 0u ? 0u : splits + 1u;
    }
    for (k = 0; k < outputs; k++) {
        const float scaled = (float)sums[k] * scale;
        out[k] = base[k] + scaled;
    }
}

EW_FN void ew_bucketize_s8(const float *x, size_t n, const uint8_t *counts, const float *edges, int8_t *out)
{
    size_t i;
    for (i = 0; i < n; i++) {
        uint32_t low = 0, high = counts[i];
        while (low < high) {
            const uint32_t middle = (low + high) / 2u;
            if (x[i] <= edges[middle]) {
                high = middle;
            } else {
                low = middle + 1u;
            }
        }
        edges += counts[i];
        out[i] = (int8_t)((int32_t)low - 128);
    }
}
