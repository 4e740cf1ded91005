//! Columns of our own making as text and as Apache Parquet, for other programs.

#[cfg(feature = "parquet")]
mod parquet;

/// Values of a column, all columns of a table having as many.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; a missing one, and one that is none, is an empty cell.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// Its values.
    pub values: Values,
}

impl Column {
    /// A column of numbers, none missing.
    pub fn numbers(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), values: Values::Numbers(values.into_iter().map(Some).collect()) }
    }

    /// A column of texts, none missing.
    pub fn texts<T: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(|v| Some(v.into())).collect();
        Self { name: name.into(), values: Values::Texts(values) }
    }

    fn rows(&self) -> usize {
        match &self.values {
            Values::Numbers(v) => v.len(),
            Values::Texts(v) => v.len(),
        }
    }
}

fn quoted(text: &str) -> String {
    // A text that a spreadsheet would take for a formula stays a text.
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// A table as CSV with a header (RFC 4180): numbers so that they are read back the same, cells that hold nothing left empty.
pub fn csv(columns: &[Column]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let mut out = line(columns.iter().map(|c| quoted(&c.name)).collect());
    for row in 0..columns.iter().map(Column::rows).max().unwrap_or(0) {
        let cell = |c: &Column| match &c.values {
            Values::Numbers(v) => {
                let number = v.get(row).copied().flatten().filter(|n| n.is_finite());
                number.map(|n| n.to_string()).unwrap_or_default()
            }
            Values::Texts(v) => v.get(row).and_then(Option::as_deref).map(quoted).unwrap_or_default(),
        };
        out.push_str(&line(columns.iter().map(cell).collect()));
    }
    out
}

/// A table as Parquet: numbers as doubles, texts as UTF-8, both with nulls, packed with Snappy.
///
/// # Errors
/// [`crate::SampleError`] for a table whose columns are of different lengths.
#[cfg(feature = "parquet")]
pub fn to_parquet(columns: &[Column]) -> Result<Vec<u8>, crate::SampleError> {
    let rows = columns.first().map_or(0, Column::rows);
    if let Some(other) = columns.iter().find(|c| c.rows() != rows) {
        return Err(crate::SampleError::new(
            "parquet",
            format!("column `{}` has {} values, the first has {rows}", other.name, other.rows()),
        ));
    }
    parquet::write(columns).map_err(|e| crate::SampleError::new("parquet", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Column> {
        vec![
            Column::texts("name", ["a,b", "say \"no\"", "=1+1"]),
            Column { name: "x".into(), values: Values::Numbers(vec![Some(0.1), None, Some(f64::NAN)]) },
            Column {
                name: "why".into(),
                values: Values::Texts(vec![None, Some("two\nlines".into()), Some("-5".into())]),
            },
        ]
    }

    #[test]
    fn text_is_quoted_where_it_must_be() {
        let expected = "name,x,why\r\n\"a,b\",0.1,\r\n\"say \"\"no\"\"\",,\"two\nlines\"\r\n'=1+1,,-5\r\n";
        assert_eq!(csv(&table()), expected);
        assert_eq!(csv(&[]), "\r\n");
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn parquet_is_read_back_by_our_own_reader() {
        use crate::{Content, DecodeOptions, decode};
        let columns = vec![
            Column::numbers("x", (0..300).map(f64::from)),
            Column::numbers("y", (0..300).map(|i| f64::from(i) * 0.25)),
        ];
        let bytes = to_parquet(&columns).expect("written");
        assert_eq!(bytes, to_parquet(&columns).expect("written"), "the same table, the same bytes");
        let decoded = decode("t.parquet", &bytes, &DecodeOptions::default()).expect("read");
        let mut read = Vec::new();
        for sample in &decoded {
            let Content::Signal(signal) = &sample.content else { panic!("{:?}", sample.content) };
            assert_eq!(signal.axes.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
            read.extend_from_slice(&signal.values);
        }
        assert_eq!((read.len(), &read[..4]), (600, &[0.0, 0.0, 1.0, 0.25][..]));
        assert!(to_parquet(&table()).is_ok());
        let uneven = [Column::numbers("x", [1.0]), Column::numbers("y", [1.0, 2.0])];
        assert!(to_parquet(&uneven).expect_err("uneven").to_string().contains("`y` has 2"));
    }
}
