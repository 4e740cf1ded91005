//! RIFF WAVE audio.

use crate::{Axis, Content, Decoded, Finding, Limits, SampleError, Signal};
use std::collections::BTreeMap;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;

/// Tail of the sub-format identifier of WAVE_FORMAT_EXTENSIBLE when its first two bytes are an ordinary format code.
const KS_SUFFIX: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// From here up a 32-bit chunk size means "not known yet": writers to a pipe put all ones, or the largest positive
/// number rounded down to a page.
const UNKNOWN_SIZE: u32 = 0x7FFF_F000;

struct Fmt {
    channels: usize,
    rate: u32,
    bits: u16,
    /// Bytes of one value.
    width: usize,
    float: bool,
}

fn error(kind: &'static str, message: String) -> SampleError {
    SampleError::new(kind, format!("WAV: {message}"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Decodes a WAVE file: integers of 1 to 4 bytes, floats of 4 or 8, plain or extensible header, RIFF or RF64.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, SampleError> {
    let mut findings = Vec::new();
    let riff = match bytes.get(..4) {
        Some(b"RIFF" | b"RF64") => u32_at(bytes, 4),
        Some(b"RIFX") => return Err(error("wav_encoding", "big-endian RIFX files are not read".into())),
        Some(_) => return Err(error("not_wav", "the file does not start with `RIFF` (byte 0)".into())),
        None => None,
    };
    let riff = riff.ok_or_else(|| {
        error("truncated", format!("the file ends inside the header (byte {})", bytes.len()))
    })?;
    match bytes.get(8..12) {
        Some(b"WAVE") => {}
        Some(_) => return Err(error("not_wav", "a RIFF file, but not of type `WAVE` (byte 8)".into())),
        None => {
            return Err(error(
                "truncated",
                format!("the file ends inside the header (byte {})", bytes.len()),
            ));
        }
    }
    let mut at = 12;
    let mut fmt: Option<Fmt> = None;
    // Size of the data chunk of an RF64 file, whose own field is all ones.
    let mut long_size: Option<u64> = None;
    loop {
        let Some(id) = bytes.get(at..at + 4) else {
            let missing = if fmt.is_some() { "`data`" } else { "`fmt ` and `data`" };
            return Err(error(
                "truncated",
                format!("the file ends at byte {} without a {missing} chunk", bytes.len()),
            ));
        };
        let size = u32_at(bytes, at + 4).ok_or_else(|| {
            error("truncated", format!("the file ends inside the chunk header at byte {at}"))
        })?;
        let body = at + 8;
        if id == b"data" {
            let fmt = fmt.ok_or_else(|| {
                error("wav_header", format!("the `data` chunk at byte {at} comes before `fmt `"))
            })?;
            let data = data_chunk(bytes, at, size, riff, long_size, &fmt, &mut findings)?;
            behind(&bytes[body + data.len()..], data.len(), &mut findings);
            return samples(data, body, &fmt, limits, findings);
        }
        let next = body.checked_add(size as usize).filter(|end| *end <= bytes.len()).ok_or_else(|| {
            let name = String::from_utf8_lossy(id).escape_debug().to_string();
            let left = bytes.len().saturating_sub(body);
            error("truncated", format!("chunk `{name}` at byte {at} promises {size} bytes, {left} follow"))
        })?;
        match id {
            b"fmt " if fmt.is_none() => fmt = Some(format_chunk(&bytes[body..next], at)?),
            b"ds64" => long_size = u64_at(&bytes[body..next], 8),
            _ => {}
        }
        // Chunks start on even bytes.
        at = next + (size as usize & 1);
    }
}

fn format_chunk(chunk: &[u8], at: usize) -> Result<Fmt, SampleError> {
    let short = || {
        error("wav_header", format!("the `fmt ` chunk at byte {at} has {} bytes, 16 are needed", chunk.len()))
    };
    let mut code = u16_at(chunk, 0).ok_or_else(short)?;
    let channels = u16_at(chunk, 2).ok_or_else(short)? as usize;
    let rate = u32_at(chunk, 4).ok_or_else(short)?;
    let align = u16_at(chunk, 12).ok_or_else(short)? as usize;
    let bits = u16_at(chunk, 14).ok_or_else(short)?;
    let body = at + 8;
    if code == EXTENSIBLE {
        let sub = chunk.get(24..40).ok_or_else(|| {
            error(
                "wav_header",
                format!("the extensible `fmt ` chunk at byte {at} has {} bytes, 40 are needed", chunk.len()),
            )
        })?;
        if sub[2..] != KS_SUFFIX {
            return Err(error(
                "wav_encoding",
                format!("unknown sub-format identifier at byte {}", body + 24),
            ));
        }
        code = u16::from_le_bytes([sub[0], sub[1]]);
    }
    if channels == 0 {
        return Err(error("wav_header", format!("0 channels (byte {})", body + 2)));
    }
    if rate == 0 {
        return Err(error("wav_header", format!("0 Hz sample rate (byte {})", body + 4)));
    }
    let float = match code {
        PCM => false,
        FLOAT => true,
        _ => {
            let name = match code {
                2 | 0x11 => " (ADPCM)",
                6 => " (A-law)",
                7 => " (mu-law)",
                0x55 => " (MP3)",
                _ => "",
            };
            let message = format!("encoding {code}{name} at byte {body} is not read; convert to PCM");
            return Err(error("wav_encoding", message));
        }
    };
    let width = align / channels;
    let whole = align.is_multiple_of(channels);
    let fits = match float {
        true => whole && matches!((bits, width), (32, 4) | (64, 8)),
        false => whole && (1..=4).contains(&width) && (8 * width - 7..=8 * width).contains(&(bits as usize)),
    };
    if !fits {
        let kind = if float { "float" } else { "integer" };
        let message = format!(
            "{bits}-bit {kind} values in frames of {align} bytes for {channels} channels are not read (bytes {} to {})",
            body + 12,
            body + 15
        );
        return Err(error("wav_encoding", message));
    }
    Ok(Fmt { channels, rate, bits, width, float })
}

/// The bytes of the data chunk, whole frames.
fn data_chunk<'a>(
    bytes: &'a [u8],
    at: usize,
    size: u32,
    riff: u32,
    long_size: Option<u64>,
    fmt: &Fmt,
    findings: &mut Vec<Finding>,
) -> Result<&'a [u8], SampleError> {
    let rest = &bytes[at + 8..];
    let frame = fmt.width * fmt.channels;
    // A size of 0 is a writer that never came back to the header, unless the outer size says that all is in order.
    let unfinished = size == 0 && !rest.is_empty() && riff as usize != bytes.len() - 8;
    let streamed = unfinished || (size >= UNKNOWN_SIZE && size as usize > rest.len());
    let declared = match long_size.filter(|_| size == u32::MAX) {
        Some(size) => size,
        None if streamed => {
            findings.push(Finding {
                kind: "streamed_size".into(),
                message: format!(
                    "the header leaves the length open ({size}); all {} bytes that follow were read",
                    rest.len()
                ),
            });
            rest.len() as u64 / frame as u64 * frame as u64
        }
        None => u64::from(size),
    };
    if declared > rest.len() as u64 {
        let message = format!("the data chunk at byte {at} promises {declared} bytes, {} follow", rest.len());
        return Err(error("truncated", message));
    }
    let data = &rest[..declared as usize];
    if !data.len().is_multiple_of(frame) {
        let message = format!(
            "the data chunk at byte {at} has {} bytes, not a multiple of the frame's {frame}",
            data.len()
        );
        return Err(error("wav_header", message));
    }
    if data.is_empty() {
        return Err(error("empty", format!("the data chunk at byte {at} holds no samples")));
    }
    Ok(data)
}

/// Looks at what follows the data: when it is no chunk, the header may promise too little.
fn behind(rest: &[u8], read: usize, findings: &mut Vec<Finding>) {
    let rest = rest.get(read & 1..).unwrap_or_default();
    // Zeros fill up a block of a disk, and what is shorter than the head of a chunk holds no sound worth a word.
    let Some(head) = rest.get(..8).filter(|_| rest.iter().any(|b| *b != 0)) else { return };
    let named = head[..4].iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    let fits = u32_at(head, 4).is_some_and(|size| size as usize <= rest.len() - 8);
    if !(named && fits) {
        findings.push(Finding {
            kind: "data_behind".into(),
            message: format!(
                "the header promises {read} bytes of sound, and {} bytes that are no chunk follow; they were not read",
                rest.len()
            ),
        });
    }
}

fn samples(
    data: &[u8],
    start: usize,
    fmt: &Fmt,
    limits: &Limits,
    mut findings: Vec<Finding>,
) -> Result<Decoded, SampleError> {
    let count = data.len() / fmt.width;
    if count > limits.max_values {
        return Err(error(
            "too_large",
            format!(
                "{count} values, at most {} are accepted: cut the recording into shorter files",
                limits.max_values
            ),
        ));
    }
    let chunks = data.chunks_exact(fmt.width);
    let values: Vec<f32> = match (fmt.float, fmt.width) {
        (false, 1) => chunks.map(|c| (f32::from(c[0]) - 128.0) * 256.0).collect(),
        (false, 2) => chunks.map(|c| f32::from(i16::from_le_bytes([c[0], c[1]]))).collect(),
        // 24 bits fit the mantissa, so the division is exact.
        (false, 3) => {
            chunks.map(|c| (i32::from_le_bytes([0, c[0], c[1], c[2]]) >> 8) as f32 / 256.0).collect()
        }
        (false, _) => chunks.map(|c| i32::from_le_bytes([c[0], c[1], c[2], c[3]]) as f32 / 65536.0).collect(),
        (true, 4) => floats(
            chunks.map(|c| f64::from(f32::from_le_bytes([c[0], c[1], c[2], c[3]]))),
            start,
            fmt,
            &mut findings,
        )?,
        (true, _) => floats(
            chunks.map(|c| f64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]])),
            start,
            fmt,
            &mut findings,
        )?,
    };
    let mut metadata = BTreeMap::new();
    metadata.insert(
        "encoding".into(),
        format!("{}-bit {}", fmt.bits, if fmt.float { "float" } else { "integer" }),
    );
    Ok(Decoded {
        content: Content::Signal(Signal {
            rate_hz: f64::from(fmt.rate),
            axes: audio_axes(fmt.channels),
            values,
        }),
        label: None,
        group: None,
        spans: Vec::new(),
        metadata,
        findings,
    })
}

/// Full scale 1.0 becomes 32768; what lies beyond int16 is clipped and reported.
fn floats(
    values: impl Iterator<Item = f64>,
    start: usize,
    fmt: &Fmt,
    findings: &mut Vec<Finding>,
) -> Result<Vec<f32>, SampleError> {
    let mut out = Vec::with_capacity(values.size_hint().0);
    let mut beyond = 0usize;
    for (index, value) in values.enumerate() {
        if !value.is_finite() {
            let (frame, channel) = (index / fmt.channels, index % fmt.channels);
            let message = format!(
                "frame {frame}, channel {channel} is {value} (byte {}); only numbers are read",
                start + index * fmt.width
            );
            return Err(error("not_finite", message));
        }
        beyond += usize::from(value.abs() > 1.0);
        out.push((value * 32768.0).clamp(-32768.0, 32767.0) as f32);
    }
    if beyond > 0 {
        findings.push(Finding {
            kind: "clipped".into(),
            message: format!(
                "{beyond} of {} values lie beyond full scale (-1 to 1) and were clipped",
                out.len()
            ),
        });
    }
    Ok(out)
}

/// `audio`, or `audio0`, `audio1`, ... for several channels; unit `wav`.
pub(crate) fn audio_axes(channels: usize) -> Vec<Axis> {
    let axis = |name| Axis { name, units: "wav".into() };
    match channels {
        1 => vec![axis("audio".into())],
        n => (0..n).map(|i| axis(format!("audio{i}"))).collect(),
    }
}
