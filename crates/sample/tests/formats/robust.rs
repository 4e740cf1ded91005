//! Damaged and arbitrary bytes: an answer or an error, never a panic.

use crate::build::samples;
use edgewright_sample::boxes::{parse_coco, parse_voc, parse_yolo, parse_yolo_names};
use edgewright_sample::labels::{parse_bounding_boxes, parse_info_labels, parse_structured_labels};
use edgewright_sample::{CsvOptions, DecodeOptions, Format, Limits, decode, detect};
use proptest::prelude::*;

fn everything(bytes: &[u8], limits: Limits) {
    for format in Format::ALL {
        let options = DecodeOptions { format: Some(format), limits, ..DecodeOptions::default() };
        if let Err(error) = decode("x", bytes, &options) {
            assert!(!error.message.is_empty());
        }
    }
    let csv = CsvOptions {
        label_column: Some("1".into()),
        time_column: Some("2".into()),
        rows_are_samples: Some(true),
        ..CsvOptions::default()
    };
    let options = DecodeOptions { format: Some(Format::Csv), csv, limits, ..DecodeOptions::default() };
    let _ = decode("x", bytes, &options);
    let _ = (parse_voc(bytes), parse_coco(bytes), parse_yolo(bytes, &[]), parse_yolo_names(bytes));
    let _ = (parse_info_labels(bytes), parse_bounding_boxes(bytes), parse_structured_labels(bytes));
}

const SMALL: Limits = Limits { max_bytes: 1 << 16, max_pixels: 1 << 12, max_values: 1 << 12 };

#[test]
fn whole_files_are_recognised_and_read() {
    for (folder, name, bytes) in samples() {
        if !["labels", "voc", "coco", "yolo"].contains(&folder) {
            assert!(detect(name, &bytes).is_some(), "{name}");
            let samples = decode(name, &bytes, &DecodeOptions::default());
            assert!(samples.is_ok_and(|s| !s.is_empty()), "{name}");
        }
    }
}

/// A cut file is never taken for a whole one, except where the format cannot tell: tables, and what only trails.
#[test]
fn files_cut_at_every_length_are_answered() {
    for (folder, name, bytes) in samples() {
        for length in 0..bytes.len() {
            everything(&bytes[..length], Limits::default());
            if matches!(folder, "wav" | "flac" | "json") && !name.starts_with("streamed") {
                assert!(
                    decode(name, &bytes[..length], &DecodeOptions::default()).is_err(),
                    "{name} at {length}"
                );
            }
        }
    }
}

#[test]
fn every_flipped_byte_is_answered() {
    for (_, name, bytes) in samples() {
        for at in 0..bytes.len() {
            for mask in [0xFF, 0x01, 0x80] {
                let mut damaged = bytes.clone();
                damaged[at] ^= mask;
                let _ = decode(name, &damaged, &DecodeOptions { limits: SMALL, ..DecodeOptions::default() });
            }
        }
    }
}

#[test]
fn deep_nesting_is_answered() {
    let open = |text: &str| everything(text.repeat(20_000).as_bytes(), Limits::default());
    ["[", "{\"a\":", "{\"payload\":", "\"", "(", "\n\"", ";", " "].into_iter().for_each(open);
    everything(&[0x81; 20_000], Limits::default());
    everything(&[&[0xA1, 0x61, b'a'][..]; 9000].concat(), Limits::default());
    everything(&[0xC1; 20_000], Limits::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        everything(&bytes, SMALL);
    }

    #[test]
    fn arbitrary_tables_are_answered(text in "[0-9.,;:\t \n\r\"a-cTZ#/+-]{0,120}") {
        everything(text.as_bytes(), SMALL);
    }

    #[test]
    fn finite_tables_keep_every_value(rows in proptest::collection::vec((-1e6f32..1e6, -1e6f32..1e6), 2..40)) {
        let text: String = rows.iter().enumerate().map(|(i, (a, b))| format!("{},{a},{b}\n", i * 20)).collect();
        let samples = decode("a.csv", format!("timestamp,a,b\n{text}").as_bytes(), &DecodeOptions::default());
        let samples = samples.map_err(|e| TestCaseError::fail(e.message))?;
        let signal = crate::signal(&samples[0]);
        prop_assert_eq!(signal.rate_hz, 50.0);
        let expected: Vec<f32> = rows.iter().flat_map(|(a, b)| [*a, *b]).collect();
        prop_assert_eq!(&signal.values, &expected);
    }
}
