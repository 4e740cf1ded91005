/* Distance to the nearest cluster. Mirrors the crate `kernels`, module `kmeans`. */
EW_FN float ew_kmeans_score_f32(const float *x, const uint16_t *axes, size_t n, const float *mean, const float *scale,
                                const float *centroids, const float *radii, size_t clusters)
{
    float best = 1000.0f;
    size_t c, i;
    for (c = 0; c < clusters; c++) {
        float sum = 0.0f, score;
        for (i = 0; i < n; i++) {
            const float difference = (x[axes[i]] - mean[i]) * scale[i] - *centroids++;
            sum += difference * difference;
        }
        score = sqrtf(sum) - radii[c];
        best = score < best ? score : best;
    }
    return best;
}
