/* Pictures to the size of a model, in the arithmetic by which they were made smaller for training: each new pixel is the mean of
 * the area it covers when a side shrinks, and bilinear when it grows. Integer; the bytes are those of training.
 *
 * Pixels have 1, 3 or 4 bytes, a channel each (there is no RGB565 and no YUV: other sizes are refused with EIDSP_NOT_SUPPORTED).
 * The new picture may lie where the old one did when no side grows; else they must lie apart.
 */
#ifndef EW_IMAGE_PROCESSING_HPP
#define EW_IMAGE_PROCESSING_HPP

#include "../../classifier/ei_constants.h"
#include "../numpy_types.h"

namespace ei {
namespace image {
namespace processing {

/* Source positions of a new one: up to `count` from `first`, with weights that sum to the side of the source (or to 2 * to). */
struct ew_span {
    uint32_t first, count, to, from, start, end, left_weight, right_weight;
    bool shrinks;

    ew_span(uint32_t i, uint32_t a_from, uint32_t a_to)
        : first(0), count(0), to(a_to), from(a_from), start(0), end(0), left_weight(0), right_weight(0), shrinks(a_from >= a_to)
    {
        if (shrinks) {
            start = i * from;
            end = (i + 1) * from;
            first = start / to;
            count = (end + to - 1) / to - first;
        } else {
            const uint32_t twice = (2 * i + 1) * from;
            const uint32_t centre = twice > to ? twice - to : 0;
            first = centre / (2 * to) < from - 1 ? centre / (2 * to) : from - 1;
            const uint32_t part = centre - first * 2 * to;
            right_weight = part < 2 * to ? part : 2 * to;
            left_weight = 2 * to - right_weight;
            count = 2;
        }
    }
    uint32_t place(uint32_t k) const { return first + k < from ? first + k : from - 1; }
    uint64_t weight(uint32_t k) const
    {
        if (!shrinks) {
            return k == 0 ? left_weight : right_weight;
        }
        const uint32_t low = (first + k) * to > start ? (first + k) * to : start;
        const uint32_t high = (first + k + 1) * to < end ? (first + k + 1) * to : end;
        return high - low;
    }
};

inline bool ew_apart(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(a), q = reinterpret_cast<uintptr_t>(b);
    return p + a_size <= q || q + b_size <= p;
}

/* Squashes a part of a picture into another of its own. */
inline int ew_resize(const uint8_t *src, uint32_t src_width, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t *dst,
                     uint32_t dst_width, uint32_t dst_height, uint32_t bytes)
{
    for (uint32_t row = 0; row < dst_height; row++) {
        const ew_span rows(row, height, dst_height);
        for (uint32_t column = 0; column < dst_width; column++) {
            const ew_span columns(column, width, dst_width);
            uint64_t sums[4] = {0, 0, 0, 0}, total = 0;
            for (uint32_t j = 0; j < rows.count; j++) {
                for (uint32_t k = 0; k < columns.count; k++) {
                    const uint64_t weight = rows.weight(j) * columns.weight(k);
                    const uint8_t *pixel =
                        src + (static_cast<size_t>(y + rows.place(j)) * src_width + x + columns.place(k)) * bytes;
                    for (uint32_t c = 0; c < bytes; c++) {
                        sums[c] += weight * pixel[c];
                    }
                    total += weight;
                }
            }
            for (uint32_t c = 0; c < bytes; c++) {
                dst[(static_cast<size_t>(row) * dst_width + column) * bytes + c] =
                    static_cast<uint8_t>((sums[c] + total / 2) / (total > 0 ? total : 1));
            }
        }
    }
    return EIDSP_OK;
}

/* A side that keeps the other's shape, rounded. */
inline uint32_t ew_side(uint32_t n, uint32_t by, uint32_t over, uint32_t most)
{
    const uint32_t side = (n * by + over / 2) / over;
    return side < 1 ? 1 : (side > most ? most : side);
}

/* EI_CLASSIFIER_RESIZE_FIT_SHORTEST cuts off what is too much, _FIT_LONGEST adds black borders, _SQUASH changes the shape. */
inline int resize_image_using_mode(const uint8_t *srcImage, int srcWidth, int srcHeight, uint8_t *dstImage, int dstWidth,
                                   int dstHeight, int pixel_size_B, int mode)
{
    if (srcImage == NULL || dstImage == NULL || srcWidth < 1 || srcHeight < 1 || dstWidth < 1 || dstHeight < 1 ||
        srcWidth > 8192 || srcHeight > 8192 || dstWidth > 8192 || dstHeight > 8192) {
        return EIDSP_PARAMETER_INVALID;
    }
    if (pixel_size_B != 1 && pixel_size_B != 3 && pixel_size_B != 4) {
        return EIDSP_NOT_SUPPORTED;
    }
    const uint32_t w = static_cast<uint32_t>(srcWidth), h = static_cast<uint32_t>(srcHeight);
    const uint32_t tw = static_cast<uint32_t>(dstWidth), th = static_cast<uint32_t>(dstHeight);
    const uint32_t bytes = static_cast<uint32_t>(pixel_size_B);
    const bool wide = w * th > h * tw;
    uint32_t x = 0, y = 0, part_w = w, part_h = h, to_x = 0, to_y = 0, inner_w = tw, inner_h = th;
    if (mode == EI_CLASSIFIER_RESIZE_FIT_SHORTEST) {
        part_w = wide ? ew_side(h, tw, th, w) : w;
        part_h = wide ? h : ew_side(w, th, tw, h);
        x = (w - part_w) / 2;
        y = (h - part_h) / 2;
    } else if (mode == EI_CLASSIFIER_RESIZE_FIT_LONGEST) {
        inner_w = wide ? tw : ew_side(w, th, h, tw);
        inner_h = wide ? ew_side(h, tw, w, th) : th;
        to_x = (tw - inner_w) / 2;
        to_y = (th - inner_h) / 2;
    } else if (mode != EI_CLASSIFIER_RESIZE_SQUASH) {
        return EIDSP_PARAMETER_INVALID;
    }
    if ((inner_w > part_w || inner_h > part_h || dstImage != srcImage) &&
        !ew_apart(srcImage, static_cast<size_t>(w) * h * bytes, dstImage, static_cast<size_t>(tw) * th * bytes)) {
        return EIDSP_PARAMETER_INVALID;
    }
    ew_resize(srcImage, w, x, y, part_w, part_h, dstImage, inner_w, inner_h, bytes);
    if (inner_w == tw && inner_h == th) {
        return EIDSP_OK;
    }
    /* From where they were made to their places, the last row first: none is overwritten before it was moved. */
    const size_t row = static_cast<size_t>(inner_w) * bytes, line = static_cast<size_t>(tw) * bytes;
    for (uint32_t i = inner_h; i > 0; i--) {
        uint8_t *to = dstImage + (to_y + i - 1) * line;
        memmove(to + to_x * bytes, dstImage + (i - 1) * row, row);
        memset(to, 0, to_x * bytes);
        memset(to + to_x * bytes + row, 0, line - to_x * bytes - row);
    }
    memset(dstImage, 0, to_y * line);
    memset(dstImage + (to_y + inner_h) * line, 0, (th - to_y - inner_h) * line);
    return EIDSP_OK;
}

inline int resize_image(const uint8_t *srcImage, int srcWidth, int srcHeight, uint8_t *dstImage, int dstWidth, int dstHeight,
                        int pixel_size_B)
{
    return resize_image_using_mode(srcImage, srcWidth, srcHeight, dstImage, dstWidth, dstHeight, pixel_size_B,
                                   EI_CLASSIFIER_RESIZE_SQUASH);
}

inline int crop_and_interpolate_image(const uint8_t *srcImage, int srcWidth, int srcHeight, uint8_t *dstImage, int dstWidth,
                                      int dstHeight, int pixel_size_B)
{
    return resize_image_using_mode(srcImage, srcWidth, srcHeight, dstImage, dstWidth, dstHeight, pixel_size_B,
                                   EI_CLASSIFIER_RESIZE_FIT_SHORTEST);
}

inline int crop_and_interpolate_rgb888(const uint8_t *srcImage, int srcWidth, int srcHeight, uint8_t *dstImage, int dstWidth,
                                       int dstHeight)
{
    return crop_and_interpolate_image(srcImage, srcWidth, srcHeight, dstImage, dstWidth, dstHeight, 3);
}

/* The part of a picture that has the shape of another; 0 and 0 where a side is less than 1. */
inline void calculate_crop_dims(int srcWidth, int srcHeight, int dstWidth, int dstHeight, int &cropWidth, int &cropHeight)
{
    cropWidth = cropHeight = 0;
    if (srcWidth < 1 || srcHeight < 1 || dstWidth < 1 || dstHeight < 1) {
        return;
    }
    const uint32_t w = static_cast<uint32_t>(srcWidth), h = static_cast<uint32_t>(srcHeight);
    const uint32_t tw = static_cast<uint32_t>(dstWidth), th = static_cast<uint32_t>(dstHeight);
    const bool wide = w * th > h * tw;
    cropWidth = static_cast<int>(wide ? ew_side(h, tw, th, w) : w);
    cropHeight = static_cast<int>(wide ? h : ew_side(w, th, tw, h));
}

/* A part of a picture, which must lie inside. */
inline int crop_image_rgb888_packed(const uint8_t *srcImage, int srcWidth, int srcHeight, int startX, int startY,
                                    uint8_t *dstImage, int dstWidth, int dstHeight)
{
    if (srcImage == NULL || dstImage == NULL || startX < 0 || startY < 0 || dstWidth < 1 || dstHeight < 1 ||
        startX > srcWidth - dstWidth || startY > srcHeight - dstHeight) {
        return EIDSP_PARAMETER_INVALID;
    }
    const size_t row = 3u * static_cast<size_t>(dstWidth);
    for (int y = 0; y < dstHeight; y++) {
        memmove(dstImage + static_cast<size_t>(y) * row,
                srcImage + 3u * (static_cast<size_t>(startY + y) * static_cast<size_t>(srcWidth) + static_cast<size_t>(startX)),
                row);
    }
    return EIDSP_OK;
}

}
}
}

#endif
