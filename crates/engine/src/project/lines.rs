//! Where in its text a project file says something.

use super::Project;
use serde::Deserialize;
use toml::{Spanned, Value};

#[derive(Deserialize)]
struct File {
    impulse: Impulse,
}

#[derive(Deserialize)]
struct Impulse {
    learn: Vec<Learn>,
}

#[derive(Deserialize)]
struct Learn {
    #[serde(default)]
    layers: Vec<Spanned<Value>>,
}

impl Project {
    /// Line, from 1, on which a layer of a learning block begins, both counted from 0; nothing when the file does not have it.
    pub(crate) fn line_of_layer(&self, block: usize, layer: usize) -> Option<usize> {
        let file: File = toml::from_str(&self.text).ok()?;
        let start = file.impulse.learn.get(block)?.layers.get(layer)?.span().start;
        Some(self.text.get(..start)?.matches('\n').count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_layer_is_found_in_whatever_form_it_is_written() {
        let text = "# a project\n[[impulse.learn]]\nkind = \"anomaly\"\n\n[[impulse.learn]]\nkind = \"classifier\"\nlayers = [\n  \
                    { type = \"dense\", units = 4 }, { type = \"flatten\" },\n  # the last\n  { type = \"dense\", units = 2 },\n]\n\n\
                    [[impulse.learn]]\nkind = \"regression\"\n[[impulse.learn.layers]]\ntype = \"flatten\"\n";
        let project = Project::parse(Path::new("somewhere"), text).expect("a project");
        let lines: Vec<_> = (0..4).map(|layer| project.line_of_layer(1, layer)).collect();
        assert_eq!(lines, [Some(8), Some(8), Some(10), None]);
        assert_eq!(project.line_of_layer(0, 0), None);
        assert!(matches!(project.line_of_layer(2, 0), Some(15 | 16)));
    }
}
