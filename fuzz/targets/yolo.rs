#![no_main]
//! Arbitrary bytes as YOLO labels and their names. What is kept of it lies inside the picture.

use edgewright_sample::boxes::{Annotated, parse_yolo, parse_yolo_names};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let names = parse_yolo_names(bytes);
    if let Ok(said) = parse_yolo(bytes, &names) {
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
