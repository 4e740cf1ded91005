#![no_main]
//! Arbitrary bytes as what an external DSP block answers: head and body of HTTP, its parameters, its features. What is accepted is finite
//! and has the size that it claims.

use edgewright_dsp::{OutputShape, Params, Value, WindowSpec, plan};
use edgewright_engine::program::contract;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let body = match edgewright_toolchain::reply(bytes) {
        Ok(reply) => reply.body,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            bytes.to_vec()
        }
    };
    match contract::declared(&body) {
        Ok(declared) => {
            let params = declared.params(&Default::default(), declared.version).expect("defaults were checked");
            assert!(params.len() <= declared.parameters.len());
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
    for windows in [None, Some(2)] {
        let answer = match contract::answer(&body, windows) {
            Ok(answer) => answer,
            Err(reason) => {
                assert!(!reason.is_empty());
                continue;
            }
        };
        assert_eq!(answer.rows.len(), windows.unwrap_or(1));
        assert!(answer.rows.iter().flatten().all(|v| v.is_finite()));
        let shape = match answer.shape {
            OutputShape::Flat(n) => n.to_string(),
            OutputShape::Spectrogram { rows, columns } => format!("{rows}x{columns}"),
            OutputShape::Image { height, width, channels } => format!("{height}x{width}x{channels}"),
        };
        let params = Params::from([("shape".into(), Value::Text(shape))]);
        let window = WindowSpec { rate_hz: 10.0, axes: 1, frames: 4, image: None };
        let planned = plan("external", 1, &params, &window).expect("an answer can be planned");
        assert_eq!(planned.output().len(), answer.rows[0].len());
        assert!(answer.names.is_none_or(|n| n.len() == answer.rows[0].len()));
    }
});
