#![no_main]
//! Arbitrary bytes as a Pascal VOC annotation. What is kept of it lies inside the picture.

use edgewright_sample::boxes::{Annotated, parse_voc};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(said) = parse_voc(bytes) {
        inside(&said);
    }
});

fn inside(said: &Annotated) {
    let fitted = said.fit(640, 480);
    assert_eq!(fitted.boxes.len() + fitted.refused.len(), said.boxes.len() + said.unread.len());
    for b in fitted.boxes {
        assert!(b.width > 0.0 && b.height > 0.0 && b.x >= 0.0 && b.y >= 0.0);
        assert!(b.x + b.width <= 640.001 && b.y + b.height <= 480.001);
    }
}
