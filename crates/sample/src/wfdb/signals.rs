//! Signal files: values of the converter in ten formats, brought to physical units.

use super::{
    archive::Member,
    error,
    header::{Header, SignalLine},
    remark,
};
use crate::{Axis, Finding, Limits, SampleError};

/// Formats that are read, with the bits of one value.
const FORMATS: [(u16, usize); 10] =
    [(8, 8), (16, 16), (24, 24), (32, 32), (61, 16), (80, 8), (160, 16), (212, 12), (310, 10), (311, 10)];

/// Axes and row-major values of all signals. A value that the converter marks as missing refuses the record.
pub(super) fn read(
    header: &Header,
    head: &str,
    files: &[Member<'_>],
    limits: &Limits,
    findings: &mut Vec<Finding>,
) -> Result<(Vec<Axis>, Vec<f32>), SampleError> {
    let signals = &header.signals;
    // Signals of one file stand side by side in it.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (n, signal) in signals.iter().enumerate() {
        match groups.iter_mut().find(|g| signals[g[0]].file == signal.file) {
            Some(group) => group.push(n),
            None => groups.push(vec![n]),
        }
    }
    let mut read = Vec::with_capacity(groups.len());
    let mut frames = header.frames;
    for group in &groups {
        let first = &signals[group[0]];
        let file = files.iter().find(|f| f.name == first.file).ok_or_else(|| {
            error(
                "wfdb_missing",
                format!("{head} names the signal file `{}`, which did not come with it", first.file),
            )
        })?;
        let wrong = |what: String| error("wfdb_signal", format!("{}: {what}", first.file));
        if let Some(other) =
            group.iter().map(|n| &signals[*n]).find(|s| s.format != first.format || s.offset != first.offset)
        {
            return Err(wrong(format!(
                "signals `{}` and `{}` are in one file but have formats {} and {}, offsets {} and {}",
                first.name, other.name, first.format, other.format, first.offset, other.offset
            )));
        }
        let Some((_, bits)) = FORMATS.iter().find(|f| f.0 == first.format) else {
            let known: Vec<String> = FORMATS.iter().map(|f| f.0.to_string()).collect();
            return Err(wrong(format!("format {} is not read ({} are)", first.format, known.join(", "))));
        };
        let bytes = file.bytes.get(first.offset..).unwrap_or_default();
        let width = group.len();
        let held = values_in(bytes.len(), first.format, *bits) / width;
        let wanted = *frames.get_or_insert(held);
        if held < wanted {
            return Err(error(
                "truncated",
                format!(
                    "{}: {wanted} frames are promised, {held} are there; fetch the file again",
                    first.file
                ),
            ));
        }
        if wanted == 0 {
            return Err(error("empty", format!("{}: the file holds no values", first.file)));
        }
        let total = wanted.saturating_mul(signals.len());
        if total > limits.max_values {
            return Err(error(
                "too_large",
                format!("{total} values, at most {} are accepted", limits.max_values),
            ));
        }
        read.push(converter(
            bytes,
            first.format,
            wanted * width,
            group.iter().map(|n| signals[*n].first).collect(),
        ));
    }
    let frames = frames.unwrap_or(0);
    let mut out = vec![0.0f32; frames * signals.len()];
    for (group, values) in groups.iter().zip(&read) {
        for (place, &n) in group.iter().enumerate() {
            let one = values.iter().skip(place).step_by(group.len()).copied();
            check_sum(&signals[n], one.clone(), findings);
            let missing = missing(signals[n].format);
            for (frame, (slot, value)) in out.iter_mut().skip(n).step_by(signals.len()).zip(one).enumerate() {
                let wrong = |what: &str| {
                    let SignalLine { file, name, .. } = &signals[n];
                    error(
                        "missing_value",
                        format!("{file}: `{name}` {what} at frame {frame}; cut such parts out"),
                    )
                };
                if Some(value) == missing {
                    return Err(wrong("has no value"));
                }
                *slot = ((f64::from(value) - signals[n].baseline) / signals[n].gain) as f32;
                if !slot.is_finite() {
                    return Err(wrong("has a value that is not finite"));
                }
            }
        }
    }
    let axes = signals.iter().map(|s| Axis { name: s.name.clone(), units: s.units.clone() }).collect();
    Ok((axes, out))
}

/// Whole values in so many bytes.
fn values_in(bytes: usize, format: u16, bits: usize) -> usize {
    match format {
        // A pair that is cut still holds its first value.
        212 => bytes / 3 * 2 + usize::from(bytes % 3 == 2),
        310 => bytes / 4 * 3,
        311 => bytes / 4 * 3 + usize::from(bytes % 4 >= 2),
        _ => bytes / (bits / 8),
    }
}

/// The first `count` values of the converter, as the format holds them. The bytes hold as many.
fn converter(bytes: &[u8], format: u16, count: usize, first: Vec<i32>) -> Vec<i32> {
    let byte = |at: usize| i32::from(bytes.get(at).copied().unwrap_or(0));
    let word = |at: usize| byte(at) | byte(at + 1) << 8;
    // Two's complement of so many bits.
    let signed = |value: i32, bits: u32| value << (32 - bits) >> (32 - bits);
    let mut last = first;
    let width = last.len().max(1);
    (0..count)
        .map(|i| match format {
            8 => {
                let value = last[i % width].wrapping_add(signed(byte(i), 8));
                last[i % width] = value;
                value
            }
            16 => signed(word(2 * i), 16),
            24 => signed(word(3 * i) | byte(3 * i + 2) << 16, 24),
            32 => word(4 * i) | word(4 * i + 2) << 16,
            61 => signed(byte(2 * i) << 8 | byte(2 * i + 1), 16),
            80 => byte(i) - 128,
            160 => word(2 * i) - 32768,
            212 => {
                let at = i / 2 * 3;
                let high = byte(at + 1);
                match i % 2 {
                    0 => signed(byte(at) | (high & 0x0F) << 8, 12),
                    _ => signed(byte(at + 2) | (high & 0xF0) << 4, 12),
                }
            }
            310 => {
                let at = i / 3 * 4;
                let (a, b) = (word(at), word(at + 2));
                match i % 3 {
                    0 => signed(a >> 1 & 0x3FF, 10),
                    1 => signed(b >> 1 & 0x3FF, 10),
                    _ => signed(a >> 11 | (b >> 11) << 5, 10),
                }
            }
            // 311, the last one that is known.
            _ => {
                let at = i / 3 * 4;
                let (a, b) = (word(at), word(at + 2));
                match i % 3 {
                    0 => signed(a & 0x3FF, 10),
                    1 => signed(a >> 10 | (b & 0xF) << 6, 10),
                    _ => signed(b >> 4 & 0x3FF, 10),
                }
            }
        })
        .collect()
}

/// The value that says that there is none.
fn missing(format: u16) -> Option<i32> {
    Some(match format {
        8 => return None,
        80 => -128,
        310 | 311 => -512,
        212 => -2048,
        24 => -(1 << 23),
        32 => i32::MIN,
        _ => -32768,
    })
}

fn check_sum(signal: &SignalLine, values: impl Iterator<Item = i32>, findings: &mut Vec<Finding>) {
    let Some(promised) = signal.checksum else { return };
    let sum = values.fold(0i16, |sum, v| sum.wrapping_add(v as i16));
    if sum != promised {
        let message = format!(
            "{}: the values of `{}` add up to {sum} (16 bits), the header says {promised}: header and signals may be of different versions",
            signal.file, signal.name
        );
        remark(findings, "checksum", message);
    }
}

#[cfg(test)]
mod tests {
    use super::converter;

    #[test]
    fn packed_values_come_apart() {
        // What these bytes mean was worked out by hand from the description of the formats.
        assert_eq!(converter(&[0x12, 0xF3, 0xFE, 0xFF, 0x0F], 212, 3, vec![0]), [0x312, -2, -1]);
        let packed = |a: u16, b: u16| [a.to_le_bytes(), b.to_le_bytes()].concat();
        assert_eq!(
            converter(&packed(0b10101 << 11 | 5 << 1, 0b11111 << 11 | 0x3FF << 1), 310, 3, vec![0]),
            [5, -1, -11]
        );
        assert_eq!(converter(&packed(5 | 0b111111 << 10, 0b1111 | 7 << 4), 311, 3, vec![0]), [5, -1, 7]);
        assert_eq!(converter(&[1, 2, 0xFF, 3], 8, 4, vec![10, 20]), [11, 22, 10, 25]);
        assert_eq!(converter(&[0xFF, 0xFE], 61, 1, vec![0]), [-2]);
        assert_eq!(converter(&[0, 0x80, 0xFF], 80, 3, vec![0]), [-128, 0, 127]);
        assert_eq!(converter(&[0, 0x80, 1, 0], 160, 2, vec![0]), [0, -32767]);
        assert_eq!(converter(&[0xFE, 0xFF, 0xFF], 24, 1, vec![0]), [-2]);
        assert_eq!(converter(&[0xFE, 0xFF, 0xFF, 0xFF], 32, 1, vec![0]), [-2]);
    }
}
