#![no_main]
//! Arbitrary bytes as a document of many pictures: COCO, Create ML, a table of boxes. What is kept of it lies inside the picture.

use edgewright_sample::boxes::{Annotated, parse_box_table, parse_coco, parse_create_ml};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let table = parse_box_table(bytes).and_then(Result::ok);
    for said in [parse_coco(bytes).ok(), parse_create_ml(bytes).ok(), table].into_iter().flatten() {
        said.iter().for_each(inside);
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
