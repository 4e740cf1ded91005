//! The fields of an acquisition document, read straight into 32-bit floats.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Part of the message of a value that is infinite, not a number, or beyond 32-bit floats; tells its error kind apart.
pub(super) const NOT_FINITE: &str = "is not a finite 32-bit number";

#[derive(Deserialize)]
pub(super) struct Document {
    pub protected: Protected,
    #[serde(default)]
    pub signature: Option<String>,
    pub payload: Payload,
}

#[derive(Deserialize)]
pub(super) struct Protected {
    pub ver: String,
    pub alg: String,
    #[serde(default)]
    pub iat: Option<Number>,
}

#[derive(Deserialize)]
pub(super) struct Payload {
    #[serde(default)]
    pub device_name: Option<String>,
    #[serde(default)]
    pub device_type: Option<String>,
    pub interval_ms: Number,
    pub sensors: Vec<Sensor>,
    pub values: Values,
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, Text>>,
}

#[derive(Deserialize)]
pub(super) struct Sensor {
    pub name: String,
    #[serde(default)]
    pub units: Option<String>,
}

/// A number written as an integer or a float; CBOR tells them apart.
pub(super) struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A metadata value as text. Lists and objects are not kept: nothing shows them, and a tree of values takes many times
/// the memory of its file.
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text or a number")
            }

            fn visit_str<E>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(String::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text("[...]".into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text("{...}".into()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// The field `values` in the three shapes it has.
pub(super) enum Values {
    Flat(Vec<f32>),
    Rows { width: usize, values: Vec<f32> },
    Reference(String),
}

/// What one element of `values` was.
enum Element {
    Number,
    Row(usize),
    Text(String),
}

/// Reads one element of `values` and appends its numbers to `out`.
struct ElementSeed<'a> {
    out: &'a mut Vec<f32>,
    /// From 1.
    row: usize,
    /// From 1; `None` for the element of a flat array.
    column: Option<usize>,
}

impl ElementSeed<'_> {
    fn place(&self) -> String {
        match self.column {
            Some(column) => format!("values: row {}, column {column}", self.row),
            None => format!("values: row {}", self.row),
        }
    }
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a number in {}", self.place())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Element, E> {
        let narrow = value as f32;
        if !narrow.is_finite() {
            return Err(E::custom(format!("{}: {value} {NOT_FINITE}", self.place())));
        }
        self.out.push(narrow);
        Ok(Element::Number)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Element, E> {
        self.out.push(value as f32);
        Ok(Element::Number)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Element, E> {
        self.out.push(value as f32);
        Ok(Element::Number)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Element, E> {
        Err(E::custom(format!("{} is null; a value is missing", self.place())))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Element, E> {
        if self.column.is_some() {
            return Err(E::invalid_type(serde::de::Unexpected::Str(text), &self));
        }
        Ok(Element::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
        if self.column.is_some() {
            return Err(A::Error::custom(format!("{} is an array; rows hold numbers", self.place())));
        }
        let mut width = 0;
        let row = self.row;
        while let Some(element) =
            seq.next_element_seed(ElementSeed { out: &mut *self.out, row, column: Some(width + 1) })?
        {
            debug_assert!(matches!(element, Element::Number));
            width += 1;
        }
        Ok(Element::Row(width))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of rows or numbers in `values`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        let mut shape: Option<Element> = None;
        let mut row = 0;
        loop {
            row += 1;
            let Some(element) = seq.next_element_seed(ElementSeed { out: &mut values, row, column: None })?
            else {
                break;
            };
            match (&shape, element) {
                (None, first) => shape = Some(first),
                (Some(Element::Number), Element::Number) => {}
                (Some(Element::Row(width)), Element::Row(n)) if *width == n => {}
                (Some(Element::Row(width)), Element::Row(n)) => {
                    return Err(A::Error::custom(format!(
                        "values: row {row} has {n} numbers, row 1 has {width}"
                    )));
                }
                (Some(_), _) => {
                    return Err(A::Error::custom(format!("values: row {row} is not of the kind of row 1")));
                }
            }
        }
        Ok(match shape {
            None | Some(Element::Number) => Values::Flat(values),
            Some(Element::Row(width)) => Values::Rows { width, values },
            Some(Element::Text(text)) => Values::Reference(text),
        })
    }
}
