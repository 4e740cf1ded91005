#![no_main]
//! Arbitrary text as the program of a custom block: what is accepted runs within its memory and gives finite features, what is refused
//! says why.

use edgewright_dsp::{Params, Value, WindowSpec, plan};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let window = WindowSpec { rate_hz: 50.0, axes: 3, frames: 64, image: None };
    let params = Params::from([("program".into(), Value::Text(text.into()))]);
    match plan("custom", 1, &params, &window) {
        Ok(plan) => {
            let values: Vec<f32> = (0..192).map(|i| (i * i % 37) as f32 * 0.31 - 5.0).collect();
            let mut scratch = vec![f32::NAN; plan.scratch_len()];
            let mut features = vec![f32::NAN; plan.output().len()];
            plan.extract(&values, &mut scratch, &mut features).expect("a window of numbers");
            assert!(features.iter().all(|f| f.is_finite()));
            assert_eq!(plan.names(&["x", "y", "z"]).len(), features.len());
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
});
