//! WFDB records.

use super::{kinds, refused, signal};
use edgewright_sample::{DecodeOptions, Decoded, Format, decode, detect, labels::Span, wfdb};

const HEADER: &str = "r1 2 360 4 # no note\nr1.dat 212 200(1024)/mV 11 1024 995 200 0 MLII\nr1.dat 212 100 11 1000 1011 0 0 V5 lead\n# 69 M\n#\n# Aldomet\n";

/// Two signals of four frames in format 212.
fn pairs(values: &[(i32, i32)]) -> Vec<u8> {
    let pair = |(a, b): &(i32, i32)| [*a as u8, ((a >> 8) & 15 | (b >> 4) & 0xF0) as u8, *b as u8];
    values.iter().flat_map(pair).collect()
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Code and frames since the annotation before.
fn mark(code: u16, frames: u16) -> u16 {
    code << 10 | frames
}

fn record(header: &str, signals: &[u8], annotations: &[u8]) -> Vec<u8> {
    let files = [("r1.hea", header.as_bytes()), ("r1.dat", signals), ("r1.atr", annotations)];
    wfdb::pack(&files).expect("packed")
}

fn read(bytes: &[u8]) -> Decoded {
    decode("r1.wfdb", bytes, &DecodeOptions::default()).expect("read").remove(0)
}

const VALUES: [(i32, i32); 4] = [(1024, 1000), (1224, 900), (-1, 1100), (-2047, 1000)];

#[test]
fn a_record_is_read_with_its_units_and_marks() {
    let header = HEADER.replace(" # no note", "");
    let mut marks = words(&[mark(28, 0), mark(63, 2)]);
    marks.extend(b"(N");
    marks.extend(words(&[mark(1, 1), mark(59, 0), 0, 1, mark(5, 0), mark(61, 3), mark(12, 1), 0]));
    let read = read(&record(&header, &pairs(&VALUES), &marks));
    let s = signal(&read);
    assert_eq!((s.rate_hz, s.frames()), (360.0, 4));
    let axes: Vec<_> = s.axes.iter().map(|a| (a.name.as_str(), a.units.as_str())).collect();
    assert_eq!(axes, [("MLII", "mV"), ("V5 lead", "mV")]);
    assert_eq!(s.values[..7], [0.0, 0.0, 1.0, -1.0, -5.125, 1.0, -15.355]);
    let marks: Vec<_> = read.spans.iter().map(|m| (m.start, m.end, m.label.as_str())).collect();
    assert_eq!(marks, [(0, 0, "+"), (1, 1, "N"), (2, 2, "V"), (3, 3, "paced")]);
    assert_eq!(read.spans[0].label_map["text"], "(N");
    assert_eq!(read.spans[2].label_map["subtype"], "3");
    assert_eq!(read.metadata["notes"], "69 M / Aldomet");
    assert_eq!(kinds(&read), ["checksum"], "the second sum is wrong");
}

#[test]
fn the_content_says_what_it_is() {
    let bytes = record(HEADER, &pairs(&VALUES), &[]);
    assert_eq!(detect("whatever.bin", &bytes), Some(Format::Wfdb));
    refused("100.hea", HEADER.as_bytes(), &DecodeOptions::default(), "wfdb_alone", "import the folder");
    assert_eq!(
        wfdb::signal_files("r1.hea", HEADER.replace(" # no note", "").as_bytes()).expect("files"),
        ["r1.dat"]
    );
}

#[test]
fn signals_of_several_files_stand_beside_each_other() {
    let header =
        "r1 3 100\na.dat 16 1 16 0 5 0 0 x\nb.dat 80+2 2(1)/g 8 0 0 0 0 x\na.dat 16 1/bpm 16 0 5 0 0 x\n";
    let a = [1i16, 2, 3, 4].map(|v| v.to_le_bytes()).concat();
    let files: [(&str, &[u8]); 3] =
        [("r1.hea", header.as_bytes()), ("a.dat", &a), ("b.dat", &[0, 0, 128, 129])];
    let read = read(&wfdb::pack(&files).expect("packed"));
    let s = signal(&read);
    let axes: Vec<_> = s.axes.iter().map(|a| (a.name.as_str(), a.units.as_str())).collect();
    assert_eq!(axes, [("x", "mV"), ("x 2", "g"), ("x 3", "bpm")]);
    assert_eq!(s.values, [1.0, -0.5, 2.0, 3.0, 0.0, 4.0]);
}

#[test]
fn marks_at_one_frame_and_behind_the_end_are_told() {
    let header = HEADER.replace(" # no note", "").replace("1011 0 0 V5", "1011 4000 0 V5");
    let marks = words(&[mark(14, 1), mark(1, 0), mark(28, 0), mark(1, 900), 0]);
    let read = read(&record(&header, &pairs(&VALUES), &marks));
    assert_eq!(kinds(&read), ["annotation_beyond", "annotation_together"]);
    assert_eq!(read.spans.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(), ["N"]);
}

#[test]
fn number_and_channel_hold_until_others_are_told() {
    let header = HEADER.replace(" # no note", "");
    let marks = words(&[
        mark(1, 0),
        mark(60, 7),
        mark(61, 3),
        mark(62, 1),
        mark(5, 1),
        mark(1, 1),
        mark(60, 0),
        mark(62, 2),
        mark(1, 1),
        0,
    ]);
    let read = read(&record(&header, &pairs(&VALUES), &marks));
    let more = |s: &Span| s.label_map.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ");
    let told: Vec<_> = read.spans.iter().map(more).collect();
    assert_eq!(told, ["channel 1, number 7, subtype 3", "channel 1, number 7", "channel 2", "channel 2"]);
}

#[test]
fn what_is_wrong_is_named() {
    let all = DecodeOptions::default();
    let good = HEADER.replace(" # no note", "");
    let marks = words(&[mark(1, 1), 0]);
    let header = |from: &str, to: &str, words: &str| {
        let text = good.replace(from, to);
        assert_ne!(text, good);
        refused("r.wfdb", &record(&text, &pairs(&VALUES), &marks), &all, "wfdb_header", words);
    };
    header("r1 2 360", "r1/3 2 360", "line 1: `r1/3` is a record of several segments");
    header("r1 2 360", "r1 0 360", "0 signals");
    header("r1 2 360", "r1 2 x", "line 1: the rate `x`");
    header("r1 2 360", "r1 3 360", "3 signals are announced, 2 are described");
    header("r1 2 360", "r1 1 360", "line 3: a line more");
    header("212 200", "212x4 200", "line 2: 4 values a frame");
    header("212 200", "212:3 200", "a skew of 3 frames");
    header("r1.dat 212 200", "../r1.dat 212 200", "beside the header");
    header("r1.dat 212 200", "r2.hea 212 200", "line 2: signal file `r2.hea` is a header");
    header("200(1024)", "x(1024)", "line 2: the gain `x`");
    let signals = |text: &str, bytes: &[u8], kind: &'static str, words: &str| {
        refused("r.wfdb", &record(text, bytes, &marks), &all, kind, words);
    };
    signals(&good, &pairs(&VALUES)[..11], "truncated", "r1.dat: 4 frames are promised, 3 are there");
    signals(&good.replace(" 4\n", "\n"), &[], "empty", "holds no values");
    signals(
        &good,
        &pairs(&[VALUES[0], (-2048, 0), VALUES[2], VALUES[3]]),
        "missing_value",
        "`MLII` has no value at frame 1",
    );
    signals(
        &good.replace("212 200", "213 200").replace("212 100", "213 100"),
        &[0; 9],
        "wfdb_signal",
        "format 213",
    );
    signals(
        &good.replace("212 100", "16 100"),
        &[0; 9],
        "wfdb_signal",
        "`MLII` and `V5 lead` are in one file",
    );
    signals(&good.replace("r1.dat", "r2.dat"), &[0; 9], "wfdb_missing", "`r2.dat`, which did not come");
    let marks = |bytes: &[u8], words: &str| {
        refused("r.wfdb", &record(&good, &pairs(&VALUES), bytes), &all, "wfdb_annotation", words);
    };
    marks(&words(&[mark(1, 1)]), "byte 2: the file ends without its mark of the end");
    marks(&words(&[mark(59, 0), 1]), "byte 0: the file ends inside a long interval");
    marks(&words(&[mark(1, 2), mark(63, 90), 0]), "byte 2: a text of 90 bytes");
    marks(&words(&[mark(59, 0), 0xFFFF, 0xFFFF, mark(1, 0), 0]), "-1 frames before");
    marks(&words(&[mark(1, 3), mark(59, 0), 0xFFFF, 0xFFFE, mark(1, 0), 0]), "frame 1 follows a later one");
    let mut other = words(&[mark(22, 0), mark(63, 24)]);
    other.extend(b"## time resolution: 1000");
    other.extend(words(&[0]));
    marks(&other, "count 1000 times a second, the signals 360");
}
