//! Golden small files of every format, each built by the test itself, through the public door.

mod acquisition;
mod arrays;
mod audio;
mod build;
mod foreign;
mod labels;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod picture;
mod robust;
mod table;
mod wfdb;

use edgewright_sample::{Content, DecodeOptions, Decoded, Format, Signal, decode};

/// Pages that no code of ours writes tell of every format all the same.
#[test]
fn every_format_is_told_of() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for page in ["README.md", "studio/src/features/data/Upload.svelte"] {
        let text = std::fs::read_to_string(root.join(page)).expect("a page of this repository");
        for format in Format::ALL {
            assert!(text.contains(format.title()), "{page} does not tell of {}", format.title());
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
    }
    assert_eq!((Format::of_file("a/b.WAVE"), Format::of_file("wav/x")), (Some(Format::Wav), None));
}

/// The signal of the only sample in a file.
fn signal(decoded: &Decoded) -> &Signal {
    match &decoded.content {
        Content::Signal(signal) => signal,
        Content::Image(_) => panic!("a signal was expected"),
    }
}

fn kinds(decoded: &Decoded) -> Vec<&str> {
    decoded.findings.iter().map(|f| f.kind.as_str()).collect()
}

/// The file is refused with this kind, and the message has these words.
#[track_caller]
fn refused(name: &str, bytes: &[u8], options: &DecodeOptions, kind: &str, words: &str) {
    match decode(name, bytes, options) {
        Ok(samples) => panic!("`{kind}` was expected, got {samples:?}"),
        Err(error) => {
            assert_eq!(error.kind, kind, "{}", error.message);
            assert!(error.message.contains(words), "`{words}` is not in `{}`", error.message);
        }
    }
}
