//! Acquisition documents: JSON or CBOR envelope, signature, values in place or as binary behind a CBOR header.

mod document;

use crate::{Axis, Content, DecodeOptions, Decoded, Finding, SampleError, Signal};
use document::{Document, NOT_FINITE, Sensor, Values};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};

fn error(kind: &'static str, message: impl Into<String>) -> SampleError {
    SampleError::new(kind, message)
}

/// Decodes the JSON form.
pub(crate) fn decode_json(bytes: &[u8], options: &DecodeOptions) -> Result<Decoded, SampleError> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let other = match text.trim_ascii_start().first() {
        Some(b'{') => None,
        Some(b'[') => Some("an array"),
        None => Some("nothing but white space"),
        Some(_) => Some("no object"),
    };
    if let Some(other) = other {
        let message = format!(
            "JSON: the file holds {other}; an acquisition document is an object with `protected` and `payload`"
        );
        return Err(error("not_acquisition", message));
    }
    let document: Document = serde_json::from_slice(text).map_err(|cause| json_error(&cause, text))?;
    finish(document, bytes, None, options)
}

fn json_error(cause: &serde_json::Error, text: &[u8]) -> SampleError {
    let message = cause.to_string();
    if message.contains(NOT_FINITE) || message.starts_with("number out of range") {
        return error("not_finite", format!("JSON: {message}"));
    }
    match cause.classify() {
        serde_json::error::Category::Eof => {
            error("truncated", format!("JSON: the document ends too early: {message}"))
        }
        serde_json::error::Category::Syntax => {
            // Python writes these words although JSON has no such numbers. The reported column is at the word or just inside.
            let line = text.split(|b| *b == b'\n').nth(cause.line().saturating_sub(1)).unwrap_or_default();
            let end = (cause.column() + 2).min(line.len());
            let near = &line[cause.column().saturating_sub(4).min(end)..end];
            if near.windows(3).any(|w| matches!(w, b"NaN" | b"Inf" | b"nan" | b"inf")) {
                return error("not_finite", format!("JSON: NaN or Infinity is not a number: {message}"));
            }
            error("json_syntax", format!("JSON: {message}"))
        }
        _ => error("not_acquisition", format!("JSON: not an acquisition document: {message}")),
    }
}

/// Decodes the CBOR form; binary values follow behind the header.
pub(crate) fn decode_cbor(bytes: &[u8], options: &DecodeOptions) -> Result<Decoded, SampleError> {
    // A map in any of its lengths is the only start an envelope can have.
    if bytes.first().is_none_or(|b| !(0xA0..=0xBF).contains(b)) {
        return Err(error("not_acquisition", "CBOR: the file does not start with a map (byte 0)"));
    }
    let mut rest = bytes;
    let document: Document = ciborium::from_reader(&mut rest).map_err(|cause| {
        use ciborium::de::Error;
        let at = bytes.len() - rest.len();
        match cause {
            Error::Io(_) => {
                error("truncated", format!("CBOR: the document ends too early (byte {})", bytes.len()))
            }
            Error::Syntax(at) => error("cbor_syntax", format!("CBOR: syntax error at byte {at}")),
            Error::Semantic(_, what) if what.contains(NOT_FINITE) => {
                error("not_finite", format!("CBOR: {what} (before byte {at})"))
            }
            Error::Semantic(_, what) => error(
                "not_acquisition",
                format!("CBOR: not an acquisition document: {what} (before byte {at})"),
            ),
            Error::RecursionLimitExceeded => {
                error("cbor_syntax", format!("CBOR: nested too deeply (byte {at})"))
            }
        }
    })?;
    finish(document, bytes, Some(rest), options)
}

/// Checks what serde cannot, verifies the signature and builds the sample. `rest` is what follows a CBOR header.
fn finish(
    document: Document,
    bytes: &[u8],
    rest: Option<&[u8]>,
    options: &DecodeOptions,
) -> Result<Decoded, SampleError> {
    let Document { protected, signature, payload } = document;
    if protected.ver != "v1" {
        return Err(error(
            "not_acquisition",
            format!("protected.ver is `{}`, only `v1` is read", protected.ver.escape_debug()),
        ));
    }
    let mut findings = Vec::new();
    let state = check_signature(&protected.alg, signature.as_deref(), bytes, options, &mut findings)?;

    let axes = axes(payload.sensors)?;
    let mut unread = rest.unwrap_or_default();
    let (width, values) = match payload.values {
        Values::Flat(values) if axes.len() == 1 || values.is_empty() => (1, values),
        Values::Flat(values) => {
            let message =
                format!("values: {} plain numbers for {} sensors; rows are needed", values.len(), axes.len());
            return Err(error("values_shape", message));
        }
        Values::Rows { width, values } => (width, values),
        Values::Reference(text) => {
            let data = std::mem::take(&mut unread);
            (1, binary(&text, rest.map(|_| data), bytes.len() - data.len(), axes.len())?)
        }
    };
    if values.is_empty() {
        return Err(error("empty", "values: the document holds no values"));
    }
    if width != axes.len() {
        return Err(error(
            "values_shape",
            format!("values: rows have {width} numbers, there are {} sensors", axes.len()),
        ));
    }
    let limit = options.limits.max_values;
    if values.len() > limit {
        return Err(error("too_large", format!("{} values, at most {limit} are accepted", values.len())));
    }
    if !unread.is_empty() {
        let start = bytes.len() - unread.len();
        findings.push(Finding {
            kind: "trailing_bytes".into(),
            message: format!(
                "{} bytes follow the document (from byte {start}); they were not read",
                unread.len()
            ),
        });
    }
    let rate_hz = rate(payload.interval_ms.0, values.len() / width)?;

    let mut metadata = BTreeMap::new();
    for (key, value) in payload.metadata.unwrap_or_default() {
        metadata.insert(key, value.0);
    }
    let own = [("device_name", payload.device_name), ("device_type", payload.device_type)];
    for (key, value) in own.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        metadata.insert(key.into(), value);
    }
    if let Some(iat) = protected.iat.map(|iat| iat.0).filter(|iat| iat.is_finite()) {
        metadata.insert("issued_at".into(), format!("{iat}"));
    }
    metadata.insert("signature".into(), state.into());
    Ok(Decoded {
        content: Content::Signal(Signal { rate_hz, axes, values }),
        label: None,
        group: None,
        spans: Vec::new(),
        metadata,
        findings,
    })
}

fn axes(sensors: Vec<Sensor>) -> Result<Vec<Axis>, SampleError> {
    if sensors.is_empty() {
        return Err(error("sensors", "sensors: the list is empty"));
    }
    let mut seen = BTreeSet::new();
    for (index, sensor) in sensors.iter().enumerate() {
        if sensor.name.is_empty() {
            return Err(error("sensors", format!("sensors: sensor {} has no name", index + 1)));
        }
        if !seen.insert(sensor.name.as_str()) {
            return Err(error(
                "sensors",
                format!("sensors: two are called `{}`", sensor.name.escape_debug()),
            ));
        }
    }
    Ok(sensors.into_iter().map(|s| Axis { name: s.name, units: s.units.unwrap_or_default() }).collect())
}

fn rate(interval_ms: f64, frames: usize) -> Result<f64, SampleError> {
    if interval_ms == 0.0 && frames == 1 {
        return Ok(0.0);
    }
    let rate_hz = 1000.0 / interval_ms;
    if interval_ms > 0.0 && rate_hz.is_finite() && rate_hz > 0.0 {
        return Ok(crate::table::round_rate(rate_hz));
    }
    Err(error("interval", format!("interval_ms is {interval_ms}; it must be greater than 0")))
}

/// Little-endian numbers behind the header, as the reference text says. `start` is the byte they begin at.
fn binary(
    reference: &str,
    data: Option<&[u8]>,
    start: usize,
    sensors: usize,
) -> Result<Vec<f32>, SampleError> {
    let prefix = "ref-binary-";
    let kind = reference
        .get(..prefix.len())
        .filter(|p| p.eq_ignore_ascii_case(prefix))
        .map(|_| &reference[prefix.len()..]);
    let shown: String = reference.chars().take(60).collect::<String>().escape_debug().to_string();
    let kind = kind.ok_or_else(|| {
        error("values_shape", format!("values: `{shown}` is neither a number nor a binary reference"))
    })?;
    let kind = kind.trim().to_ascii_lowercase();
    if kind.starts_with("image/") {
        return Err(error(
            "attachment_missing",
            format!("values: the picture `{shown}` comes as a file of its own"),
        ));
    }
    let size = match kind.as_str() {
        "u8" | "i8" => 1,
        "u16" | "i16" => 2,
        "u32" | "i32" | "f32" => 4,
        _ => return Err(error("values_shape", format!("values: `{shown}` is not a known binary type"))),
    };
    let data = data.ok_or_else(|| error("values_shape", "values: binary values need a CBOR header"))?;
    if sensors != 1 {
        return Err(error(
            "values_shape",
            format!("values: binary values are for one sensor, there are {sensors}"),
        ));
    }
    if data.len() % size != 0 {
        let message = format!(
            "values: {} bytes from byte {start} are not a multiple of {size} (`{shown}`)",
            data.len()
        );
        return Err(error("truncated", message));
    }
    let two = |c: &[u8]| [c[0], c[1]];
    let four = |c: &[u8]| [c[0], c[1], c[2], c[3]];
    let chunks = data.chunks_exact(size);
    let values: Vec<f32> = match kind.as_str() {
        "u8" => data.iter().map(|b| f32::from(*b)).collect(),
        "i8" => data.iter().map(|b| f32::from(*b as i8)).collect(),
        "u16" => chunks.map(|c| f32::from(u16::from_le_bytes(two(c)))).collect(),
        "i16" => chunks.map(|c| f32::from(i16::from_le_bytes(two(c)))).collect(),
        "u32" => chunks.map(|c| u32::from_le_bytes(four(c)) as f32).collect(),
        "i32" => chunks.map(|c| i32::from_le_bytes(four(c)) as f32).collect(),
        _ => chunks.map(|c| f32::from_le_bytes(four(c))).collect(),
    };
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        let message = format!("values: row {} (byte {}) {NOT_FINITE}", row + 1, start + row * size);
        return Err(error("not_finite", message));
    }
    Ok(values)
}

/// Lower-case hex HMAC-SHA256 of the concatenated parts.
pub(crate) fn digest(key: &[u8], parts: &[&[u8]]) -> String {
    // A key of any length is hashed or padded to the block size.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

/// What is known about the signature: `none`, `unchecked`, `valid` or `invalid`.
fn check_signature(
    alg: &str,
    signature: Option<&str>,
    bytes: &[u8],
    options: &DecodeOptions,
    findings: &mut Vec<Finding>,
) -> Result<&'static str, SampleError> {
    let required = options.require_signature;
    match alg {
        "none" if required => {
            return Err(error("signature_missing", "the document is not signed (`alg` is `none`)"));
        }
        "none" => return Ok("none"),
        "HS256" => {}
        _ => {
            let message = format!("protected.alg is `{}`; `HS256` and `none` are known", alg.escape_debug());
            return Err(error("not_acquisition", message));
        }
    }
    let Some(key) = &options.hmac_key else {
        if required {
            return Err(error(
                "signature_key_missing",
                "a valid signature is required, but there is no key to check it with",
            ));
        }
        return Ok("unchecked");
    };
    if signature.is_some_and(|signature| verify(signature, bytes, key)) {
        return Ok("valid");
    }
    let message = "the signature does not fit the document and the key";
    if required {
        return Err(error("signature_invalid", message));
    }
    findings.push(Finding { kind: "signature_invalid".into(), message: message.into() });
    Ok("invalid")
}

/// Whether `signature` is the digest of the received bytes with its own text overwritten by zeros. The bytes are used as
/// they came, because writing a document anew changes spaces and number formats.
fn verify(signature: &str, bytes: &[u8], key: &[u8]) -> bool {
    let needle = signature.as_bytes();
    if needle.len() != 64 || !needle.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    // The same text may also stand in the metadata; a few places are tried, not every one an attacker might write.
    let places = bytes.windows(64).enumerate().filter(|(_, w)| *w == needle).map(|(at, _)| at).take(4);
    places.into_iter().any(|at| {
        digest(key, &[&bytes[..at], &[b'0'; 64], &bytes[at + 64..]]).eq_ignore_ascii_case(signature)
    })
}
