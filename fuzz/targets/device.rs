#![no_main]
//! Arbitrary bytes as a frame of the devices' socket, as bytes and as text. What is read is an object that nests no deeper than allowed, and
//! written again in the same encoding it says the same.

// The parser itself, without the server around it.
#[path = "../../crates/server/src/clients/frame.rs"]
mod frame;

use axum::extract::ws::Message;
use serde_json::Value;

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check(message: &Message) {
    let Some((encoding, value)) = frame::read(message) else { return };
    assert!(value.is_object());
    // JSON has the limit of its reader.
    let most = if encoding == frame::Encoding::Cbor { 17 } else { 128 };
    assert!(depth(&value) <= most, "{} levels", depth(&value));
    let again = frame::write(encoding, &value);
    assert_eq!(frame::read(&again), Some((encoding, value)));
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > frame::FRAME_MAX {
        return;
    }
    check(&Message::Binary(bytes.to_vec().into()));
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(&Message::Text(text.into()));
    }
});
