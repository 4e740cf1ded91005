/* Boxes out of the scores of cells. Mirrors the crate `impulse`, modules `post::detect` and `post::cells`. */

typedef struct {
    int labels, rows, columns, width, height, most;
    const uint16_t *sizes; /* width and height of a usual object of each label */
} ew_detector;

/* Into the first box of its label that it overlaps or touches, else a new one unless there are `most`. Returns how many there are. */
EW_FN int ew_merge_box(ew_box *boxes, int count, int most, ew_box b)
{
    int i;
    for (i = 0; i < count; i++) {
        ew_box *a = &boxes[i];
        if (a->label == b.label && b.x <= a->x + a->width && a->x <= b.x + b.width && b.y <= a->y + a->height &&
            a->y <= b.y + b.height) {
            int extent;
            a->x = b.x < a->x ? b.x : a->x;
            a->y = b.y < a->y ? b.y : a->y;
            extent = b.x + b.width - a->x;
            a->width = extent > a->width ? (uint16_t)extent : a->width;
            extent = b.y + b.height - a->y;
            a->height = extent > a->height ? (uint16_t)extent : a->height;
            a->score = b.score > a->score ? b.score : a->score;
            return count;
        }
    }
    if (count < most) {
        boxes[count++] = b;
    }
    return count;
}

/* Start and length along one side of the picture: at least of the usual length, about the same centre, inside. */
EW_FN void ew_box_extent(uint16_t *start, uint16_t *length, int cell, int usual, int side)
{
    const int from = *start * cell, cells = *length * cell;
    int to = from, size = cells;
    if (usual > cells) {
        size = usual < side ? usual : side;
        to = 2 * from + cells - size;
        to = to < 0 ? 0 : to / 2;
        to = to < side - size ? to : side - size;
    }
    *start = (uint16_t)to;
    *length = (uint16_t)size;
}

/* Boxes of the cells that score at least `threshold`; returns how many. */
EW_FN int ew_cells_to_boxes(const ew_detector *d, const float *cells, float threshold, ew_box *boxes)
{
    const int channels = d->labels + 1;
    int count = 0, seen, i, row, column, label;
    for (row = 0; row < d->rows; row++) {
        for (column = 0; column < d->columns; column++, cells += channels) {
            for (label = 0; label < d->labels; label++) {
                if (cells[label + 1] >= threshold) {
                    ew_box b;
                    b.label = (uint16_t)label;
                    b.x = (uint16_t)column;
                    b.y = (uint16_t)row;
                    b.width = 1;
                    b.height = 1;
                    b.score = cells[label + 1];
                    count = ew_merge_box(boxes, count, d->most, b);
                }
            }
        }
    }
    /* Boxes that grew until they touch; those that are done lie before the one that is looked at. */
    seen = count;
    count = 0;
    for (i = 0; i < seen; i++) {
        count = ew_merge_box(boxes, count, d->most, boxes[i]);
    }
    for (i = 0; i < count; i++) {
        const uint16_t *usual = d->sizes + 2 * boxes[i].label;
        ew_box_extent(&boxes[i].x, &boxes[i].width, d->width / d->columns, usual[0], d->width);
        ew_box_extent(&boxes[i].y, &boxes[i].height, d->height / d->rows, usual[1], d->height);
    }
    return count;
}
