//! COCO: one JSON document for a set of pictures.

use super::{Annotated, MOST, error};
use crate::{SampleError, labels::BoundingBox};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A number, or a text as some tools write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::Number(number) => Ok(Self(number.to_string())),
            serde_json::Value::String(text) => Ok(Self(text)),
            other => {
                Err(serde::de::Error::custom(format!("the id `{other}` is neither a number nor a text")))
            }
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

#[derive(Deserialize)]
struct Document {
    images: Vec<Picture>,
    annotations: Vec<Object>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Picture {
    id: Id,
    file_name: String,
}

#[derive(Deserialize)]
struct Object {
    image_id: Id,
    category_id: Id,
    #[serde(default)]
    bbox: Vec<f64>,
}

#[derive(Deserialize)]
struct Category {
    id: Id,
    name: String,
}

/// Reads a COCO document with boxes: one entry per picture, in its order, those without an object too.
///
/// # Errors
/// `box_file` when it is no such document. An object of a picture or category that is not there, or without four numbers, is in
/// [`Annotated::unread`] of its picture, or of the first one.
pub fn parse_coco(bytes: &[u8]) -> Result<Vec<Annotated>, SampleError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| error(format!("not a COCO document: {e}")))?;
    let names: BTreeMap<Id, String> = document.categories.into_iter().map(|c| (c.id, c.name)).collect();
    let places: BTreeMap<Id, usize> =
        document.images.iter().enumerate().map(|(at, p)| (p.id.clone(), at)).collect();
    let mut out: Vec<Annotated> = document
        .images
        .into_iter()
        .map(|p| Annotated { file: p.file_name, ..Annotated::default() })
        .collect();
    for (n, object) in document.annotations.into_iter().enumerate() {
        let n = n + 1;
        let Some(&at) = places.get(&object.image_id) else {
            if let Some(first) = out.first_mut() {
                first
                    .unread
                    .push(format!("annotation {n} is of picture {}, which is not listed", object.image_id));
            }
            continue;
        };
        let of = &mut out[at];
        match (names.get(&object.category_id), object.bbox.as_slice()) {
            (None, _) => {
                of.unread.push(format!(
                    "annotation {n} is of category {}, which is not listed",
                    object.category_id
                ));
            }
            (Some(_), _) if of.boxes.len() >= MOST => {
                return Err(error(format!("more than {MOST} boxes of `{}`", of.file.escape_debug())));
            }
            (Some(name), &[x, y, width, height]) => {
                of.boxes.push(BoundingBox { label: name.clone(), x, y, width, height });
            }
            (Some(name), other) => {
                of.unread.push(format!(
                    "annotation {n} (`{}`) has {} numbers in `bbox`",
                    name.escape_debug(),
                    other.len()
                ));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_go_to_their_pictures() {
        let text = r#"{"images": [{"id": 7, "file_name": "a.jpg", "width": 9}, {"id": 8, "file_name": "b.jpg"}],
            "annotations": [{"id": 1, "image_id": 8, "category_id": 2, "bbox": [1, 2, 3, 4.5]}, {"image_id": 7, "category_id": 5},
                {"image_id": 9, "category_id": 2, "bbox": []}, {"image_id": 8, "category_id": 2, "bbox": [1]}],
            "categories": [{"id": 2, "name": "cat", "supercategory": "animal"}]}"#;
        let said = parse_coco(text.as_bytes()).unwrap();
        assert_eq!(said[0].boxes, []);
        assert_eq!(said[0].unread.len(), 2);
        let expected = BoundingBox { label: "cat".into(), x: 1.0, y: 2.0, width: 3.0, height: 4.5 };
        assert_eq!((said[1].file.as_str(), &said[1].boxes[..]), ("b.jpg", &[expected][..]));
        assert!(said[1].unread[0].contains("1 numbers"));
        assert!(parse_coco(b"{\"images\": []}").is_err());
        // Ids as texts, also where the other side writes a number.
        let text = text
            .replace("\"id\": 8", "\"id\": \"8\"")
            .replace("\"category_id\": 2", "\"category_id\": \"2\"");
        assert_eq!(parse_coco(text.as_bytes()).unwrap(), said);
        let error = parse_coco(text.replace("\"id\": 7", "\"id\": [7]").as_bytes()).unwrap_err();
        assert!(error.message.contains("the id `[7]`"), "{error}");
    }
}
