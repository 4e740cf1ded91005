//! Frames of the devices' socket: one JSON object as text, or one CBOR map as bytes. Nothing else of a frame is kept.

use axum::extract::ws::Message;
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// Bytes of one frame.
pub const FRAME_MAX: usize = 64 << 10;
/// How deep a frame may nest.
const DEPTH_MAX: usize = 16;

/// How a device writes; it is answered likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JSON in text frames.
    Text,
    /// JSON in binary frames, as some boards send it.
    Bytes,
    /// CBOR in binary frames.
    Cbor,
}

/// What a frame says, and how. `None`: it says nothing that we know, such as the word `ping` of a phone.
pub fn read(message: &Message) -> Option<(Encoding, Value)> {
    let (encoding, value) = match message {
        Message::Text(text) => (Encoding::Text, serde_json::from_str(text).ok()?),
        Message::Binary(bytes) if bytes.first().is_some_and(|b| *b == b'{') => {
            (Encoding::Bytes, serde_json::from_slice(bytes).ok()?)
        }
        Message::Binary(bytes) => {
            // Counts its own levels, of which a map has two.
            let read = ciborium::de::from_reader_with_recursion_limit(bytes.as_ref(), 2 * DEPTH_MAX);
            (Encoding::Cbor, plain(read.ok()?, 0)?)
        }
        _ => return None,
    };
    let object: &Value = &value;
    object.is_object().then_some((encoding, value))
}

/// The same in JSON; `None` for what JSON cannot say.
fn plain(value: Cbor, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    Some(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(b) => Value::Bool(b),
        Cbor::Integer(i) => {
            let wide = i128::from(i);
            let signed = i64::try_from(wide).map(Number::from);
            Value::Number(signed.or_else(|_| u64::try_from(wide).map(Number::from)).ok()?)
        }
        Cbor::Float(f) => Number::from_f64(f).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Array(list) => {
            Value::Array(list.into_iter().map(|v| plain(v, depth + 1)).collect::<Option<_>>()?)
        }
        Cbor::Map(pairs) => {
            let mut out = Map::new();
            for (key, value) in pairs {
                out.insert(key.into_text().ok()?, plain(value, depth + 1)?);
            }
            Value::Object(out)
        }
        _ => return None,
    })
}

/// A frame that says this.
pub fn write(encoding: Encoding, value: &Value) -> Message {
    match encoding {
        Encoding::Text => Message::Text(value.to_string().into()),
        Encoding::Bytes => Message::Binary(value.to_string().into_bytes().into()),
        Encoding::Cbor => {
            let mut bytes = Vec::new();
            // Writing to memory fails for values that CBOR cannot say, and JSON has none.
            let _ = ciborium::into_writer(value, &mut bytes);
            Message::Binary(bytes.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read() {
        let value = json!({"sample": {"label": "yés", "length": 1000.5, "n": [1, -2, null, true], "deep": {"a": {}}}});
        for encoding in [Encoding::Text, Encoding::Bytes, Encoding::Cbor] {
            assert_eq!(read(&write(encoding, &value)), Some((encoding, value.clone())));
        }
    }

    #[test]
    fn foreign_bytes_are_nothing() {
        let of = |bytes: &[u8]| read(&Message::Binary(bytes.to_vec().into()));
        // A list, a word, a number key, a tag, a length that is not there, depth.
        for bytes in [
            &b"[1]"[..],
            b"ping",
            &[0xa1, 1, 2],
            &[0xc1, 0xa0],
            &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
        assert_eq!(of(&[0x81; 5000]), None);
        assert_eq!(of(&b"{\"a\":".repeat(5000)), None);
        assert_eq!(read(&Message::Text("ping".into())), None);
        // Every damaged byte of a real frame, and many frames of chance.
        let Message::Binary(frame) = write(
            Encoding::Cbor,
            &json!({"hello": {"version": 4, "sensors": [{"name": "a", "frequencies": [1.5]}]}}),
        ) else {
            panic!("bytes")
        };
        let mut state = 1u64;
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut bytes = frame.to_vec();
                bytes[at] ^= 1 << bit;
                of(&bytes);
                of(&bytes[..at]);
            }
        }
        for length in 0..2000usize {
            let bytes: Vec<u8> = (0..length % 64)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 56) as u8
                })
                .collect();
            of(&bytes);
        }
    }
}
