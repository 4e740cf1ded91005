//! Lists of boxes of a set of pictures: rows of a table, and JSON as Create ML writes it.

use super::{Annotated, MOST, error};
use crate::{SampleError, labels::BoundingBox};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Reads rows with the columns `filename`, `class` (or `label`), `xmin`, `ymin`, `xmax` and `ymax`, in any order and among others; `None`
/// for a table without these names in its first line. One entry per picture, in the order in which they come.
///
/// # Errors
/// `box_file` when it is not text or holds too many boxes of one picture. A row that cannot be read is in [`Annotated::unread`] of its picture.
pub fn parse_box_table(bytes: &[u8]) -> Option<Result<Vec<Annotated>, SampleError>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let first = bytes.split(|b| *b == b'\n').next()?;
    let header: Vec<String> = cells(std::str::from_utf8(first).ok()?).map(str::to_ascii_lowercase).collect();
    let column = |names: &[&str]| header.iter().position(|h| names.contains(&h.as_str()));
    let file = column(&["filename", "file", "image", "image_name"])?;
    let label = column(&["class", "label", "name"])?;
    let sides = [column(&["xmin"])?, column(&["ymin"])?, column(&["xmax"])?, column(&["ymax"])?];
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Err(error("not UTF-8 text".into()))) };
    let mut out = Pictures::default();
    for (n, line) in text.lines().enumerate().skip(1).filter(|(_, l)| !l.trim().is_empty()) {
        let row: Vec<&str> = cells(line).collect();
        let of = match out.of(row.get(file).copied().unwrap_or("")) {
            Ok(of) => of,
            Err(e) => return Some(Err(e)),
        };
        let side = |at: usize| row.get(at).and_then(|c| c.parse::<f64>().ok());
        match (row.get(label), sides.map(side)) {
            (Some(label), [Some(left), Some(top), Some(right), Some(bottom)]) => of.boxes.push(BoundingBox {
                label: (*label).to_owned(),
                x: left,
                y: top,
                width: right - left,
                height: bottom - top,
            }),
            // A picture without an object.
            (label, _)
                if label.is_none_or(|l| l.is_empty())
                    && sides.iter().all(|s| row.get(*s).is_none_or(|c| c.is_empty())) => {}
            _ => of.unread.push(format!("row {} has no label with four numbers", n + 1)),
        }
    }
    Some(Ok(out.list))
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.trim_end_matches('\r').split(',').map(|c| c.trim().trim_matches('"'))
}

/// Pictures in the order in which they come.
#[derive(Default)]
struct Pictures {
    list: Vec<Annotated>,
    places: BTreeMap<String, usize>,
}

impl Pictures {
    fn of(&mut self, file: &str) -> Result<&mut Annotated, SampleError> {
        let at = *self.places.entry(file.to_owned()).or_insert_with(|| {
            self.list.push(Annotated { file: file.to_owned(), ..Annotated::default() });
            self.list.len() - 1
        });
        let of = &mut self.list[at];
        if of.boxes.len() >= MOST {
            return Err(error(format!("more than {MOST} boxes of `{}`", file.escape_debug())));
        }
        Ok(of)
    }
}

#[derive(Deserialize)]
struct Picture {
    #[serde(alias = "imagefilename")]
    image: String,
    #[serde(alias = "annotation")]
    annotations: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    label: String,
    coordinates: Coordinates,
}

#[derive(Deserialize)]
struct Coordinates {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Reads a document of Create ML: pictures with the centres and sizes of their boxes, in pixels.
///
/// # Errors
/// `box_file` when it is no such document.
pub fn parse_create_ml(bytes: &[u8]) -> Result<Vec<Annotated>, SampleError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let pictures: Vec<Picture> =
        serde_json::from_slice(bytes).map_err(|e| error(format!("not a document of Create ML: {e}")))?;
    let mut out = Pictures::default();
    for picture in pictures {
        for Object { label, coordinates: c } in picture.annotations {
            out.of(&picture.image)?.boxes.push(BoundingBox {
                label,
                x: c.x - c.width / 2.0,
                y: c.y - c.height / 2.0,
                width: c.width,
                height: c.height,
            });
        }
        out.of(&picture.image)?;
    }
    Ok(out.list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(label: &str, [x, y, width, height]: [f64; 4]) -> BoundingBox {
        BoundingBox { label: label.into(), x, y, width, height }
    }

    #[test]
    fn rows_go_to_their_pictures() {
        let text = "filename,width,height,class,xmin,ymin,xmax,ymax\r\na.png,96,96,box,53,3,72,22\r\nb.png,96,96,,,,,\na.png,96,96,\"ball\",1,2,x,4\na.png,9,9,ball,1,2,3.5,4\n";
        let said = parse_box_table(text.as_bytes()).unwrap().unwrap();
        assert_eq!(said.len(), 2);
        assert_eq!(said[0].boxes, [of("box", [53.0, 3.0, 19.0, 19.0]), of("ball", [1.0, 2.0, 2.5, 2.0])]);
        assert_eq!(said[0].unread, ["row 4 has no label with four numbers"]);
        assert_eq!((said[1].file.as_str(), said[1].boxes.len(), said[1].unread.len()), ("b.png", 0, 0));
        assert!(parse_box_table(b"timestamp,x\n0,1\n").is_none());
        assert!(parse_box_table(b"filename,class,xmin,ymin,xmax,ymax\n\xff").unwrap().is_err());
    }

    #[test]
    fn centres_of_create_ml_become_corners() {
        let text = r#"[{"image": "a.png", "annotations": [{"label": "box", "coordinates": {"x": 62.5, "y": 12.5, "width": 19, "height": 5}}]},
            {"image": "b.png", "annotations": []}]"#;
        let said = parse_create_ml(text.as_bytes()).unwrap();
        assert_eq!(said[0].boxes, [of("box", [53.0, 10.0, 19.0, 5.0])]);
        assert_eq!((said[1].file.as_str(), said[1].boxes.len()), ("b.png", 0));
        assert!(parse_create_ml(b"[{\"image\": 1}]").is_err());
    }
}
