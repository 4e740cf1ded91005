//! FLAC audio, decoded by `claxon`.

use crate::wav::audio_axes;
use crate::{Content, Decoded, Limits, SampleError, Signal};
use claxon::{Error, FlacReader, FlacReaderOptions};
use std::collections::BTreeMap;

fn error(kind: &'static str, message: impl std::fmt::Display) -> SampleError {
    SampleError::new(kind, format!("FLAC: {message}"))
}

fn convert(cause: Error, frames: usize) -> SampleError {
    match cause {
        Error::IoError(_) => {
            error("truncated", format!("the file ends inside a block, after {frames} frames"))
        }
        Error::FormatError(what) => error("flac_data", format!("{what}, after {frames} frames")),
        Error::Unsupported(what) => error("flac_encoding", format!("{what}, after {frames} frames")),
    }
}

/// Decodes a FLAC file, 4 to 24 bits a value.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, SampleError> {
    let options = FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
    let mut reader = FlacReader::new_ext(bytes, options).map_err(|cause| convert(cause, 0))?;
    let info = reader.streaminfo();
    let channels = info.channels as usize;
    if info.sample_rate == 0 {
        return Err(error("flac_data", "0 Hz sample rate"));
    }
    // Above 24 bits the side channel needs more than the decoder's 32-bit sums.
    if !(4..=24).contains(&info.bits_per_sample) {
        return Err(error(
            "flac_encoding",
            format!("{} bits a value are not read (4 to 24 are)", info.bits_per_sample),
        ));
    }
    let over = |count: u64| {
        error(
            "too_large",
            format!(
                "{count} values, at most {} are accepted: cut the recording into shorter files",
                limits.max_values
            ),
        )
    };
    if let Some(count) = info.samples.and_then(|frames| frames.checked_mul(channels as u64))
        && count > limits.max_values as u64
    {
        return Err(over(count));
    }
    let scale = 32768.0 / (1u32 << (info.bits_per_sample - 1)) as f32;
    let mut values: Vec<f32> = Vec::new();
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    loop {
        let frames = values.len() / channels;
        let Some(block) = blocks.read_next_or_eof(buffer).map_err(|cause| convert(cause, frames))? else {
            break;
        };
        if block.channels() as usize != channels {
            let message = format!(
                "a block of {} channels in a stream of {channels}, after {frames} frames",
                block.channels()
            );
            return Err(error("flac_data", message));
        }
        let total = values.len() + block.duration() as usize * channels;
        if total > limits.max_values {
            return Err(over(total as u64));
        }
        for frame in 0..block.duration() {
            for channel in 0..block.channels() {
                values.push((block.sample(channel, frame) as f32 * scale).clamp(-32768.0, 32767.99));
            }
        }
        buffer = block.into_buffer();
    }
    let frames = (values.len() / channels) as u64;
    if frames == 0 {
        return Err(error("empty", "the stream holds no samples"));
    }
    if let Some(promised) = info.samples.filter(|n| *n != 0 && *n != frames) {
        return Err(error("truncated", format!("the header promises {promised} frames, {frames} follow")));
    }
    let mut metadata = BTreeMap::new();
    metadata.insert("encoding".into(), format!("{}-bit integer", info.bits_per_sample));
    Ok(Decoded {
        content: Content::Signal(Signal {
            rate_hz: f64::from(info.sample_rate),
            axes: audio_axes(channels),
            values,
        }),
        label: None,
        group: None,
        spans: Vec::new(),
        metadata,
        findings: Vec::new(),
    })
}
