//! PNG, JPEG and BMP.

use crate::build::{bmp, picture, samples, set32};
use crate::{kinds, refused};
use edgewright_sample::{Content, DecodeOptions, Decoded, Image, Limits, decode, encode};
use image::{ExtendedColorType, ImageFormat, write_buffer_with_format};
use std::io::Cursor;

#[track_caller]
fn one(name: &str, bytes: &[u8]) -> (Image, Decoded) {
    let decoded = decode(name, bytes, &DecodeOptions::default()).expect("a good file").remove(0);
    let Content::Image(image) = decoded.content.clone() else { panic!("a picture was expected") };
    (image, decoded)
}

fn png(pixels: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write_buffer_with_format(&mut out, pixels, width, height, color, ImageFormat::Png)
        .expect("fitting pixels");
    out.into_inner()
}

fn jpeg() -> Vec<u8> {
    samples().into_iter().find(|(_, name, _)| *name == "colour.jpg").expect("a JPEG sample").2
}

#[test]
fn png_is_lossless_in_grey_and_colour() {
    for channels in [1, 3] {
        let bytes = encode::encode_png(&picture(channels)).expect("fitting pixels");
        let (image, decoded) = one("a.png", &bytes);
        assert_eq!(image, picture(channels));
        assert_eq!(kinds(&decoded), [""; 0]);
    }
    assert_eq!(encode::encode_png(&Image { width: 2, ..picture(1) }).map_err(|e| e.kind), Err("encode"));
    assert_eq!(encode::encode_png(&Image { channels: 4, ..picture(1) }).map_err(|e| e.kind), Err("encode"));
}

#[test]
fn alpha_is_dropped_and_told_when_it_shows() {
    let (image, decoded) = one("a.png", &png(&[1, 2, 3, 255, 4, 5, 6, 0], 2, 1, ExtendedColorType::Rgba8));
    assert_eq!((image.channels, image.pixels), (3, vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(kinds(&decoded), ["alpha_dropped"]);
    let (image, decoded) = one("a.png", &png(&[9, 255, 8, 255], 2, 1, ExtendedColorType::La8));
    assert_eq!((image.channels, image.pixels), (1, vec![9, 8]));
    assert_eq!(kinds(&decoded), [""; 0]);
}

#[test]
fn sixteen_bits_become_eight() {
    let bytes: Vec<u8> = [0u16, 65535].iter().flat_map(|v| v.to_ne_bytes()).collect();
    let (image, decoded) = one("a.png", &png(&bytes, 2, 1, ExtendedColorType::L16));
    assert_eq!(image.pixels, [0, 255]);
    assert_eq!(kinds(&decoded), ["bit_depth"]);
}

#[test]
fn jpeg_has_three_channels_and_a_wrong_extension_is_told() {
    let (image, decoded) = one("a.jpg", &jpeg());
    assert_eq!((image.width, image.height, image.channels), (4, 3, 3));
    assert_eq!(kinds(&decoded), [""; 0]);
    let (_, decoded) = one("a.png", &jpeg());
    assert_eq!(kinds(&decoded), ["extension_mismatch"]);
    assert_eq!(decoded.metadata["format"], "jpeg");
}

/// An orientation tag of 6 (turn by 90 degrees) in an EXIF segment behind the start marker.
#[test]
fn the_orientation_tag_is_applied() {
    let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut bytes = jpeg()[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend((tiff.len() as u16 + 2).to_be_bytes());
    bytes.extend(tiff);
    bytes.extend(&jpeg()[2..]);
    let (image, decoded) = one("a.jpg", &bytes);
    assert_eq!((image.width, image.height), (3, 4));
    assert_eq!(decoded.metadata["orientation"], "6 applied");
}

#[test]
fn a_dimension_bomb_is_refused_before_memory_is_asked_for() {
    let mut bytes = encode::encode_png(&picture(1)).expect("fitting pixels");
    bytes[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    refused("a.png", &bytes, &DecodeOptions::default(), "too_large", "");
    let limits = Limits { max_pixels: 11, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    refused("a.jpg", &jpeg(), &options, "too_large", "4 x 3 pixels, at most 11");
}

#[test]
fn cut_pictures_are_refused() {
    let jpeg = jpeg();
    refused("a.jpg", &jpeg[..jpeg.len() - 2], &DecodeOptions::default(), "truncated", "end marker");
    refused("a.jpg", &jpeg[..jpeg.len() / 2], &DecodeOptions::default(), "truncated", "end marker");
    let png = encode::encode_png(&picture(3)).expect("fitting pixels");
    refused("a.png", &png[..50], &DecodeOptions::default(), "truncated", "byte 50");
    let mut flipped = png.clone();
    flipped[45] ^= 0xFF;
    refused("a.png", &flipped, &DecodeOptions::default(), "image_data", "PNG");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 != 0 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn a_bitmap_is_read_from_its_lower_row_up() {
    // Blue, green, red.
    let bytes = bmp(24, &[], &[3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
    let (image, decoded) = one("a.bmp", &bytes);
    let pixels = vec![7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6];
    assert_eq!(image, Image { width: 2, height: 2, channels: 3, pixels });
    assert_eq!((decoded.metadata["format"].as_str(), kinds(&decoded)), ("bmp", vec![]));
    // A negative height says that the upper row comes first.
    let mut flipped = bytes;
    set32(&mut flipped, 22, -2i32 as u32);
    assert_eq!(one("a.png", &flipped).0.pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(kinds(&one("a.png", &flipped).1), ["extension_mismatch"]);
}

#[test]
fn a_bitmap_is_grey_by_its_palette() {
    let greys = [0, 0, 0, 0, 80, 80, 80, 0, 200, 200, 200, 0];
    let (image, _) = one("a.bmp", &bmp(8, &greys, &[0, 1, 2, 1]));
    assert_eq!((image.channels, image.pixels), (1, vec![200, 80, 0, 80]));
    let mut colours = greys;
    colours[9] = 201;
    let (image, _) = one("a.bmp", &bmp(8, &colours, &[0, 1, 2, 1]));
    assert_eq!((image.channels, &image.pixels[..3]), (3, &[200, 201, 200][..]));
}

#[test]
fn bad_bitmaps_are_refused() {
    let good = bmp(24, &[], &[3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
    refused(
        "a.bmp",
        &good[..good.len() - 3],
        &DecodeOptions::default(),
        "truncated",
        "BMP: the file ends too early",
    );
    refused("a.bmp", &good[..30], &DecodeOptions::default(), "truncated", "byte 30");
    let mut bomb = good.clone();
    set32(&mut bomb, 18, 60_000);
    set32(&mut bomb, 22, 60_000);
    refused("a.bmp", &bomb, &DecodeOptions::default(), "too_large", "60000 x 60000 pixels, at most 50000000");
    let mut planes = good.clone();
    planes[26] = 2;
    refused("a.bmp", &planes, &DecodeOptions::default(), "image_data", "BMP");
    // Two letters make no bitmap.
    refused(
        "a.bin",
        b"BMI,weight of nobody in particular",
        &DecodeOptions::default(),
        "unknown_format",
        "bmp",
    );
}
