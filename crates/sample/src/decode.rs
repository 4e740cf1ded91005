//! The one door: a name and bytes in, samples out.

use crate::{
    DecodeOptions, Decoded, Finding, Format, SampleError, acquisition, arrays, flac, format::extension,
    picture, table, wav, wfdb,
};

/// The format of a file. A signature at the start of the content (WAV, FLAC, PNG, JPEG, BMP, Parquet, NumPy, an archive) decides over the name, because
/// names are what people get wrong; formats without one (CSV, JSON, JSON Lines, CBOR) go by the extension. `None` for anything else.
pub fn detect(name: &str, bytes: &[u8]) -> Option<Format> {
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Format::Wav),
        [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Format::Wav),
        [b'f', b'L', b'a', b'C', ..] => Some(Format::Flac),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        [b'P', b'A', b'R', b'1', ..] => Some(Format::Parquet),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Format::Npy),
        _ if arrays::is_archive(bytes) => Some(Format::Npz),
        _ if picture::is_bmp(bytes) => Some(Format::Bmp),
        _ if wfdb::is_archive(bytes) => Some(Format::Wfdb),
        _ => Format::of_file(name),
    }
}

/// Decodes one file. A table whose rows are samples gives many values, in the order of the file, everything else one
/// (a time series is cut where its label or group column changes).
///
/// # Errors
/// [`SampleError`] with the place (byte, row and column, or field) of the first thing that is wrong. Nothing is repaired
/// in silence: what was accepted although odd is in [`Decoded::findings`].
pub fn decode(name: &str, bytes: &[u8], options: &DecodeOptions) -> Result<Vec<Decoded>, SampleError> {
    if bytes.is_empty() {
        return Err(SampleError::new("empty", "the file is empty (0 bytes)"));
    }
    let limit = options.limits.max_bytes;
    if bytes.len() > limit {
        return Err(SampleError::new(
            "too_large",
            format!(
                "the file has {} bytes, at most {limit} are accepted: cut it into shorter files",
                bytes.len()
            ),
        ));
    }
    let format = options.format.or_else(|| detect(name, bytes)).ok_or_else(|| unknown(name))?;
    let mut samples = match format {
        Format::Wav => vec![wav::decode(bytes, &options.limits)?],
        Format::Flac => vec![flac::decode(bytes, &options.limits)?],
        Format::Csv => table::decode(bytes, &options.csv, &options.limits)?,
        Format::JsonLines => table::decode_json_lines(bytes, &options.csv, &options.limits)?,
        Format::Parquet => table::decode_parquet(bytes, &options.csv, &options.limits)?,
        Format::Npy => arrays::decode_npy(bytes, &options.csv, &options.limits)?,
        Format::Npz => arrays::decode_npz(bytes, &options.csv, &options.limits)?,
        Format::Json => match table::utf_16(bytes) {
            Some(text) => vec![acquisition::decode_json(text?.as_bytes(), options)?],
            None => vec![acquisition::decode_json(bytes, options)?],
        },
        Format::Cbor => vec![acquisition::decode_cbor(bytes, options)?],
        Format::Png => vec![picture::decode(bytes, ::image::ImageFormat::Png, &options.limits)?],
        Format::Jpeg => vec![picture::decode(bytes, ::image::ImageFormat::Jpeg, &options.limits)?],
        Format::Bmp => vec![picture::decode(bytes, ::image::ImageFormat::Bmp, &options.limits)?],
        Format::Wfdb => vec![wfdb::decode(bytes, &options.limits)?],
    };
    let mismatch = Format::of_file(name).filter(|named| options.format.is_none() && *named != format);
    for sample in &mut samples {
        sample.metadata.entry("format".into()).or_insert_with(|| format.name().into());
        if let Some(named) = mismatch {
            sample.findings.push(Finding {
                kind: "extension_mismatch".into(),
                message: format!("the content is {}, the name says {}", format.name(), named.name()),
            });
        }
    }
    Ok(samples)
}

fn unknown(name: &str) -> SampleError {
    let known = Format::endings().collect::<Vec<_>>().join(", ");
    let message = match extension(name) {
        Some(extension) => format!(
            "`.{extension}` is not a known extension ({known}) and the content has no known signature"
        ),
        None => format!("the name has no extension ({known}) and the content has no known signature"),
    };
    SampleError::new("unknown_format", message)
}
