//! Image: pixels to 0..1.

/// Pixels as values 0..=255, channels interleaved.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePlan {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels of the input, 1 or 3.
    pub in_channels: usize,
    /// Channels of the output, 1 or 3.
    pub out_channels: usize,
}

impl ImagePlan {
    /// `v / 255`; grey is 0.299 red + 0.587 green + 0.114 blue.
    pub fn extract(&self, window: &[f32], features: &mut [f32]) {
        let pixels = window.chunks_exact(self.in_channels);
        for (pixel, out) in pixels.zip(features.chunks_exact_mut(self.out_channels)) {
            match (pixel, out) {
                ([r, g, b], [grey]) => *grey = (0.299 * r + 0.587 * g + 0.114 * b) / 255.0,
                (pixel, out) => {
                    for (i, o) in out.iter_mut().enumerate() {
                        *o = pixel[i % self.in_channels] / 255.0;
                    }
                }
            }
        }
    }
}
