//! PNG, JPEG and BMP, decoded by `image` under limits.

use crate::{Content, Decoded, Finding, Image, Limits, SampleError};
use ::image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, metadata::Orientation,
};
use std::collections::BTreeMap;
use std::io::Cursor;

/// Decodes a picture to 8 bits a channel. Grey stays one channel; colour becomes red, green, blue. Alpha is dropped, not
/// blended: a device camera has none, and blending would invent a background. The orientation tag is applied, so that
/// pixels stand as a viewer shows them.
pub(crate) fn decode(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Decoded, SampleError> {
    let name = match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Bmp => "BMP",
        _ => "JPEG",
    };
    let convert = |cause: ImageError| {
        let (kind, text) = match &cause {
            ImageError::Limits(_) => ("too_large", cause.to_string()),
            ImageError::Unsupported(_) => ("image_encoding", cause.to_string()),
            ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                ("truncated", format!("the file ends too early (byte {})", bytes.len()))
            }
            _ => ("image_data", cause.to_string()),
        };
        SampleError::new(kind, format!("{name}: {text}"))
    };
    if format == ImageFormat::Jpeg {
        jpeg_is_whole(bytes)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = ::image::Limits::no_limits();
    // Eight bytes a pixel for 16-bit colour with alpha, and as much again for the decoder's own buffers.
    bounds.max_alloc = Some(limits.max_pixels.saturating_mul(16).saturating_add(1 << 20));
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(convert)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(SampleError::new("empty", format!("{name}: the picture is {width} x {height} pixels")));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        let message =
            format!("{name}: {width} x {height} pixels, at most {} are accepted", limits.max_pixels);
        return Err(SampleError::new("too_large", message));
    }
    let color = decoder.color_type();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(convert)?;
    picture.apply_orientation(orientation);

    let mut metadata = BTreeMap::new();
    let mut findings = Vec::new();
    if orientation != Orientation::NoTransforms {
        metadata.insert("orientation".into(), format!("{} applied", orientation.to_exif()));
    }
    if matches!(color, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16) {
        metadata.insert("bits".into(), "16".into());
        findings.push(Finding {
            kind: "bit_depth".into(),
            message: "16 bits a channel were reduced to 8".into(),
        });
    }
    if transparent(&picture) {
        findings.push(Finding {
            kind: "alpha_dropped".into(),
            message: "the picture has transparent pixels; alpha was dropped, their colours were kept".into(),
        });
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (channels, pixels) = match color {
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16 => {
            (1, picture.into_luma8().into_raw())
        }
        _ if format == ImageFormat::Bmp && has_grey_palette(bytes) => (1, picture.into_luma8().into_raw()),
        _ => (3, picture.into_rgb8().into_raw()),
    };
    Ok(Decoded {
        content: Content::Image(Image { width, height, channels, pixels }),
        label: None,
        group: None,
        spans: Vec::new(),
        metadata,
        findings,
    })
}

fn transparent(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageLumaA8(p) => p.pixels().any(|p| p.0[1] != u8::MAX),
        DynamicImage::ImageRgba8(p) => p.pixels().any(|p| p.0[3] != u8::MAX),
        DynamicImage::ImageLumaA16(p) => p.pixels().any(|p| p.0[1] != u16::MAX),
        DynamicImage::ImageRgba16(p) => p.pixels().any(|p| p.0[3] != u16::MAX),
        _ => false,
    }
}

/// Whether bytes begin as a bitmap: its mark, and then a header of a size that one has. The mark alone is two letters, which a table may
/// begin with.
pub(crate) fn is_bmp(bytes: &[u8]) -> bool {
    let size = bytes.get(14..18).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"BM") && matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Whether the colours of a bitmap come from a table of nothing but greys, which is the only way it has of saying that it is grey.
fn has_grey_palette(bytes: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at + length)?;
        Some(field.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b)))
    };
    let greys = || {
        let header = number(14, 4)?;
        // The oldest header is shorter, and so is each colour behind it.
        let (bits, used, width) = match header {
            12 => (number(24, 2)?, 0, 3),
            _ => (number(28, 2)?, number(46, 4)?, 4),
        };
        if !(1..=8).contains(&bits) {
            return None;
        }
        let colours = if used == 0 { 1 << bits } else { used.min(1 << bits) };
        let table = bytes.get(14 + header..)?.get(..colours * width)?;
        Some(table.chunks_exact(width).all(|c| c[0] == c[1] && c[1] == c[2]))
    };
    greys() == Some(true)
}

/// Walks the markers up to the end-of-image marker. The decoder fills what is missing with grey, so a picture that was cut
/// off would pass as good data.
fn jpeg_is_whole(bytes: &[u8]) -> Result<(), SampleError> {
    let cut = || {
        SampleError::new(
            "truncated",
            format!("JPEG: no end marker; the file was cut off (byte {})", bytes.len()),
        )
    };
    let bad = |at: usize| {
        SampleError::new("image_data", format!("JPEG: no marker where one must stand (byte {at})"))
    };
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return Err(bad(0));
    }
    let mut at = 2;
    loop {
        match bytes.get(at) {
            Some(0xFF) => {}
            Some(_) => return Err(bad(at)),
            None => return Err(cut()),
        }
        let marker = *bytes.get(at + 1).ok_or_else(cut)?;
        match marker {
            0xD9 => return Ok(()),
            // Fill byte.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4).ok_or_else(cut)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                if length < 2 {
                    return Err(bad(at + 2));
                }
                at += 2 + length;
                if marker == 0xDA {
                    at += scan_length(bytes.get(at..).ok_or_else(cut)?).ok_or_else(cut)?;
                }
            }
        }
    }
}

/// Bytes of entropy-coded data up to the next marker that is neither a stuffed 0xFF nor a restart.
fn scan_length(scan: &[u8]) -> Option<usize> {
    scan.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0x00 | 0xD0..=0xD7 | 0xFF))
}
