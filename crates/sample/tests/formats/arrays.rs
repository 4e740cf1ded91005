//! NumPy arrays.

use crate::{build::npz, kinds, refused, signal};
use edgewright_sample::{Content, CsvOptions, DecodeOptions, Decoded, decode, npy};

fn floats(shape: &[usize], values: &[f32]) -> Vec<u8> {
    npy::write("<f4", shape, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

fn counted(shape: &[usize]) -> Vec<u8> {
    let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|v| v as f32).collect();
    floats(shape, &values)
}

fn at_50_hz() -> DecodeOptions {
    DecodeOptions {
        csv: CsvOptions { rate_hz: Some(50.0), ..CsvOptions::default() },
        ..DecodeOptions::default()
    }
}

fn shapes(samples: &[Decoded]) -> Vec<(usize, usize)> {
    samples.iter().map(|s| (signal(s).frames(), signal(s).axes.len())).collect()
}

fn labels(samples: &[Decoded]) -> Vec<&str> {
    samples.iter().map(|s| s.label.as_deref().unwrap_or("none")).collect()
}

#[test]
fn the_shape_says_how_many_recordings_there_are() {
    let read = |shape: &[usize]| decode("a.npy", &counted(shape), &at_50_hz()).expect("an array");
    assert_eq!(shapes(&read(&[6])), [(6, 1)]);
    assert_eq!(shapes(&read(&[6, 2])), [(6, 2)]);
    let many = read(&[3, 4, 2]);
    assert_eq!(shapes(&many), [(4, 2); 3]);
    assert_eq!(signal(&many[1]).values, [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    assert_eq!((signal(&many[0]).rate_hz, kinds(&many[0])), (50.0, vec![]));
    assert_eq!((&*many[2].metadata["recording"], &*many[2].metadata["format"]), ("2", "npy"));
    assert_eq!(
        (&*signal(&many[0]).axes[1].name, &*signal(&read(&[6])[0]).axes[0].name),
        ("column2", "value")
    );
    let untimed = decode("a.npy", &counted(&[6]), &DecodeOptions::default()).expect("an array");
    assert_eq!((signal(&untimed[0]).rate_hz, kinds(&untimed[0])), (0.0, vec!["rate_unknown"]));
    // Names given in order are those of the axes.
    let mut named = at_50_hz();
    named.csv.value_columns = Some(vec!["x".into(), "y".into()]);
    let read = decode("a.npy", &counted(&[6, 2]), &named).expect("an array");
    assert_eq!(signal(&read[0]).axes[1].name, "y");
    refused("a.npy", &counted(&[6, 3]), &named, "unknown_column", "3 axes, 2 are named (x, y)");
    let mut rows = DecodeOptions::default();
    rows.csv.rows_are_samples = Some(true);
    assert_eq!(shapes(&decode("a.npy", &counted(&[6, 3]), &rows).expect("rows")), [(1, 3); 6]);
}

#[test]
fn bytes_of_four_axes_are_pictures() {
    let read = decode("a.npy", &npy::write("|u1", &[2, 2, 1, 3], &(0..12).collect::<Vec<u8>>()), &at_50_hz());
    let read = read.expect("pictures");
    let Content::Image(image) = &read[1].content else { panic!("a picture was expected") };
    assert_eq!((image.width, image.height, image.channels), (1, 2, 3));
    assert_eq!(image.pixels, [6, 7, 8, 9, 10, 11]);
}

#[test]
fn labels_stand_beside_the_samples() {
    let x = counted(&[3, 2]);
    let y = npy::write(
        "<i8",
        &[3],
        &[1u8, 0, 2].iter().flat_map(|v| u64::from(*v).to_le_bytes()).collect::<Vec<_>>(),
    );
    for packed in [false, true] {
        let rows =
            decode("a.npz", &npz(&[("x", &x), ("y", &y)], packed), &DecodeOptions::default()).expect("rows");
        assert_eq!((shapes(&rows), labels(&rows)), (vec![(1, 2); 3], vec!["1", "0", "2"]));
        assert_eq!((signal(&rows[2]).values.as_slice(), &*rows[2].metadata["row"]), (&[4.0, 5.0][..], "3"));
    }
    // With a rate the second axis is time.
    let recordings = decode("a.bin", &npz(&[("X", &x), ("y", &y)], false), &at_50_hz()).expect("recordings");
    assert_eq!(shapes(&recordings), [(2, 1); 3]);
    let words = npy::write("|S2", &[2, 1], b"go\0\0");
    let parts = [
        ("X_train", &counted(&[2, 4, 3])[..]),
        ("y_train", &words),
        ("x_test", &counted(&[1, 4, 3])),
        ("y_test", &words[..]),
        ("note", &x),
    ];
    refused(
        "a.npz",
        &npz(&parts, false),
        &at_50_hz(),
        "npz_counts",
        "NumPy: `x_test`: 2 labels or groups for 1 samples",
    );
    let one =
        npy::write("<U2", &[1], &"up".chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<_>>());
    let parts = [parts[0], parts[1], parts[2], ("y_test", &one), parts[4]];
    let read = decode("a.npz", &npz(&parts, true), &at_50_hz()).expect("recordings");
    assert_eq!((shapes(&read), labels(&read)), (vec![(4, 3); 3], vec!["go", "none", "up"]));
    assert_eq!(kinds(&read[0]), ["array_left_out"]);
    let sides: Vec<&str> = read.iter().map(|s| s.metadata["side"].as_str()).collect();
    assert_eq!(sides, ["training", "training", "testing"]);
    assert_eq!(recordings[0].metadata.get("side"), None);
    assert!(read[0].findings[0].message.contains("`note`"));
    assert_eq!(read[2].metadata["array"], "x_test");
    // A column names an array.
    let mut asked = at_50_hz();
    asked.csv.label_column = Some("who".into());
    asked.csv.group_column = Some("note".into());
    let read =
        decode("a.npz", &npz(&[("sound", &counted(&[3, 5])), ("who", &y), ("note", &y)], false), &asked)
            .expect("recordings");
    assert_eq!((labels(&read), read[2].group.as_deref()), (vec!["1", "0", "2"], Some("2")));
    refused("a.npz", &npz(&[("x", &x)], false), &asked, "unknown_column", "no array `who` for the label (x)");
}

#[test]
fn arrays_without_labels_are_each_what_their_shape_says() {
    let read = decode(
        "a.npz",
        &npz(&[("left", &counted(&[4, 2])), ("right", &counted(&[2, 3, 1]))], false),
        &at_50_hz(),
    );
    assert_eq!(shapes(&read.expect("recordings")), [(4, 2), (3, 1), (3, 1)]);
}

#[test]
fn bad_arrays_are_refused() {
    let given = at_50_hz();
    refused("a.npy", &counted(&[0, 3]), &given, "empty", "[0, 3]");
    refused("a.npy", &counted(&[1, 1, 2, 3]), &given, "npy_shape", "[1, 1, 2, 3] of F32 is no recording");
    refused(
        "a.npy",
        &floats(&[3, 1], &[1.0, f32::NAN, 2.0]),
        &given,
        "not_finite",
        "sample 0, frame 1, axis 0",
    );
    refused("a.npy", &counted(&[3])[..134], &given, "npy_data", "do not fit the shape");
    refused("a.npy", &npy::write("|O", &[1], &[0; 8]), &given, "npy_data", "`|O`");
    let mut small = given.clone();
    small.limits.max_values = 5;
    refused("a.npy", &counted(&[6]), &small, "npy_data", "6 values, at most 5");
    refused(
        "a.npz",
        &npz(&[("x", &counted(&[3])), ("x_more", &counted(&[3]))], false),
        &small,
        "too_large",
        "at most 5",
    );
    small.limits.max_bytes = 400;
    refused(
        "a.npz",
        &npz(&[("x", &floats(&[1000], &[0.0; 1000]))], true),
        &small,
        "too_large",
        "more than 1600 bytes",
    );
    let good = npz(&[("x", &counted(&[30, 2]))], true);
    for length in 0..good.len() {
        assert!(decode("a.npz", &good[..length], &given).is_err(), "{length}");
    }
    let mut damaged = npz(&[("x", &counted(&[3]))], false);
    let at = damaged.windows(4).rposition(|w| w == 1f32.to_le_bytes()).expect("a value");
    damaged[at] ^= 1;
    refused("a.npz", &damaged, &given, "npz_data", "`x`: its data is damaged");
    refused("a.npz", &npz(&[("y", &counted(&[3]))], false), &given, "npz_names", "(y)");
}
