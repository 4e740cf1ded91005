//! YOLO: one text file a picture, a line per object: class, centre and size in shares of the picture.

use super::{Annotated, MOST, bounded, error};
use crate::{SampleError, labels::BoundingBox};

/// Reads the objects of a picture. `names` holds the name of each class; a class beyond is called by its number.
///
/// # Errors
/// `box_file` naming the line when it is not text, or a line does not begin with a whole number and go on with four numbers in 0..=1
/// (a line may hold more behind them, such as a score).
pub fn parse_yolo(bytes: &[u8], names: &[String]) -> Result<Annotated, SampleError> {
    let text = std::str::from_utf8(bytes).map_err(|_| error("not UTF-8 text".into()))?;
    let mut out = Annotated { relative: true, ..Annotated::default() };
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    bounded("labels", lines.clone().count())?;
    for (n, line) in lines {
        let wrong =
            || error(format!("line {}: not `class x y width height` with shares of the picture", n + 1));
        let mut words = line.split_whitespace();
        let class: usize = words.next().and_then(|w| w.parse().ok()).ok_or_else(wrong)?;
        let numbers: Option<Vec<f64>> = words.map(|w| w.parse().ok()).collect();
        let [x, y, width, height] = match numbers.as_deref() {
            Some(&[x, y, w, h]) | Some(&[x, y, w, h, _]) => [x, y, w, h],
            // A polygon is no box.
            _ => return Err(wrong()),
        };
        if ![x, y, width, height].iter().all(|v| (-0.01..=1.01).contains(v)) {
            return Err(wrong());
        }
        out.boxes.push(BoundingBox {
            label: names.get(class).cloned().unwrap_or_else(|| class.to_string()),
            x: x - width / 2.0,
            y: y - height / 2.0,
            width,
            height,
        });
    }
    Ok(out)
}

/// Names of classes: one a line (`classes.txt`, `obj.names`), or those under `names:` of a `data.yaml` (a list in brackets or dashes, or
/// numbers with names, in braces or on lines of their own). A number without a name is called by itself.
pub fn parse_yolo_names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let Some(at) = text.lines().position(|l| l.trim_start().starts_with("names:")) else {
        return text.lines().map(plain).filter(|l| !l.is_empty()).collect();
    };
    let mut lines = text.lines().skip(at).map(|l| without_comment(l).trim()).filter(|l| !l.is_empty());
    let first = lines.next().unwrap_or("").trim_start_matches("names:").trim();
    let (open, close) = match first.chars().next() {
        Some('[') => ('[', ']'),
        Some('{') => ('{', '}'),
        _ => {
            let named = |l: &&str| l.starts_with('-') || numbered(l).is_some();
            return in_order(lines.take_while(named).map(|l| match l.strip_prefix('-') {
                Some(name) => (None, plain(name)),
                None => numbered(l).unwrap_or_default(),
            }));
        }
    };
    let mut list = first.trim_start_matches(open).to_owned();
    for line in lines {
        if list.contains(close) {
            break;
        }
        list.push_str(line);
    }
    let inner = list.split(close).next().unwrap_or("");
    let entries = inner.split(',').filter(|e| !e.trim().is_empty());
    in_order(entries.map(|e| match numbered(e).filter(|_| open == '{') {
        Some(entry) => entry,
        None => (None, plain(e)),
    }))
}

fn plain(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

/// `3: name`.
fn numbered(entry: &str) -> Option<(Option<usize>, String)> {
    let (number, name) = entry.split_once(':')?;
    Some((Some(plain(number).parse().ok()?), plain(name)))
}

/// A line of YAML up to its comment, which begins with `#` behind white space and outside of quotes.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '#' && before.is_whitespace() => return &line[..at],
            None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => quote = Some(c),
            None => {}
        }
        before = c;
    }
    line
}

/// Names by the number of their class, or in their order.
fn in_order(entries: impl Iterator<Item = (Option<usize>, String)>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, name) in entries {
        let at = number.unwrap_or(names.len());
        // No set has so many classes, and one number must not fill the memory.
        if at >= MOST {
            continue;
        }
        while names.len() <= at {
            names.push(names.len().to_string());
        }
        names[at] = name;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_become_corners() {
        let a =
            parse_yolo(b"1 0.5 0.5 0.25 0.5\n\n3 0.1 0.1 0.2 0.2 0.9\n", &["a".into(), "b".into()]).unwrap();
        let expected = BoundingBox { label: "b".into(), x: 0.375, y: 0.25, width: 0.25, height: 0.5 };
        assert_eq!(a.boxes[0], expected);
        assert_eq!(a.boxes[1].label, "3");
        assert!(a.relative && parse_yolo(b"", &[]).unwrap().boxes.is_empty());
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "x 0.5 0.5 0.5 0.5",
            "0 0.5 0.5 0.5",
            "0 1 2 3 4",
            "0 0.1 0.1 0.2 0.2 0.3 0.3",
            "0 nan 0 0 0",
            "-1 0 0 0 0",
        ] {
            assert!(parse_yolo(text.as_bytes(), &[]).is_err(), "{text}");
        }
        assert!(parse_yolo(b"\xff\xfe", &[]).is_err());
    }

    #[test]
    fn names_are_found_in_each_form() {
        let expected = ["RBC", "WBC"];
        for text in [
            "RBC\nWBC\n",
            "nc: 2\nnames: ['RBC', \"WBC\"]\n",
            "names: [RBC,\n WBC]",
            "path: x\nnames:\n  - RBC\n  - WBC\nroboflow: 1",
            "names:\n  0: RBC\n  1: WBC\n",
            "nc: 2\nnames: {0: RBC, 1: 'WBC'}\n",
            "names: {1: WBC, # white\n 0: RBC}",
            "# cells\nnames: # two\n  0: RBC  # red\n\n  # and\n  1: 'WBC' # white\nnc: 2\n",
            "names:\n  - RBC # red\n  - WBC\n",
            "names: [RBC, WBC] # both\n",
        ] {
            assert_eq!(parse_yolo_names(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse_yolo_names(b"names: {2: \"c # 1\", 0: a#b}"), ["a#b", "1", "c # 1"]);
        assert_eq!(parse_yolo_names(b"names:\n  0: man's\n  99999999: far\n"), ["man's"]);
    }
}
