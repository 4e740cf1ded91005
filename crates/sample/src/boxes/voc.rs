//! Pascal VOC: one XML document a picture.

use super::{Annotated, bounded, error, xml};
use crate::{SampleError, labels::BoundingBox};

/// Reads a Pascal VOC annotation. Corners are taken as they are written: a box is `xmax - xmin` pixels wide.
///
/// # Errors
/// `box_file` when it is no XML, or its outermost element is not `annotation`. An object without a readable box is in
/// [`Annotated::unread`].
pub fn parse_voc(bytes: &[u8]) -> Result<Annotated, SampleError> {
    let document = xml::parse(bytes)?;
    if document.name != "annotation" {
        return Err(error(format!("the outermost element is <{}>, not <annotation>", document.name)));
    }
    let file = document.text_of("filename").rsplit(['/', '\\']).next().unwrap_or("").to_owned();
    let mut out = Annotated { file, ..Annotated::default() };
    let objects = document.children.iter().filter(|c| c.name == "object");
    bounded("annotation", objects.clone().count())?;
    for (n, object) in objects.enumerate() {
        let label = object.text_of("name").to_owned();
        let corners = object.child("bndbox").and_then(|b| {
            let number = |name| b.text_of(name).parse::<f64>().ok();
            Some([number("xmin")?, number("ymin")?, number("xmax")?, number("ymax")?])
        });
        match corners {
            Some([x, y, right, bottom]) => {
                out.boxes.push(BoundingBox { label, x, y, width: right - x, height: bottom - y });
            }
            None => out.unread.push(format!(
                "object {} (`{}`) has no <bndbox> with four numbers",
                n + 1,
                label.escape_debug()
            )),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_become_boxes() {
        let text = "<annotation><filename>sub/a.jpg</filename><size><width>640</width></size>
            <object><name>RBC</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30.5</xmax><ymax>60</ymax></bndbox></object>
            <object><name>WBC</name></object></annotation>";
        let a = parse_voc(text.as_bytes()).unwrap();
        assert_eq!(a.file, "a.jpg");
        let expected = BoundingBox { label: "RBC".into(), x: 10.0, y: 20.0, width: 20.5, height: 40.0 };
        assert_eq!(a.boxes, [expected]);
        assert_eq!(a.unread, ["object 2 (`WBC`) has no <bndbox> with four numbers"]);
        assert!(parse_voc(b"<html/>").unwrap_err().message.contains("<html>"));
    }
}
