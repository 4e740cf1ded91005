//! Small files of every format, built byte by byte.
#![allow(dead_code, reason = "the tests and the fuzz seeds each use a part")]

use edgewright_sample::Image;
use edgewright_sample::encode::{self, AcquisitionDocument};

/// Fields of a `fmt ` chunk.
#[derive(Clone, Copy)]
pub struct Fmt {
    pub code: u16,
    pub channels: u16,
    pub rate: u32,
    pub align: u16,
    pub bits: u16,
}

pub const MONO16: Fmt = Fmt { code: 1, channels: 1, rate: 8000, align: 2, bits: 16 };

pub fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = id.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
    out
}

pub fn fmt_chunk(fmt: Fmt) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(fmt.code.to_le_bytes());
    body.extend(fmt.channels.to_le_bytes());
    body.extend(fmt.rate.to_le_bytes());
    body.extend((fmt.rate.wrapping_mul(u32::from(fmt.align))).to_le_bytes());
    body.extend(fmt.align.to_le_bytes());
    body.extend(fmt.bits.to_le_bytes());
    chunk(b"fmt ", &body)
}

pub fn extensible_chunk(fmt: Fmt) -> Vec<u8> {
    let mut body = fmt_chunk(Fmt { code: 0xFFFE, ..fmt })[8..].to_vec();
    body.extend(22u16.to_le_bytes());
    body.extend(fmt.bits.to_le_bytes());
    body.extend(0u32.to_le_bytes());
    body.extend(fmt.code.to_le_bytes());
    body.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    chunk(b"fmt ", &body)
}

pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut out = b"RIFF".to_vec();
    out.extend((body.len() as u32 + 4).to_le_bytes());
    out.extend(b"WAVE");
    out.extend(body);
    out
}

pub fn wav(fmt: Fmt, data: &[u8]) -> Vec<u8> {
    riff(&[fmt_chunk(fmt), chunk(b"data", data)])
}

/// A record of two signals with three annotations.
pub fn record() -> Vec<u8> {
    let header =
        b"r 2 360 4\nr.dat 212 200(1024)/mV 11 1024 1024 3 0 MLII\nr.dat 212 0 11 1024 0 0 0 V5\n# a note\n";
    let marks: Vec<u8> = [28 << 10, 63 << 10 | 2, 0x4E28, 59 << 10, 0, 1, 1 << 10 | 1, 0]
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    let files: [(&str, &[u8]); 3] =
        [("r.hea", header), ("r.dat", &[1, 0x40, 2, 0, 0, 0, 1, 0, 9, 1, 0, 9]), ("r.atr", &marks)];
    edgewright_sample::wfdb::pack(&files).expect("short names")
}

/// Overwrites a 32-bit field.
pub fn set32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn crc(bytes: &[u8], width: u32, poly: u32) -> u32 {
    let top = 1u32 << (width - 1);
    let mask = (top << 1).wrapping_sub(1);
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << (width - 8)), |crc, _| {
            if crc & top != 0 { ((crc << 1) ^ poly) & mask } else { (crc << 1) & mask }
        })
    })
}

/// FLAC with verbatim blocks of 16 frames; `interleaved` is in units of `bits`.
pub fn flac(rate: u32, channels: u8, bits: u8, interleaved: &[i32]) -> Vec<u8> {
    let channels_n = usize::from(channels);
    let frames = interleaved.len() / channels_n;
    let mut out = b"fLaC".to_vec();
    out.extend([0x80, 0, 0, 34, 0, 16, 0, 16, 0, 0, 0, 0, 0, 0]);
    let packed = (u64::from(rate) << 44)
        | (u64::from(channels - 1) << 41)
        | (u64::from(bits - 1) << 36)
        | frames as u64;
    out.extend(packed.to_be_bytes());
    out.extend([0; 16]);
    let bits_code = match bits {
        8 => 1,
        16 => 4,
        _ => 6u8,
    };
    for (number, block) in interleaved.chunks(16 * channels_n).enumerate() {
        let size = block.len() / channels_n;
        let mut frame = vec![0xFF, 0xF8, 0x70, ((channels - 1) << 4) | (bits_code << 1), number as u8];
        frame.extend((size as u16 - 1).to_be_bytes());
        frame.push(crc(&frame, 8, 0x07) as u8);
        for channel in 0..channels_n {
            frame.push(0x02);
            for index in 0..size {
                let bytes = block[index * channels_n + channel].to_be_bytes();
                frame.extend(&bytes[4 - usize::from(bits) / 8..]);
            }
        }
        frame.extend((crc(&frame, 16, 0x8005) as u16).to_be_bytes());
        out.extend(frame);
    }
    out
}

pub fn document() -> AcquisitionDocument {
    AcquisitionDocument {
        device_name: Some("aa:bb".into()),
        device_type: "TEST".into(),
        interval_ms: 16.0,
        sensors: ["accX", "accY", "accZ"].iter().map(|n| axis(n, "m/s2")).collect(),
        values: vec![vec![1.0, -2.5, 9.8], vec![0.0, 3.0, -9.8]],
    }
}

pub fn axis(name: &str, units: &str) -> edgewright_sample::Axis {
    edgewright_sample::Axis { name: name.into(), units: units.into() }
}

/// The CBOR header of one sensor whose values follow as binary, then those bytes.
pub fn binary_cbor(reference: &str, data: &[u8]) -> Vec<u8> {
    let text = |t: &str| {
        assert!(t.len() < 24);
        let mut out = vec![0x60 + t.len() as u8];
        out.extend(t.as_bytes());
        out
    };
    let mut out = vec![0xA3];
    out.extend(text("protected"));
    out.push(0xA2);
    for part in ["ver", "v1", "alg", "none"] {
        out.extend(text(part));
    }
    out.extend(text("signature"));
    out.extend(text("00"));
    out.extend(text("payload"));
    out.push(0xA4);
    out.extend(text("device_type"));
    out.extend(text("TEST"));
    out.extend(text("interval_ms"));
    out.extend([0xF9, 0x2C, 0x00]);
    out.extend(text("sensors"));
    out.extend([0x81, 0xA2]);
    for part in ["name", "audio", "units", "wav"] {
        out.extend(text(part));
    }
    out.extend(text("values"));
    out.push(0x9F);
    out.extend(text(reference));
    out.push(0xFF);
    out.extend(data);
    out
}

pub fn picture(channels: usize) -> Image {
    let pixels = (0..4 * 3 * channels).map(|i| (i * 7) as u8).collect();
    Image { width: 4, height: 3, channels, pixels }
}

/// A bitmap of 2 x 2 pixels, the lower row first. `palette` holds four bytes a colour: blue, green, red, 0.
pub fn bmp(bits: u16, palette: &[u8], pixels: &[u8]) -> Vec<u8> {
    let offset = 54 + palette.len() as u32;
    let mut out = b"BM".to_vec();
    let row = pixels.len() / 2;
    let size = offset + 2 * row.next_multiple_of(4) as u32;
    for field in [size, 0, offset, 40, 2, 2] {
        out.extend(field.to_le_bytes());
    }
    out.extend(1u16.to_le_bytes());
    out.extend(bits.to_le_bytes());
    for field in [0, 0, 2835, 2835, palette.len() as u32 / 4, 0] {
        out.extend(field.to_le_bytes());
    }
    out.extend(palette);
    for pixels in pixels.chunks_exact(row) {
        out.extend(pixels);
        out.extend(std::iter::repeat_n(0, row.next_multiple_of(4) - row));
    }
    out
}

/// An archive of arrays as NumPy writes it, stored or deflated.
pub fn npz(arrays: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    use std::io::Write;
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in arrays {
        let name = format!("{name}.npy");
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflated.write_all(bytes).expect("memory");
        let data = if packed { deflated.finish().expect("memory") } else { bytes.to_vec() };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut common = 20u16.to_le_bytes().to_vec();
        common.extend([0, 0, if packed { 8 } else { 0 }, 0, 0, 0, 0x21, 0]);
        for field in [crc.sum(), data.len() as u32, bytes.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        let head = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        // What NumPy puts behind the name: sizes of 64 bits.
        out.extend(20u16.to_le_bytes());
        out.extend(name.as_bytes());
        out.extend([1, 0, 16, 0]);
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend((data.len() as u64).to_le_bytes());
        out.extend(&data);
        directory.extend(b"PK\x01\x02\x2D\x03");
        directory.extend(&common);
        directory.extend([0; 12]);
        directory.extend(head.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (out.len() as u32, arrays.len() as u16);
    let size = directory.len() as u32;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn arrays(packed: bool) -> Vec<u8> {
    let write = edgewright_sample::npy::write;
    let (x, y) = (write("<i2", &[3, 2], &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]), write("|S1", &[3], b"aba"));
    npz(&[("x", &x), ("y", &y)], packed)
}

/// A file of each format: folder of seeds, name, bytes.
pub fn samples() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let ramp: Vec<i16> = (0..40).map(|i| i * 700 - 14000).collect();
    let wide: Vec<i32> = ramp.iter().map(|v| i32::from(*v)).collect();
    let floats: Vec<u8> = [0.5f32, -0.25, 1.0, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let float = Fmt { code: 3, channels: 2, rate: 44100, align: 8, bits: 32 };
    let mut streamed = wav(MONO16, &[1, 0, 2, 0]);
    set32(&mut streamed, 40, u32::MAX);
    let list = riff(&[chunk(b"LIST", b"INFOx"), extensible_chunk(MONO16), chunk(b"data", &[1, 0, 2, 0])]);
    let json =
        |key: Option<&[u8]>| encode::encode_acquisition_json(&document(), Some(1), key).expect("finite");
    let cbor =
        |key: Option<&[u8]>| encode::encode_acquisition_cbor(&document(), Some(1), key).expect("finite");
    let png = |channels| encode::encode_png(&picture(channels)).expect("fitting pixels");
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let pixels = picture(3).pixels;
    let encoded = image::write_buffer_with_format(
        &mut jpeg,
        &pixels,
        4,
        3,
        image::ExtendedColorType::Rgb8,
        image::ImageFormat::Jpeg,
    );
    encoded.expect("fitting pixels");
    let table = |text: &str| text.as_bytes().to_vec();
    vec![
        ("wav", "pcm16.wav", encode::encode_wav_pcm16(8000, 1, &ramp).expect("a rate")),
        ("wav", "float.wav", wav(float, &floats)),
        ("wav", "streamed.wav", streamed),
        ("wav", "extensible.wav", list),
        ("flac", "mono.flac", flac(8000, 1, 16, &wide)),
        ("flac", "stereo24.flac", flac(48000, 2, 24, &wide)),
        ("json", "plain.json", json(None)),
        ("json", "signed.json", json(Some(b"0000"))),
        ("cbor", "plain.cbor", cbor(None)),
        ("cbor", "signed.cbor", cbor(Some(b"0000"))),
        ("cbor", "binary.cbor", binary_cbor("Ref-BINARY-i16   ", &[1, 0, 0xFF, 0xFF])),
        ("image", "grey.png", png(1)),
        ("image", "colour.png", png(3)),
        ("image", "colour.jpg", jpeg.into_inner()),
        ("image", "colour.bmp", bmp(24, &[], &[3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10])),
        ("image", "grey.bmp", bmp(8, &[0, 0, 0, 0, 80, 80, 80, 0, 200, 200, 200, 0], &[0, 1, 2, 1])),
        ("wfdb", "record.wfdb", record()),
        ("csv", "series.csv", table("timestamp,accX (m/s2),accY (m/s2)\n0,1.5,2\n10,1e3,-2\n20,.5,2.\n")),
        (
            "csv",
            "comma.csv",
            table("Date;Time;temp [C];;\n01/02/2024;18.00;1,5;;\n01/02/2024;19.00;2,5;;\n;;;;\n"),
        ),
        (
            "csv",
            "index.txt",
            table("\"date\",\"a\"\r\n\"1\",\"2015-02-04 17:51:00\",1\r\n\"2\",\"2015-02-04 17:52:00\",2\r\n"),
        ),
        ("csv", "blank.txt", table("# x y\n0.1 2\n 3  4 \n")),
        ("csv", "iso.tsv", table("time\tv\n2024-02-29T23:59:59.5Z\t1\n2024-03-01T00:00:00+00:00\t2\n")),
        (
            "jsonl",
            "objects.jsonl",
            table(
                "{\"time\": 0, \"a\": {\"x\": 1.5, \"y\": [2, 1e9]}, \"b\": true}\n{\"b\": false, \"time\": 0.1, \"a\": {\"x\": -1, \"y\": [0, 3]}}\n",
            ),
        ),
        ("jsonl", "rows.ndjson", table("[\"t\", \"x\"]\n[0, 1e3]\n[10, -2]\n")),
        ("npy", "series.npy", edgewright_sample::npy::write("<f4", &[2, 3], &[0; 24])),
        ("npz", "stored.npz", arrays(false)),
        ("npz", "deflated.npz", arrays(true)),
        ("parquet", "tiny.parquet", include_bytes!("../../../../golden/parquet/tiny.parquet").to_vec()),
        ("labels", "info.labels", table(INFO)),
        ("labels", "lines.labels", table(LINES)),
        ("labels", "bounding_boxes.labels", table(BOXES)),
        ("labels", "structured_labels.labels", table(SPANS)),
        ("voc", "voc.xml", table(VOC)),
        ("coco", "coco.json", table(COCO)),
        ("yolo", "yolo.txt", table("0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.2 0.2 0.9\n")),
        ("yolo", "data.yaml", table("nc: 2\nnames: ['a', b]\n")),
    ]
}

pub const INFO: &str = r#"{"version":1,"files":[
{"path":"training/a.json","name":"a","category":"training","label":{"type":"label","label":"idle"},"metadata":{"site":"x"}},
{"path":"b.json","category":"testing","label":{"type":"multi-label","labels":[{"startIndex":0,"endIndex":4,"label":"p"},{"startIndex":5,"endIndex":9,"label":"q","labelMap":{"k":"v"}}]}},
{"path":"c.jpg","category":"split","label":{"type":"unlabeled"},"boundingBoxes":[{"label":"cat","x":1,"y":2,"width":3.5,"height":4}]},
{"path":"d.wav","category":"anomaly","label":{"type":"keyvalue-labels","labels":{"k":"v"}},"attachments":["d.mp4"]},
{"path":"e.wav"}]}"#;

pub const LINES: &str = "{\"__ndjson\":true,\"version\":1}\n{\"__key\":\"files\",\"__item\":{\"path\":\"a.wav\",\"label\":{\"type\":\"label\",\"label\":\"x\"}}}\n\n{\"__key\":\"other\",\"__item\":1}\n";

pub const BOXES: &str = r#"{"version":1,"type":"bounding-box-labels","boundingBoxes":{"c.jpg":[{"label":"cat","x":1,"y":2,"width":3,"height":4,"addedByHand":true}]}}"#;

const VOC: &str = "<annotation><filename>a.jpg</filename><object><name>x &amp; y</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4</ymax></bndbox></object><!-- end --></annotation>";

const COCO: &str = r#"{"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[{"image_id":1,"category_id":2,"bbox":[1,2,3,4]},{"image_id":3,"category_id":2}],"categories":[{"id":2,"name":"x"}]}"#;

pub const SPANS: &str = r#"{"version":1,"type":"structured-labels","structuredLabels":{"b.json":[{"startIndex":0,"endIndex":9,"label":"p"}]}}"#;
