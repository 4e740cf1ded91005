#![no_main]
//! Arbitrary text as a project file: what is accepted can be written and read again, what is refused says why.

use edgewright_engine::project::ProjectFile;
use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match ProjectFile::parse(text, Path::new("edgewright.toml")) {
        Ok(file) => {
            let again = serde_json::to_string(&file);
            assert!(again.is_ok());
        }
        Err(error) => assert!(error.is_usage() && error.to_string().contains("edgewright.toml")),
    }
});
