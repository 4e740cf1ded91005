//! Acquisition documents.

use crate::build::{axis, binary_cbor, document};
use crate::{kinds, refused, signal};
use edgewright_sample::encode::{encode_acquisition_cbor, encode_acquisition_json};
use edgewright_sample::{DecodeOptions, Decoded, Limits, decode};

const KEY: &[u8] = b"0123456789abcdef";

fn keyed(key: &[u8]) -> DecodeOptions {
    DecodeOptions { hmac_key: Some(key.to_vec()), ..DecodeOptions::default() }
}

#[track_caller]
fn one(name: &str, bytes: &[u8], options: &DecodeOptions) -> Decoded {
    let mut samples = decode(name, bytes, options).expect("a good file");
    assert_eq!(samples.len(), 1);
    samples.remove(0)
}

#[track_caller]
fn bad(json: &str, kind: &str, words: &str) {
    refused("a.json", json.as_bytes(), &DecodeOptions::default(), kind, words);
}

/// A document around these sensors and values.
fn json(interval: &str, sensors: &str, values: &str) -> String {
    format!(
        r#"{{"protected":{{"ver":"v1","alg":"none"}},"signature":"00","payload":{{"device_type":"T","interval_ms":{interval},"sensors":{sensors},"values":{values}}}}}"#
    )
}

const XY: &str = r#"[{"name":"x","units":"g"},{"name":"y"}]"#;
const X: &str = r#"[{"name":"x","units":"g"}]"#;

#[test]
fn written_documents_read_back_from_json_and_cbor() {
    let json = encode_acquisition_json(&document(), Some(42), None).expect("finite");
    let cbor = encode_acquisition_cbor(&document(), Some(42), None).expect("finite");
    for (name, bytes) in [("a.json", json), ("a.cbor", cbor)] {
        let decoded = one(name, &bytes, &DecodeOptions::default());
        let signal = signal(&decoded);
        assert_eq!(signal.rate_hz, 62.5);
        assert_eq!(signal.axes, ["accX", "accY", "accZ"].map(|n| axis(n, "m/s2")));
        assert_eq!(signal.values, [1.0, -2.5, 9.8, 0.0, 3.0, -9.8]);
        let get = |key: &str| decoded.metadata.get(key).map(String::as_str);
        assert_eq!(get("device_name"), Some("aa:bb"));
        assert_eq!(get("device_type"), Some("TEST"));
        assert_eq!(get("issued_at"), Some("42"));
        assert_eq!(get("signature"), Some("none"));
        assert_eq!(kinds(&decoded), [""; 0]);
    }
}

#[test]
fn signatures_are_verified_on_the_received_bytes() {
    let json = encode_acquisition_json(&document(), Some(42), Some(KEY)).expect("finite");
    let cbor = encode_acquisition_cbor(&document(), Some(42), Some(KEY)).expect("finite");
    for (name, bytes) in [("a.json", json), ("a.cbor", cbor)] {
        let state = |bytes: &[u8], options: &DecodeOptions| {
            let decoded = one(name, bytes, options);
            let invalid = kinds(&decoded) == ["signature_invalid"];
            (decoded.metadata["signature"].clone(), invalid)
        };
        assert_eq!(state(&bytes, &keyed(KEY)), ("valid".into(), false));
        assert_eq!(state(&bytes, &DecodeOptions::default()), ("unchecked".into(), false));
        assert_eq!(state(&bytes, &keyed(b"0000")), ("invalid".into(), true));
        let mut changed = bytes.clone();
        let at = changed.windows(4).position(|w| w == b"TEST").expect("the device type");
        changed[at] = b'B';
        assert_eq!(state(&changed, &keyed(KEY)), ("invalid".into(), true));
        let strict = |key| DecodeOptions { require_signature: true, ..keyed(key) };
        assert_eq!(state(&bytes, &strict(KEY)), ("valid".into(), false));
        refused(name, &changed, &strict(KEY), "signature_invalid", "signature");
    }
}

/// The digest was computed by Python's `hmac` over this text with 64 zeros in its place.
#[test]
fn a_foreign_signature_with_spaces_in_the_json_is_valid() {
    let text = concat!(
        r#"{"protected": {"ver": "v1", "alg": "HS256", "iat": 1}, "signature": "SIGN", "#,
        r#""payload": {"device_type": "T", "interval_ms": 10, "sensors": [{"name": "x", "units": "g"}], "values": [1, 2.50]}}"#
    );
    let signed = text.replace("SIGN", "f45c9bb81873390c696d0cea76df49a08f50d4579d170163a41e749f1bd2d6d2");
    let decoded = one("a.json", signed.as_bytes(), &keyed(b"fed53116f20684c067774ebf9e7bcbdc"));
    assert_eq!(decoded.metadata["signature"], "valid");
}

#[test]
fn a_required_signature_must_be_there() {
    let strict = DecodeOptions { require_signature: true, ..keyed(KEY) };
    refused("a.json", json("1", X, "[1]").as_bytes(), &strict, "signature_missing", "none");
    let keyless = DecodeOptions { require_signature: true, ..DecodeOptions::default() };
    let signed = encode_acquisition_json(&document(), None, Some(KEY)).expect("finite");
    refused("a.json", &signed, &keyless, "signature_key_missing", "no key");
    // An export keeps the algorithm and wipes the digest.
    let text =
        String::from_utf8(encode_acquisition_json(&document(), None, None).expect("finite")).expect("text");
    let wiped = text.replace(r#""alg":"none""#, r#""alg":"HS256""#);
    assert_eq!(kinds(&one("a.json", wiped.as_bytes(), &keyed(KEY))), ["signature_invalid"]);
    let null = json("1", X, "[1]").replace(r#""00""#, "null").replace("none", "HS256");
    assert_eq!(kinds(&one("a.json", null.as_bytes(), &keyed(KEY))), ["signature_invalid"]);
}

#[test]
fn values_come_flat_in_rows_or_as_binary() {
    let values =
        |json: &str| signal(&one("a.json", json.as_bytes(), &DecodeOptions::default())).values.clone();
    assert_eq!(values(&json("10", X, "[1, 2.5, -3]")), [1.0, 2.5, -3.0]);
    assert_eq!(values(&json("10", X, "[[1], [2]]")), [1.0, 2.0]);
    assert_eq!(values(&json("10", XY, "[[1, 2], [3, 4]]")), [1.0, 2.0, 3.0, 4.0]);
    let cases: &[(&str, &[u8], &[f32])] = &[
        ("Ref-BINARY-i16   ", &[1, 0, 0xFF, 0xFF], &[1.0, -1.0]),
        ("Ref-Binary-u8", &[1, 255], &[1.0, 255.0]),
        ("Ref-BINARY-i8", &[1, 255], &[1.0, -1.0]),
        ("Ref-BINARY-u16", &[0, 0x80], &[32768.0]),
        ("Ref-BINARY-u32", &[0, 0, 0, 0x80], &[2147483648.0]),
        ("Ref-BINARY-i32", &[0, 0, 0, 0x80], &[-2147483648.0]),
        ("Ref-BINARY-f32", &[0, 0, 0xC0, 0x3F], &[1.5]),
    ];
    for (reference, data, expected) in cases {
        let decoded = one("a.cbor", &binary_cbor(reference, data), &DecodeOptions::default());
        assert_eq!(signal(&decoded).values, *expected, "{reference}");
        assert_eq!(signal(&decoded).rate_hz, 16000.0);
        assert_eq!(kinds(&decoded), [""; 0]);
    }
    let cbor = |reference: &str, data: &[u8], kind: &str, words: &str| {
        refused("a.cbor", &binary_cbor(reference, data), &DecodeOptions::default(), kind, words);
    };
    cbor("Ref-BINARY-i16", &[1], "truncated", "multiple of 2");
    cbor("Ref-BINARY-i16", &[], "empty", "no values");
    cbor("Ref-BINARY-f32", &[0, 0, 0xC0, 0x7F], "not_finite", "row 1");
    cbor("Ref-BINARY-f64", &[0; 8], "values_shape", "known binary type");
    cbor("hello", &[], "values_shape", "hello");
    cbor("Ref-BINARY-image/jpeg", &[], "attachment_missing", "file of its own");
}

#[test]
fn the_rate_comes_from_the_interval() {
    let rate = |interval| {
        signal(&one("a.json", json(interval, X, "[1, 2]").as_bytes(), &DecodeOptions::default())).rate_hz
    };
    assert_eq!(rate("16"), 62.5);
    assert_eq!(rate("9.615384615384615"), 104.0);
    let single = one("a.json", json("0", XY, "[[1, 2]]").as_bytes(), &DecodeOptions::default());
    assert_eq!((signal(&single).rate_hz, signal(&single).frames()), (0.0, 1));
    bad(&json("0", X, "[1, 2]"), "interval", "greater than 0");
    bad(&json("-1", X, "[1, 2]"), "interval", "greater than 0");
    bad(&json("1e-320", X, "[1, 2]"), "interval", "greater than 0");
}

#[test]
fn bad_values_name_row_and_column() {
    bad(&json("1", XY, "[[1, 2], [3]]"), "not_acquisition", "row 2 has 1 numbers, row 1 has 2");
    bad(&json("1", XY, "[[1, 2], [3, null]]"), "not_acquisition", "row 2, column 2 is null");
    bad(&json("1", XY, r#"[[1, 2], [3, "4"]]"#), "not_acquisition", "row 2, column 2");
    bad(&json("1", XY, "[[1, 2], [[3], 4]]"), "not_acquisition", "row 2, column 1 is an array");
    bad(&json("1", XY, "[[1, 2], 3]"), "not_acquisition", "row 2 is not of the kind of row 1");
    bad(&json("1", XY, "[[1, 2], [3, 1e39]]"), "not_finite", "row 2, column 2");
    bad(&json("1", XY, "[[1, 2], [3, 1e999]]"), "not_finite", "line 1");
    bad(&json("1", XY, "[[1, 2], [NaN, 1]]"), "not_finite", "line 1 column");
    bad(&json("1", XY, "[[1, 2], [3, -Infinity]]"), "not_finite", "line 1 column");
    bad(&json("1", XY, "[[1, 2, 3]]"), "values_shape", "rows have 3 numbers, there are 2 sensors");
    bad(&json("1", XY, "[1, 2]"), "values_shape", "plain numbers for 2 sensors");
    bad(&json("1", XY, "[[]]"), "empty", "no values");
    bad(&json("1", X, "[]"), "empty", "no values");
    bad(&json("1", "[]", "[]"), "sensors", "empty");
    bad(&json("1", r#"[{"name":"x"},{"name":"x"}]"#, "[[1,2]]"), "sensors", "two are called `x`");
    bad(&json("1", X, r#"["Ref-BINARY-i16"]"#), "values_shape", "CBOR header");
}

#[test]
fn other_documents_are_told_apart() {
    bad("[{\"a\": 1}]", "not_acquisition", "an array");
    bad("  ", "not_acquisition", "white space");
    bad("\"x\"", "not_acquisition", "no object");
    bad("{\"a\": 1}", "not_acquisition", "missing field `protected`");
    bad(&json("1", X, "[1]").replace("v1", "v2"), "not_acquisition", "`v2`");
    bad(&json("1", X, "[1]").replace("none", "RS256"), "not_acquisition", "`RS256`");
    bad(&json("1", X, "[1]")[..80], "truncated", "too early");
    bad("{\"a\": tru}", "json_syntax", "line 1");
    let cbor = |bytes: &[u8], kind: &str, words: &str| {
        refused("a.cbor", bytes, &DecodeOptions::default(), kind, words)
    };
    cbor(b"\x81\x01", "not_acquisition", "byte 0");
    cbor(b"\xA1\x61a\x01", "not_acquisition", "missing field");
    let good = encode_acquisition_cbor(&document(), None, None).expect("finite");
    cbor(&good[..good.len() - 1], "truncated", "byte");
    let mut padded = good.clone();
    padded.extend([0xFF; 3]);
    assert_eq!(kinds(&one("a.cbor", &padded, &DecodeOptions::default())), ["trailing_bytes"]);
}

#[test]
fn metadata_and_limits() {
    let with = json("1", X, "[1, 2]")
        .replace(r#""interval_ms""#, r#""metadata":{"site":"yard","n":3,"deep":[[1],{}]},"interval_ms""#);
    let decoded = one("a.json", with.as_bytes(), &DecodeOptions::default());
    assert_eq!((decoded.metadata["site"].as_str(), decoded.metadata["n"].as_str()), ("yard", "3"));
    let limits = Limits { max_values: 1, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    refused("a.json", with.as_bytes(), &options, "too_large", "2 values, at most 1");
}
