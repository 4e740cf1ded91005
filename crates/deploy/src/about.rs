//! Who made a package and on which terms it may be used.

/// What packages say of their maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Company or person: 1 to 64 letters, digits, spaces, `.`, `-`, `_`.
    pub vendor: String,
    /// Page of the package.
    pub url: String,
    /// Licence of the model: an SPDX expression, or the name of [`About::text`].
    pub licence: String,
    /// Text of a licence that is neither of ours.
    pub text: Option<String>,
}

const MIT: &str = include_str!("../../../LICENSE-MIT");
const APACHE: &str = include_str!("../../../LICENSE-APACHE");

/// Licences whose text every package brings: that of the runtime code in it.
pub const KNOWN: &[&str] = &["MIT", "Apache-2.0", "MIT OR Apache-2.0"];

impl Default for About {
    fn default() -> Self {
        Self {
            vendor: "Edgewright".into(),
            // A name that nobody can own and that leads nowhere, until the project names a page.
            url: "https://edgewright.invalid/".into(),
            licence: "MIT OR Apache-2.0".into(),
            text: None,
        }
    }
}

impl About {
    /// Says what is wrong with it.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || " .-_".contains(c);
        let vendor = &self.vendor;
        if vendor.is_empty()
            || vendor.len() > 64
            || !vendor.chars().all(plain)
            || !vendor.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            return Err(format!(
                "`vendor` is {vendor:?}; it must be 1 to 64 letters, digits, spaces, `.`, `-` or `_`, and begin with a letter or digit"
            ));
        }
        let url = &self.url;
        let page = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let clean = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}&'".contains(c);
        if url.len() > 200 || !page.is_some_and(|p| !p.is_empty() && p.chars().all(clean)) {
            return Err(format!(
                "`url` is {url:?}; it must begin with https:// or http:// and hold at most 200 characters without spaces and quotes"
            ));
        }
        let licence = &self.licence;
        let word = |c: char| c.is_ascii_alphanumeric() || " .-+()".contains(c);
        if licence.trim().is_empty() || licence.len() > 100 || !licence.chars().all(word) {
            return Err(format!(
                "`licence` is {licence:?}; it must be an SPDX expression such as \"MIT\" or \"LicenseRef-Acme\""
            ));
        }
        match &self.text {
            None if !KNOWN.contains(&licence.as_str()) => Err(format!(
                "`licence` is {licence:?}, whose text is not known here; name a file with it in `licence_file`, or take one of {}",
                KNOWN.join(", ")
            )),
            Some(text) if text.trim().is_empty() => Err("the file of `licence_file` is empty".into()),
            _ => Ok(()),
        }
    }

    /// The vendor as a part of file names and identifiers: no spaces and dots.
    pub(crate) fn id(&self) -> String {
        self.vendor.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }

    /// The page of a package, below the vendor's.
    pub(crate) fn page(&self, prefix: &str) -> String {
        format!("{}/{prefix}", self.url.trim_end_matches('/'))
    }

    /// Files with the terms: `LICENSE` for the whole, and the texts of the runtime code's two licences.
    pub(crate) fn files(&self) -> [(&'static str, String); 3] {
        let own = match (&self.text, self.licence.as_str()) {
            (Some(text), _) => format!(
                "{}\n\n----\n\nThe runtime code in these files is part of Edgewright and may be used under the terms of LICENSE-MIT or LICENSE-APACHE.\n",
                text.trim_end()
            ),
            (None, "MIT") => MIT.to_owned(),
            (None, "Apache-2.0") => APACHE.to_owned(),
            _ => format!(
                "SPDX-License-Identifier: {}\n\nAt your choice under the terms of LICENSE-MIT or of LICENSE-APACHE, which lie beside this file.\n",
                self.licence
            ),
        };
        [("LICENSE", own), ("LICENSE-MIT", MIT.to_owned()), ("LICENSE-APACHE", APACHE.to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_refused_by_name() {
        assert_eq!(About::default().check(), Ok(()));
        let with = |change: &dyn Fn(&mut About)| {
            let mut about = About::default();
            change(&mut about);
            about.check()
        };
        for (change, word) in [
            (&(|a: &mut About| a.vendor = "A<B".into()) as &dyn Fn(&mut About), "vendor"),
            (&|a| a.vendor = String::new(), "vendor"),
            (&|a| a.url = "ftp://x".into(), "url"),
            (&|a| a.url = "https://x/\"".into(), "url"),
            (&|a| a.licence = "LicenseRef-Acme".into(), "licence_file"),
            (&|a| a.licence = "a\nb".into(), "licence"),
            (&|a| a.text = Some("  ".into()), "licence_file"),
        ] {
            let words = with(change).expect_err("refused");
            assert!(words.contains(word), "{words}");
        }
        let own = |a: &mut About| {
            a.licence = "LicenseRef-Acme".into();
            a.text = Some("All rights reserved.".into());
        };
        assert_eq!(with(&own), Ok(()));
    }
}
