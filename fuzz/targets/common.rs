//! What every target of `edgewright-sample` does and checks.

use edgewright_sample::{Content, CsvOptions, DecodeOptions, Decoded, Format, Limits, decode};

/// Small limits keep a run fast and make the limits themselves part of the test.
pub fn options(format: Option<Format>) -> DecodeOptions {
    DecodeOptions {
        format,
        hmac_key: Some(b"0000".to_vec()),
        limits: Limits { max_bytes: 1 << 20, max_pixels: 1 << 20, max_values: 1 << 20 },
        csv: CsvOptions::default(),
        ..DecodeOptions::default()
    }
}

/// Takes the choices that any table has from a byte.
#[allow(dead_code, reason = "each target uses its part")]
pub fn choose(options: &mut DecodeOptions, choice: u8) {
    options.csv.rows_are_samples = [None, Some(false), Some(true), None][usize::from(choice & 3)];
    let column = |bit: u8, name: &str| (choice & bit != 0).then(|| name.to_owned());
    options.csv.label_column = column(4, "1");
    options.csv.group_column = column(8, "2");
    options.csv.time_column = column(16, "2");
    options.csv.rate_hz = (choice & 32 != 0).then_some(50.0);
}

/// Decodes, and checks what is promised about every accepted file.
#[allow(dead_code, reason = "each target uses its part")]
pub fn check(bytes: &[u8], options: &DecodeOptions) {
    match decode("fuzz", bytes, options) {
        Ok(samples) => {
            assert!(!samples.is_empty());
            samples.iter().for_each(|sample| holds(sample, options));
        }
        Err(error) => assert!(!error.kind.is_empty() && !error.message.is_empty()),
    }
}

fn holds(sample: &Decoded, options: &DecodeOptions) {
    match &sample.content {
        Content::Signal(signal) => {
            assert!(signal.rate_hz.is_finite() && signal.rate_hz >= 0.0);
            assert!(signal.frames() > 0 && signal.values.len() == signal.frames() * signal.axes.len());
            assert!(signal.values.len() <= options.limits.max_values);
            assert!(signal.values.iter().all(|v| v.is_finite()));
        }
        Content::Image(image) => {
            assert!(image.channels == 1 || image.channels == 3);
            assert!(image.width > 0 && image.height > 0);
            assert_eq!(image.pixels.len(), image.width * image.height * image.channels);
            assert!((image.width * image.height) as u64 <= options.limits.max_pixels);
        }
    }
}
