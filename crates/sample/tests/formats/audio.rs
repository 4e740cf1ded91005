//! WAV and FLAC.

use crate::build::{self, Fmt, MONO16, chunk, extensible_chunk, fmt_chunk, riff, set32, wav};
use crate::{kinds, refused, signal};
use edgewright_sample::{DecodeOptions, Limits, decode, encode};

/// Rate, axis names, values and findings of an audio file.
#[track_caller]
fn check(bytes: &[u8], rate: f64, axes: &[&str], values: &[f32], findings: &[&str]) {
    let decoded = decode("a", bytes, &DecodeOptions::default()).expect("a good file");
    assert_eq!(decoded.len(), 1);
    let signal = signal(&decoded[0]);
    assert_eq!(signal.rate_hz, rate);
    assert_eq!(signal.axes.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), axes);
    assert!(signal.axes.iter().all(|a| a.units == "wav"));
    assert_eq!(signal.values, values);
    assert_eq!(kinds(&decoded[0]), findings);
}

#[track_caller]
fn bad(bytes: &[u8], kind: &str, words: &str) {
    refused("a.wav", bytes, &DecodeOptions::default(), kind, words);
}

#[test]
fn every_width_is_scaled_to_int16_units() {
    let fmt = |code, align, bits| Fmt { code, channels: 1, rate: 8000, align, bits };
    check(&wav(fmt(1, 1, 8), &[0, 128, 255]), 8000.0, &["audio"], &[-32768.0, 0.0, 32512.0], &[]);
    check(
        &wav(MONO16, &[0x00, 0x80, 0xFF, 0x7F, 0xFF, 0xFF]),
        8000.0,
        &["audio"],
        &[-32768.0, 32767.0, -1.0],
        &[],
    );
    let bytes = [0, 0, 0x80, 0xFF, 0xFF, 0x7F, 0x80, 0, 0];
    check(&wav(fmt(1, 3, 24), &bytes), 8000.0, &["audio"], &[-32768.0, 32767.996, 0.5], &[]);
    check(&wav(fmt(1, 3, 20), &bytes), 8000.0, &["audio"], &[-32768.0, 32767.996, 0.5], &[]);
    let bytes = [i32::MIN.to_le_bytes(), 65536i32.to_le_bytes()].concat();
    check(&wav(fmt(1, 4, 32), &bytes), 8000.0, &["audio"], &[-32768.0, 1.0], &[]);
    let bytes = [0.5f32.to_le_bytes(), (-1.0f32).to_le_bytes(), 1.0f32.to_le_bytes()].concat();
    check(&wav(fmt(3, 4, 32), &bytes), 8000.0, &["audio"], &[16384.0, -32768.0, 32767.0], &[]);
    let bytes = [0.25f64.to_le_bytes(), (-1.5f64).to_le_bytes()].concat();
    check(&wav(fmt(3, 8, 64), &bytes), 8000.0, &["audio"], &[8192.0, -32768.0], &["clipped"]);
}

#[test]
fn channels_become_axes() {
    let fmt = Fmt { code: 1, channels: 3, rate: 44100, align: 6, bits: 16 };
    let bytes = wav(fmt, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    check(&bytes, 44100.0, &["audio0", "audio1", "audio2"], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[]);
}

#[test]
fn sound_behind_what_the_header_promises_is_told() {
    let bytes = |size: u32, behind: &[u8]| {
        let mut bytes = riff(&[fmt_chunk(MONO16), chunk(b"data", &[7, 0, 8, 0])]);
        let at = bytes.len() - 8;
        set32(&mut bytes, at, size);
        bytes.extend_from_slice(behind);
        bytes
    };
    let sound: Vec<u8> = (1..=20).collect();
    check(&bytes(4, &sound), 8000.0, &["audio"], &[7.0, 8.0], &["data_behind"]);
    // A chunk, what fills up, and what is too short to be either.
    check(&bytes(4, &chunk(b"LIST", b"INFO")), 8000.0, &["audio"], &[7.0, 8.0], &[]);
    check(&bytes(4, &[0; 40]), 8000.0, &["audio"], &[7.0, 8.0], &[]);
    check(&bytes(4, &[1, 2, 3]), 8000.0, &["audio"], &[7.0, 8.0], &[]);
}

#[test]
fn unknown_chunks_and_the_extensible_header_are_read() {
    let bytes = riff(&[
        chunk(b"junk", b"odd"),
        extensible_chunk(MONO16),
        chunk(b"LIST", b"INFO"),
        chunk(b"data", &[7, 0]),
    ]);
    check(&bytes, 8000.0, &["audio"], &[7.0], &[]);
    let bytes = riff(&[fmt_chunk(MONO16), chunk(b"data", &[7, 0]), chunk(b"LIST", b"INFO")]);
    check(&bytes, 8000.0, &["audio"], &[7.0], &[]);
}

#[test]
fn writers_to_a_pipe_leave_the_size_open() {
    for (riff_size, data_size) in [(u32::MAX, u32::MAX), (0, 0), (36, 0), (0x7FFF_F024, 0x7FFF_F000)] {
        let mut bytes = wav(MONO16, &[1, 0, 2, 0, 3]);
        bytes.truncate(44 + 5);
        set32(&mut bytes, 4, riff_size);
        set32(&mut bytes, 40, data_size);
        check(&bytes, 8000.0, &["audio"], &[1.0, 2.0], &["streamed_size"]);
    }
}

#[test]
fn rf64_takes_its_size_from_ds64() {
    let mut ds64 = [0u8; 28];
    ds64[8] = 4;
    let mut bytes = riff(&[
        chunk(b"ds64", &ds64),
        fmt_chunk(MONO16),
        chunk(b"data", &[1, 0, 2, 0]),
        chunk(b"LIST", b"INFO"),
    ]);
    bytes[..4].copy_from_slice(b"RF64");
    set32(&mut bytes, 4, u32::MAX);
    let data = bytes.windows(4).position(|w| w == b"data").expect("a data chunk");
    set32(&mut bytes, data + 4, u32::MAX);
    check(&bytes, 8000.0, &["audio"], &[1.0, 2.0], &[]);
}

#[test]
fn bad_headers_name_the_byte() {
    let good = wav(MONO16, &[1, 0, 2, 0]);
    bad(&[], "empty", "0 bytes");
    bad(b"RIFX....WAVE", "wav_encoding", "RIFX");
    bad(b"RIFF\x04\0\0\0AVI ", "not_wav", "byte 8");
    bad(b"hello there, this is text", "not_wav", "byte 0");
    bad(&good[..47], "truncated", "byte 36 promises 4 bytes, 3 follow");
    bad(&good[..36], "truncated", "byte 36");
    let mut lies = good.clone();
    set32(&mut lies, 40, 400);
    bad(&lies, "truncated", "promises 400 bytes, 4 follow");
    set32(&mut lies, 40, 3);
    bad(&lies, "wav_header", "not a multiple");
    bad(&wav(MONO16, &[]), "empty", "byte 36");
    bad(&wav(Fmt { channels: 0, ..MONO16 }, &[0, 0]), "wav_header", "0 channels (byte 22)");
    bad(&wav(Fmt { rate: 0, ..MONO16 }, &[0, 0]), "wav_header", "0 Hz sample rate (byte 24)");
    bad(&wav(Fmt { code: 6, ..MONO16 }, &[0, 0]), "wav_encoding", "A-law");
    bad(&wav(Fmt { align: 0, ..MONO16 }, &[0, 0]), "wav_encoding", "bytes 32 to 35");
    bad(&wav(Fmt { bits: 64, align: 8, ..MONO16 }, &[0; 8]), "wav_encoding", "64-bit integer");
    bad(&riff(&[chunk(b"data", &[0, 0])]), "wav_header", "before `fmt `");
    bad(&riff(&[chunk(b"fmt ", &[1, 0])]), "wav_header", "16 are needed");
    let mut far = riff(&[fmt_chunk(MONO16), chunk(b"LIST", b"INFO")]);
    set32(&mut far, 40, u32::MAX);
    bad(&far, "truncated", "chunk `LIST` at byte 36");
    let nan = wav(
        Fmt { code: 3, channels: 2, rate: 1, align: 8, bits: 32 },
        &[[0; 12], [0, 0, 0xC0, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0]].concat()[..16],
    );
    bad(&nan, "not_finite", "frame 1, channel 1 is NaN (byte 56)");
}

#[test]
fn limits_hold_for_audio() {
    let limits = Limits { max_values: 39, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    let bytes = encode::encode_wav_pcm16(8000, 1, &[0; 40]).expect("a rate");
    refused("a.wav", &bytes, &options, "too_large", "40 values, at most 39");
    refused("a.flac", &build::flac(8000, 1, 16, &[0; 40]), &options, "too_large", "at most 39");
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    refused(
        "a.wav",
        &bytes,
        &DecodeOptions { limits, ..DecodeOptions::default() },
        "too_large",
        "at most 10",
    );
}

#[test]
fn written_wav_reads_back() {
    let values = [i16::MIN, -1, 0, 1, i16::MAX, 5];
    let bytes = encode::encode_wav_pcm16(16000, 2, &values).expect("channels and a rate");
    check(&bytes, 16000.0, &["audio0", "audio1"], &values.map(f32::from), &[]);
    assert_eq!(encode::encode_wav_pcm16(0, 1, &values).map_err(|e| e.kind), Err("encode"));
    assert_eq!(encode::encode_wav_pcm16(1, 0, &values).map_err(|e| e.kind), Err("encode"));
}

#[test]
fn flac_is_scaled_to_int16_units() {
    let values: Vec<i32> = (0..40).map(|i| i * 100 - 2000).collect();
    let floats: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    check(&build::flac(8000, 1, 16, &values), 8000.0, &["audio"], &floats, &[]);
    let scaled: Vec<f32> = floats.iter().map(|v| v / 256.0).collect();
    check(&build::flac(48000, 2, 24, &values), 48000.0, &["audio0", "audio1"], &scaled, &[]);
}

#[test]
fn damaged_flac_is_refused() {
    let good = build::flac(8000, 1, 16, &[5; 40]);
    let bad = |bytes: &[u8], kind: &str, words: &str| {
        refused("a.flac", bytes, &DecodeOptions::default(), kind, words)
    };
    bad(&good[..good.len() - 1], "truncated", "after 32 frames");
    // The last block holds 8 frames: 9 bytes of headers, the values, 2 bytes of checksum.
    bad(&good[..good.len() - 27], "truncated", "header promises 40 frames, 32 follow");
    let mut flipped = good.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    bad(&flipped, "flac_data", "CRC");
    bad(b"fLaC", "truncated", "after 0 frames");
    bad(b"hello", "flac_data", "stream header");
}
