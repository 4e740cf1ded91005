//! The kinds of files that are read, each declared once: name, endings, media type, title. Help, messages, the Studio and the server take
//! theirs from here.

/// What a file of a format is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A time series of its own.
    Recording,
    /// Rows and columns: [`crate::CsvOptions`] say how they are read.
    Table,
    /// A picture.
    Picture,
}

/// A kind of file this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RIFF WAVE audio.
    Wav,
    /// Free Lossless Audio Codec.
    Flac,
    /// Text table: CSV, TSV, `;` or white space between cells.
    Csv,
    /// Table as JSON Lines: an object or an array a line.
    JsonLines,
    /// Table as Apache Parquet.
    Parquet,
    /// NumPy array.
    Npy,
    /// NumPy arrays in an archive, with labels among them.
    Npz,
    /// Acquisition document as JSON.
    Json,
    /// Acquisition document as CBOR, also with binary values behind the header.
    Cbor,
    /// Portable Network Graphics.
    Png,
    /// JPEG picture.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// Record of the WFDB library: an archive of its files, see [`crate::wfdb`].
    Wfdb,
}

/// What is declared of a format.
struct Facts {
    name: &'static str,
    title: &'static str,
    /// Lower case; the first is the usual one.
    endings: &'static [&'static str],
    media_type: &'static str,
    kind: Kind,
}

impl Format {
    /// Every format, in the order in which they are listed for people.
    pub const ALL: [Self; 13] = [
        Self::Wav,
        Self::Flac,
        Self::Csv,
        Self::JsonLines,
        Self::Parquet,
        Self::Npy,
        Self::Npz,
        Self::Json,
        Self::Cbor,
        Self::Png,
        Self::Jpeg,
        Self::Bmp,
        Self::Wfdb,
    ];

    const fn facts(self) -> Facts {
        const fn facts(
            name: &'static str,
            title: &'static str,
            endings: &'static [&'static str],
            media_type: &'static str,
            kind: Kind,
        ) -> Facts {
            Facts { name, title, endings, media_type, kind }
        }
        use Kind::{Picture, Recording, Table};
        match self {
            Self::Wav => facts("wav", "WAV", &["wav", "wave"], "audio/wav", Recording),
            Self::Flac => facts("flac", "FLAC", &["flac"], "audio/flac", Recording),
            Self::Csv => facts("csv", "CSV and TSV", &["csv", "tsv", "txt"], "text/csv", Table),
            Self::JsonLines => {
                facts("jsonl", "JSON Lines", &["jsonl", "ndjson"], "application/x-ndjson", Table)
            }
            Self::Parquet => {
                facts("parquet", "Parquet", &["parquet", "pq"], "application/vnd.apache.parquet", Table)
            }
            Self::Npy => facts("npy", "NPY", &["npy"], "application/octet-stream", Recording),
            Self::Npz => facts("npz", "NPZ", &["npz"], "application/zip", Recording),
            Self::Json => facts("json", "acquisition JSON", &["json"], "application/json", Recording),
            Self::Cbor => facts("cbor", "acquisition CBOR", &["cbor"], "application/cbor", Recording),
            Self::Png => facts("png", "PNG", &["png"], "image/png", Picture),
            Self::Jpeg => facts("jpeg", "JPEG", &["jpg", "jpeg"], "image/jpeg", Picture),
            Self::Bmp => facts("bmp", "BMP", &["bmp", "dib"], "image/bmp", Picture),
            Self::Wfdb => {
                facts("wfdb", "WFDB records", &["wfdb", "hea"], "application/octet-stream", Recording)
            }
        }
    }

    /// Lower-case name, as used in messages and in `--format`.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        self.facts().title
    }

    /// Media type of a file as it was received.
    pub fn media_type(self) -> &'static str {
        self.facts().media_type
    }

    /// What a file of it is made of.
    pub fn kind(self) -> Kind {
        self.facts().kind
    }

    /// The format with this name or file extension, in any case; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(|f| is(f.name()) || f.facts().endings.iter().copied().any(is))
    }

    /// The format of a file by its ending alone; `None` when that says nothing.
    pub fn of_file(name: &str) -> Option<Self> {
        extension(name).and_then(Self::from_name)
    }

    /// The titles of all formats as a sentence goes on: `WAV, FLAC and PNG`.
    pub fn titles() -> String {
        joined(Self::ALL.map(Self::title), "and")
    }

    /// The names of all formats: `wav, flac or png`.
    pub fn names() -> String {
        joined(Self::ALL.map(Self::name), "or")
    }

    /// The endings of all formats.
    pub fn endings() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().flat_map(|f| f.facts().endings.iter().copied())
    }
}

fn joined<const N: usize>(words: [&str; N], last: &str) -> String {
    match words.split_last() {
        Some((end, before)) if !before.is_empty() => format!("{} {last} {end}", before.join(", ")),
        _ => words.concat(),
    }
}

/// Text behind the last dot of the last part of a path.
pub(crate) fn extension(name: &str) -> Option<&str> {
    let file = name.rsplit(['/', '\\']).next()?;
    file.rsplit_once('.').map(|(_, extension)| extension)
}
