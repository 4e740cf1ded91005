//! Where labels and groups come from.

use crate::EngineError;
use regex::Regex;

/// Where the label of a file comes from.
#[derive(Clone, Debug)]
pub enum LabelRule {
    /// No label.
    None,
    /// `info.labels` when there is one, else the folder when files lie in folders below the given one, else the name.
    Auto,
    /// The same label for all.
    Fixed(String),
    /// The folder that holds the file.
    Folder,
    /// The name before the first `.`, or the first group of the expression.
    Name(Option<Regex>),
    /// A column of a table.
    Column(String),
    /// `info.labels` beside the files.
    Sidecar,
}

/// Where the group of a file comes from.
#[derive(Clone, Debug)]
pub enum GroupRule {
    /// No groups, but for what the file itself says.
    None,
    /// The folder that holds the file.
    Folder,
    /// The first group of the expression (or its whole match) on the path.
    Pattern(Regex),
    /// A column of a table.
    Column(String),
}

fn pattern(text: &str) -> Result<Regex, EngineError> {
    Regex::new(text).map_err(|e| EngineError::Usage(format!("the expression `{text}` cannot be used: {e}")))
}

impl LabelRule {
    /// Reads `folder`, `name`, `name:REGEX`, `column:NAME` or `sidecar`.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for anything else.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        Ok(match text.split_once(':') {
            None if text == "folder" => Self::Folder,
            None if text == "name" => Self::Name(None),
            None if text == "sidecar" => Self::Sidecar,
            None if text == "auto" => Self::Auto,
            Some(("name", re)) => Self::Name(Some(pattern(re)?)),
            Some(("column", name)) if !name.is_empty() => Self::Column(name.into()),
            _ => {
                return Err(EngineError::Usage(format!(
                    "`{text}` says no place for labels; use folder, name, name:REGEX, column:NAME or sidecar"
                )));
            }
        })
    }
}

impl GroupRule {
    /// Reads `folder`, `regex:RE` or `column:NAME`.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for anything else.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        Ok(match text.split_once(':') {
            None if text == "folder" => Self::Folder,
            Some(("regex", re)) => Self::Pattern(pattern(re)?),
            Some(("column", name)) if !name.is_empty() => Self::Column(name.into()),
            _ => {
                return Err(EngineError::Usage(format!(
                    "`{text}` says no place for groups; use folder, regex:RE or column:NAME"
                )));
            }
        })
    }

    /// The group of the file at this path (with `/` between parts).
    pub fn of_path(&self, path: &str) -> Option<String> {
        match self {
            Self::None | Self::Column(_) => None,
            Self::Folder => parent_name(path).map(str::to_owned),
            Self::Pattern(re) => {
                re.captures(path).and_then(|c| c.get(1).or_else(|| c.get(0))).map(|m| m.as_str().to_owned())
            }
        }
    }
}

/// Name of the folder that holds a file.
pub fn parent_name(path: &str) -> Option<&str> {
    path.rsplit('/').nth(1).filter(|p| !p.is_empty())
}

/// Name of the file without its folders.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_from_the_path() {
        let rule = GroupRule::parse("regex:_([a-z]+)_").expect("parsed");
        assert_eq!(rule.of_path("recordings/0_jackson_12.wav").as_deref(), Some("jackson"));
        assert_eq!(rule.of_path("recordings/noise.wav"), None);
        assert_eq!(GroupRule::Folder.of_path("a/b/c.wav").as_deref(), Some("b"));
        assert!(GroupRule::parse("regex:(").is_err());
        assert!(LabelRule::parse("flder").is_err());
    }
}
