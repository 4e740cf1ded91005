//! Boxes from grids: FOMO decoding, non-maximum suppression, visual anomaly.

/// A box in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Index of the label.
    pub label: usize,
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Extent to the right.
    pub width: u32,
    /// Extent down.
    pub height: u32,
    /// Score.
    pub value: f32,
}

/// Decodes a grid of `grid * grid * (labels + 1)` scores, channel 0 the background. Neighbouring cells of a label
/// become one box.
///
/// A box that grows to the left or up is not widened, as on the reference's device: diagonal shapes come out narrow.
///
/// # Errors
/// A sentence when the sizes do not fit.
pub fn fomo_decode(
    scores: &[f32],
    grid: usize,
    labels: usize,
    input_width: u32,
    threshold: f32,
) -> Result<Vec<Detection>, String> {
    let cells = grid.checked_mul(grid).and_then(|n| n.checked_mul(labels + 1));
    if grid == 0 || labels == 0 || cells != Some(scores.len()) {
        return Err(format!(
            "{} scores do not fit a grid of {grid} x {grid} with {labels} labels and the background",
            scores.len()
        ));
    }
    let mut first: Vec<Detection> = Vec::new();
    for (cell, scores) in scores.chunks_exact(labels + 1).enumerate() {
        for (label, &value) in scores[1..].iter().enumerate() {
            if value >= threshold {
                let (x, y) = ((cell % grid) as u32, (cell / grid) as u32);
                let cell = Detection { label, x, y, width: 1, height: 1, value };
                merge(&mut first, cell, usize::MAX);
            }
        }
    }
    let mut boxes = Vec::new();
    for b in first {
        merge(&mut boxes, b, usize::MAX);
    }
    let size = input_width / grid as u32;
    for b in &mut boxes {
        (b.x, b.y, b.width, b.height) = (b.x * size, b.y * size, b.width * size, b.height * size);
    }
    Ok(boxes)
}

/// Into the first box of its label that it overlaps or touches, else a new one unless there are `most` already.
pub(super) fn merge(boxes: &mut Vec<Detection>, new: Detection, most: usize) {
    let touch = |b: &&mut Detection| {
        b.label == new.label
            && new.x <= b.x + b.width
            && b.x <= new.x + new.width
            && new.y <= b.y + b.height
            && b.y <= new.y + new.height
    };
    let Some(b) = boxes.iter_mut().find(touch) else {
        if boxes.len() < most {
            boxes.push(new);
        }
        return;
    };
    b.x = b.x.min(new.x);
    b.y = b.y.min(new.y);
    b.width = b.width.max(new.x + new.width - b.x);
    b.height = b.height.max(new.y + new.height - b.y);
    if new.value > b.value {
        b.value = new.value;
    }
}

/// Corners of a box: upper, left, lower, right.
pub type Corners = [f32; 4];

/// Share of the union that two boxes have in common, 0..1.
pub fn iou(a: Corners, b: Corners) -> f32 {
    let area = |c: Corners| (c[2] - c[0]).max(0.0) * (c[3] - c[1]).max(0.0);
    let shared = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    let both = area(shared);
    let all = area(a) + area(b) - both;
    if all > 0.0 { both / all } else { 0.0 }
}

/// Indices of the boxes that stay, best first: those scored above `confidence` that share less than `limit` with
/// each better one that stays.
pub fn nms(boxes: &[Corners], scores: &[f32], limit: f32, confidence: f32) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..boxes.len().min(scores.len())).filter(|&i| scores[i] > confidence).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if kept.iter().all(|&k| iou(boxes[i], boxes[k]) < limit) {
            kept.push(i);
        }
    }
    kept
}

/// Anomaly of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalyGrid {
    /// Mean over the grid.
    pub mean: f32,
    /// Highest score.
    pub max: f32,
    /// Cells at or above the threshold.
    pub cells: Vec<Detection>,
}

/// Scores per cell, row-major, to boxes. Columns take the height and rows the width of the picture, as on the
/// reference's device: only square pictures and grids come out right.
///
/// # Errors
/// A sentence when the sizes do not fit.
pub fn visual_anomaly_grid(
    scores: &[f32],
    (grid_x, grid_y): (usize, usize),
    (width, height): (u32, u32),
    threshold: f32,
) -> Result<AnomalyGrid, String> {
    if scores.is_empty() || grid_x.checked_mul(grid_y) != Some(scores.len()) {
        return Err(format!("{} scores do not fit a grid of {grid_x} x {grid_y}", scores.len()));
    }
    let (mut sum, mut max) = (0.0f32, scores[0]);
    let mut cells = Vec::new();
    for (i, &value) in scores.iter().enumerate() {
        sum += value;
        max = if value > max { value } else { max };
        if value >= threshold {
            let (row, column) = ((i / grid_x) as f32, (i % grid_x) as f32);
            cells.push(Detection {
                label: 0,
                x: (column * (height as f32 / grid_y as f32)) as u32,
                y: (row * (width as f32 / grid_x as f32)) as u32,
                width: width / grid_x as u32,
                height: height / grid_y as u32,
                value,
            });
        }
    }
    Ok(AnomalyGrid { mean: sum / scores.len() as f32, max, cells })
}
