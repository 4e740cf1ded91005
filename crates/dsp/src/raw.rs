//! Raw data.

/// `output = input * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct RawPlan {
    /// Multiplier.
    pub scale: f32,
    /// Values per window.
    pub len: usize,
}

impl RawPlan {
    /// Scales every value.
    pub fn extract(&self, window: &[f32], features: &mut [f32]) {
        for (f, x) in features.iter_mut().zip(window) {
            *f = x * self.scale;
        }
    }
}
