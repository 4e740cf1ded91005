//! Rows and networks that several tests train on.

use edgewright_train::{Layer, Rows};

pub struct Memory {
    pub width: usize,
    pub values: Vec<f32>,
}

impl Rows for Memory {
    fn len(&self) -> usize {
        self.values.len() / self.width
    }
    fn width(&self) -> usize {
        self.width
    }
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()> {
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            out.copy_from_slice(&self.values[row * self.width..][..self.width]);
        }
        Ok(())
    }
}

pub fn noise(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// Spectrograms of 16 x 6: a ridge that rises (class 0) or falls (class 1) in noise.
pub fn ridges(count: usize, mut seed: u64) -> (Memory, Vec<u32>) {
    let (mut values, mut classes) = (Vec::new(), Vec::new());
    for i in 0..count {
        let class = (i % 2) as u32;
        let start = noise(&mut seed) * 1.0;
        for t in 0..16 {
            let slope = if class == 0 { 0.3 } else { -0.3 };
            let centre = 2.5 + start + slope * (t as f32 - 7.5);
            for f in 0..6 {
                let d = f as f32 - centre;
                values.push(20.0 * (-d * d).exp() + 2.0 * noise(&mut seed) + 5.0);
            }
        }
        classes.push(class);
    }
    (Memory { width: 96, values }, classes)
}

pub fn layers(text: &str) -> Vec<Layer> {
    serde_json::from_str(text).expect("layers")
}

pub const CONV1D: &str = r#"[{"type":"conv1d","filters":8,"kernel":3},{"type":"batch_norm"},{"type":"activation","activation":"relu"},
    {"type":"max_pool","size":[2]},{"type":"dropout","rate":0.1},{"type":"conv1d","filters":8,"kernel":3,"activation":"relu6"},
    {"type":"global_average_pool"}]"#;

pub const TIME: [&str; 2] = [
    r#"[{"type":"lstm","units":8}]"#,
    r#"[{"type":"conv1d","filters":8,"kernel":3,"activation":"gelu"},{"type":"layer_norm"},
        {"type":"gru","units":8,"sequences":true},{"type":"batch_norm"},{"type":"gru","units":6},{"type":"layer_norm"}]"#,
];

pub const ATTENTION: &str = r#"[{"type":"conv1d","filters":8,"kernel":3,"activation":"relu"},
    {"type":"residual","layers":[{"type":"attention","heads":2,"key":4}]},{"type":"attention","key":6},{"type":"batch_norm"},
    {"type":"activation","activation":"relu"},{"type":"global_average_pool"}]"#;

pub const BLOCKS: &str = r#"[{"type":"conv2d","filters":6,"kernel":[3,3],"activation":"leaky_relu"},
    {"type":"residual","activation":"relu","layers":[{"type":"conv2d","filters":8,"kernel":[3,3],"stride":[2,2]},{"type":"batch_norm"}],
        "shortcut":[{"type":"conv2d","filters":8,"kernel":[1,1],"stride":[2,2]}]},
    {"type":"concat","branches":[[{"type":"conv2d","filters":5,"kernel":[3,3],"dilation":[2,1],"activation":"hard_swish"}],[],
        [{"type":"depthwise_conv","kernel":[3,3]},{"type":"batch_norm"},{"type":"activation","activation":"tanh"}]]},
    {"type":"resize","size":[6,4]},{"type":"conv2d","filters":6,"kernel":[1,1],"activation":"sigmoid"},{"type":"global_max_pool"}]"#;
