//! Writers for the formats our own tools produce.

use crate::{Image, SampleError, acquisition};
use serde::Serialize;
use std::io::Cursor;

/// A WAVE file of 16-bit values. `interleaved` holds one value per channel and frame; a last incomplete frame is left out.
///
/// # Errors
/// `encode` when there are no channels, the rate is 0 or the file would pass 4 GiB.
pub fn encode_wav_pcm16(rate_hz: u32, channels: u16, interleaved: &[i16]) -> Result<Vec<u8>, SampleError> {
    let error = |message: &str| SampleError::new("encode", message);
    if channels == 0 || rate_hz == 0 {
        return Err(error("a WAVE file needs a channel and a sample rate"));
    }
    let align = channels.checked_mul(2).ok_or_else(|| error("too many channels for a WAVE file"))?;
    let byte_rate =
        rate_hz.checked_mul(u32::from(align)).ok_or_else(|| error("the byte rate passes 32 bits"))?;
    let whole = interleaved.len() - interleaved.len() % usize::from(channels);
    let data = u32::try_from(whole * 2).ok().filter(|n| *n <= u32::MAX - 36);
    let data = data.ok_or_else(|| error("more than 4 GiB do not fit a WAVE file"))?;
    let mut out = Vec::with_capacity(44 + whole * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&rate_hz.to_le_bytes());
    out.extend_from_slice(&byte_rate.to_le_bytes());
    out.extend_from_slice(&align.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data.to_le_bytes());
    for value in &interleaved[..whole] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    Ok(out)
}

/// A PNG file, grey or red, green, blue.
///
/// # Errors
/// `encode` when the number of pixel bytes does not fit the dimensions.
pub fn encode_png(picture: &Image) -> Result<Vec<u8>, SampleError> {
    let error = |message: String| SampleError::new("encode", message);
    let size =
        |n: usize| u32::try_from(n).map_err(|_| error(format!("{n} pixels in one direction are too many")));
    let (width, height) = (size(picture.width)?, size(picture.height)?);
    let color = match picture.channels {
        1 => ::image::ExtendedColorType::L8,
        3 => ::image::ExtendedColorType::Rgb8,
        n => return Err(error(format!("{n} channels; a picture has 1 or 3"))),
    };
    let expected = picture.width.checked_mul(picture.height).and_then(|n| n.checked_mul(picture.channels));
    if expected != Some(picture.pixels.len()) || picture.pixels.is_empty() {
        return Err(error(format!("{} bytes do not make {width} x {height} pixels", picture.pixels.len())));
    }
    let mut out = Cursor::new(Vec::new());
    ::image::write_buffer_with_format(
        &mut out,
        &picture.pixels,
        width,
        height,
        color,
        ::image::ImageFormat::Png,
    )
    .map_err(|cause| error(cause.to_string()))?;
    Ok(out.into_inner())
}

/// What an acquisition document says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcquisitionDocument {
    /// Name of the device, such as its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Kind of device.
    pub device_type: String,
    /// Milliseconds between frames; 0 for a single row.
    pub interval_ms: f64,
    /// Quantities.
    pub sensors: Vec<crate::Axis>,
    /// Frames, one value per sensor.
    pub values: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Protected {
    ver: &'static str,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    protected: Protected,
    signature: String,
    payload: &'a AcquisitionDocument,
}

impl<'a> Envelope<'a> {
    fn new(document: &'a AcquisitionDocument, issued_at: Option<u64>, signed: bool) -> Self {
        let alg = if signed { "HS256" } else { "none" };
        Self {
            protected: Protected { ver: "v1", alg, iat: issued_at },
            signature: "0".repeat(64),
            payload: document,
        }
    }
}

/// An acquisition document as compact JSON, signed with HS256 when there is a key. `issued_at` is in seconds since 1970.
///
/// # Errors
/// `encode` when a value is not finite.
pub fn encode_acquisition_json(
    document: &AcquisitionDocument,
    issued_at: Option<u64>,
    hmac_key: Option<&[u8]>,
) -> Result<Vec<u8>, SampleError> {
    check(document)?;
    let envelope = Envelope::new(document, issued_at, hmac_key.is_some());
    let bytes =
        serde_json::to_vec(&envelope).map_err(|cause| SampleError::new("encode", cause.to_string()))?;
    Ok(sign(bytes, hmac_key))
}

/// An acquisition document as CBOR, signed with HS256 when there is a key. `issued_at` is in seconds since 1970.
///
/// # Errors
/// `encode` when a value is not finite.
pub fn encode_acquisition_cbor(
    document: &AcquisitionDocument,
    issued_at: Option<u64>,
    hmac_key: Option<&[u8]>,
) -> Result<Vec<u8>, SampleError> {
    check(document)?;
    let envelope = Envelope::new(document, issued_at, hmac_key.is_some());
    let mut bytes = Vec::new();
    ciborium::into_writer(&envelope, &mut bytes)
        .map_err(|cause| SampleError::new("encode", cause.to_string()))?;
    Ok(sign(bytes, hmac_key))
}

fn check(document: &AcquisitionDocument) -> Result<(), SampleError> {
    for (row, values) in document.values.iter().enumerate() {
        if values.iter().any(|v| !v.is_finite()) || !document.interval_ms.is_finite() {
            return Err(SampleError::new("encode", format!("row {row} holds a value that is not finite")));
        }
    }
    Ok(())
}

/// Replaces the zeros of the signature, which stand before the payload, by the digest.
fn sign(mut bytes: Vec<u8>, hmac_key: Option<&[u8]>) -> Vec<u8> {
    let zeros = [b'0'; 64];
    if let Some(key) = hmac_key
        && let Some(at) = bytes.windows(64).position(|w| w == zeros)
    {
        let digest = acquisition::digest(key, &[&bytes]);
        bytes[at..at + 64].copy_from_slice(digest.as_bytes());
    }
    bytes
}
