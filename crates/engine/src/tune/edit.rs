//! Keys of one `[[impulse.dsp]]` table in the text of a project file, with comments and order as they were.

/// Sets keys of the table with this number.
///
/// # Errors
/// A sentence that says what to set by hand, where the text cannot be edited without touching something else.
pub(super) fn set_keys(
    text: &str,
    index: usize,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<String, String> {
    let wanted: Vec<String> = settings.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    let by_hand = || {
        format!(
            "the project file cannot be edited here without touching more than these keys; set them by hand: {}",
            wanted.join(", ")
        )
    };
    let parse = |text: &str| text.parse::<toml::Table>().map_err(|_| by_hand());
    let mut expected = parse(text)?;
    let section = expected
        .get_mut("impulse")
        .and_then(|i| i.get_mut("dsp")?.as_array_mut()?.get_mut(index)?.as_table_mut())
        .ok_or_else(by_hand)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let heads: Vec<usize> =
        (0..lines.len()).filter(|&i| lines[i].trim_start().starts_with("[[impulse.dsp]]")).collect();
    let from = *heads.get(index).ok_or_else(by_hand)?;
    for (key, value) in settings {
        let value = toml::Value::try_from(value).map_err(|_| by_hand())?;
        section.insert(key.clone(), value.clone());
        let end =
            (from + 1..lines.len()).find(|&i| lines[i].trim_start().starts_with('[')).unwrap_or(lines.len());
        let is = |line: &str| line.split_once('=').is_some_and(|(k, _)| k.trim() == key);
        match (from + 1..end).find(|&i| is(&lines[i])) {
            Some(at) => {
                let comment = comment(&lines[at]).map(str::to_owned);
                let indent: String = lines[at].chars().take_while(|c| c.is_whitespace()).collect();
                let gap = comment.map_or(String::new(), |c| format!("  {c}"));
                lines[at] = format!("{indent}{key} = {value}{gap}");
            }
            None => {
                let last = (from..end).rfind(|&i| i == from || is_key(&lines[i])).unwrap_or(from);
                lines.insert(last + 1, format!("{key} = {value}"));
            }
        }
    }
    let mut out = lines.join("\n");
    if text.ends_with('\n') {
        out.push('\n');
    }
    // What came out says what was wanted and nothing else.
    if parse(&out)? == expected { Ok(out) } else { Err(by_hand()) }
}

fn is_key(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with('#') && line.contains('=')
}

/// The comment behind a value that holds no `#` itself.
fn comment(line: &str) -> Option<&str> {
    let (mut quoted, mut at) = (None, None);
    for (i, c) in line.char_indices() {
        match (quoted, c) {
            (None, '#') => {
                at = Some(i);
                break;
            }
            (None, '"' | '\'') => quoted = Some(c),
            (Some(q), c) if c == q => quoted = None,
            _ => {}
        }
    }
    at.map(|i| &line[i..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
        json.as_object().expect("an object").clone()
    }

    #[test]
    fn only_the_keys_change() {
        let text = "# top\n[impulse]\nwindow_ms = 100\n\n[[impulse.dsp]]\nblock = \"raw\"\n\n[[impulse.dsp]]   # second\nblock = \"mfe\"\n  fft_length = 256 # samples\nname = 'a # b' # c\n# end\n\n[training]\nfft_length = 3\n";
        let got = set_keys(
            text,
            1,
            &settings(serde_json::json!({"fft_length": 512, "frame_stride": 0.01, "name": "x"})),
        );
        let expected = text
            .replace("  fft_length = 256 # samples", "  fft_length = 512  # samples")
            .replace("name = 'a # b' # c", "name = \"x\"  # c\nframe_stride = 0.01");
        assert_eq!(got.expect("edited"), expected);
    }

    #[test]
    fn what_cannot_be_edited_is_said() {
        for text in [
            "impulse = { dsp = [{ block = \"raw\" }] }\n",
            "[[impulse.dsp]]\nblock = \"custom\"\nprogram = \"\"\"\nfft_length = 3\n\"\"\"\n",
        ] {
            let error = set_keys(text, 0, &settings(serde_json::json!({"fft_length": 8}))).expect_err(text);
            assert!(error.contains("by hand: fft_length = 8"), "{error}");
        }
    }
}
