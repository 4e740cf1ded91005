//! Documents of other programs beside pictures: Pascal VOC, COCO, Create ML, YOLO, tables of boxes.

use super::{
    import::File,
    rules::{file_name, parent_name},
};
use edgewright_sample::{
    Format, Kind,
    boxes::{
        Annotated, parse_box_table, parse_coco, parse_create_ml, parse_voc, parse_yolo, parse_yolo_names,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Largest document, in bytes.
const MAX_DOCUMENT: u64 = 256 << 20;

/// What a document says of a picture.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub annotated: Annotated,
    /// Name of the document below the imported folder.
    pub document: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// What was found beside the pictures of a folder.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    /// By the name of the picture.
    pub of: BTreeMap<String, Said>,
    /// Categories that lists of the data set give, by the name of the picture.
    pub categories: BTreeMap<String, String>,
    /// Names of files that are documents, not data.
    pub documents: BTreeSet<String>,
    /// Documents that cannot be read, with the reason.
    pub broken: BTreeMap<String, String>,
}

/// The pictures below a folder, by their names without ending.
struct Pictures<'f>(BTreeMap<String, Vec<&'f str>>);

fn ending(name: &str) -> String {
    file_name(name).rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase())
}

fn stem(name: &str) -> String {
    let name = file_name(name);
    name.rsplit_once('.').map_or(name, |(s, _)| s).to_lowercase()
}

impl<'f> Pictures<'f> {
    fn of(files: &'f [File]) -> Self {
        let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let is_picture =
            |f: &&File| Format::of_file(&f.name).is_some_and(|format| format.kind() == Kind::Picture);
        for f in files.iter().filter(is_picture) {
            all.entry(stem(&f.name)).or_default().push(&f.name);
        }
        Self(all)
    }

    /// The picture that a document at this place names: of several with that name the one whose folders are most like its own.
    fn find(&self, document: &str, named: &str) -> Option<&'f str> {
        let folders: BTreeSet<&str> = document.split('/').rev().skip(1).collect();
        let wanted: BTreeSet<&str> = named.split('/').rev().skip(1).chain(folders).collect();
        let shared = |name: &str| name.split('/').rev().skip(1).filter(|f| wanted.contains(f)).count();
        let candidates = self.0.get(&stem(named))?;
        candidates.iter().copied().rev().max_by_key(|c| shared(c))
    }
}

/// Looks for documents among the files of a folder with pictures.
pub(super) fn find(files: &[File]) -> Annotations {
    let pictures = Pictures::of(files);
    let mut out = Annotations::default();
    if pictures.0.is_empty() {
        return out;
    }
    let read = |file: &File| -> Option<Vec<u8>> {
        let small = std::fs::metadata(&file.path).is_ok_and(|m| m.len() <= MAX_DOCUMENT);
        small.then(|| std::fs::read(&file.path).ok()).flatten()
    };
    let with =
        |end: &'static [&'static str]| files.iter().filter(move |f| end.contains(&ending(&f.name).as_str()));
    let mut voc = false;
    for file in with(&["xml"]) {
        let Some(bytes) = read(file) else { continue };
        match parse_voc(&bytes) {
            Ok(said) => {
                voc = true;
                let picture = pictures
                    .find(&file.name, &file.name)
                    .or_else(|| pictures.find(&file.name, &said.file).filter(|_| !said.file.is_empty()));
                out.take(file, picture, said);
            }
            Err(e) if pictures.find(&file.name, &file.name).is_some() => out.refuse(file, e.message),
            Err(_) => {}
        }
    }
    if voc {
        out.lists(files, &pictures, &read);
    }
    for file in with(&["json"]) {
        let Some(bytes) = read(file) else { continue };
        let has = |key: &[u8]| bytes.windows(key.len()).any(|w| w == key);
        if has(b"\"annotations\"") && has(b"\"images\"") {
            out.take_all(file, &pictures, parse_coco(&bytes));
        } else if has(b"\"annotation") && has(b"\"coordinates\"") {
            out.take_all(file, &pictures, parse_create_ml(&bytes));
        }
    }
    for file in with(&["csv"]) {
        // Recordings may lie here as well: the names of the columns tell.
        if let Some(said) = read(file).as_deref().and_then(parse_box_table) {
            out.take_all(file, &pictures, said);
        }
    }
    out.yolo(files, &pictures, &read);
    out
}

impl Annotations {
    /// The first document that speaks of a picture is believed.
    fn take(&mut self, file: &File, picture: Option<&str>, annotated: Annotated) {
        self.documents.insert(file.name.clone());
        match picture {
            Some(picture) => {
                let said = Said { annotated, document: file.name.clone(), path: file.path.clone() };
                self.of.entry(picture.to_owned()).or_insert(said);
            }
            None => {
                let reason =
                    format!("there is no picture `{}` among the files", annotated.file.escape_debug());
                self.broken.entry(file.name.clone()).or_insert(reason);
            }
        }
    }

    /// Takes what a document of many pictures says.
    fn take_all(
        &mut self,
        file: &File,
        pictures: &Pictures<'_>,
        said: Result<Vec<Annotated>, edgewright_sample::SampleError>,
    ) {
        match said {
            Ok(all) => {
                for said in all {
                    let picture = pictures.find(&file.name, &said.file);
                    self.take(file, picture, said);
                }
                self.documents.insert(file.name.clone());
            }
            Err(e) => self.refuse(file, e.message),
        }
    }

    fn refuse(&mut self, file: &File, reason: String) {
        self.documents.insert(file.name.clone());
        self.broken.insert(file.name.clone(), reason);
    }

    /// Lists of Pascal VOC: `ImageSets/Main/test.txt` and its kind.
    fn lists(&mut self, files: &[File], pictures: &Pictures<'_>, read: &dyn Fn(&File) -> Option<Vec<u8>>) {
        for file in files.iter().filter(|f| f.name.split('/').any(|p| p == "ImageSets")) {
            self.documents.insert(file.name.clone());
            let category = match (parent_name(&file.name), stem(&file.name).as_str()) {
                (Some("Main"), "train" | "val" | "trainval") => "training",
                (Some("Main"), "test") => "testing",
                _ => continue,
            };
            let bytes = read(file).unwrap_or_default();
            for word in String::from_utf8_lossy(&bytes).lines().filter_map(|l| l.split_whitespace().next()) {
                // A name here has no ending, and may hold dots.
                if let Some(picture) = pictures.find(&file.name, &format!("{word}.")) {
                    self.categories.insert(picture.to_owned(), category.to_owned());
                }
            }
        }
    }

    fn yolo(&mut self, files: &[File], pictures: &Pictures<'_>, read: &dyn Fn(&File) -> Option<Vec<u8>>) {
        let texts: Vec<(&File, &str)> = files
            .iter()
            .filter(|f| ending(&f.name) == "txt" && !self.documents.contains(&f.name))
            .filter_map(|f| Some((f, pictures.find(&f.name, &f.name)?)))
            .collect();
        if texts.is_empty() {
            return;
        }
        let is_names = |name: &str| {
            matches!(file_name(name), "classes.txt" | "obj.names")
                || ["yaml", "yml"].contains(&ending(name).as_str())
        };
        let mut names = Vec::new();
        for file in files.iter().filter(|f| is_names(&f.name)) {
            let found = parse_yolo_names(&read(file).unwrap_or_default());
            if names.is_empty() {
                names = found;
            }
            self.documents.insert(file.name.clone());
        }
        for (file, picture) in texts {
            match parse_yolo(&read(file).unwrap_or_default(), &names) {
                Ok(said) => self.take(file, Some(picture), said),
                Err(e) => self.refuse(file, e.message),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<File>) {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let found = super::super::import::walk(dir.path()).expect("walked").files;
        (dir, found)
    }

    fn labels(found: &Annotations, picture: &str) -> Vec<String> {
        let said = found.of.get(picture).map(|s| &s.annotated.boxes);
        said.into_iter().flatten().map(|b| b.label.clone()).collect()
    }

    const VOC: &str = "<annotation><filename>x.jpg</filename><object><name>cell</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>";

    #[test]
    fn voc_goes_to_the_picture_of_its_name_with_its_list() {
        let (_dir, files) = folder(&[
            ("Annotations/a.b.xml", VOC),
            ("Annotations/bad.xml", "<annotation>"),
            ("ImageSets/Main/test.txt", "a.b\n"),
            ("ImageSets/Layout/test.txt", "nothing"),
            ("JPEGImages/a.b.jpg", ""),
            ("JPEGImages/bad.jpg", ""),
        ]);
        let found = find(&files);
        assert_eq!(labels(&found, "JPEGImages/a.b.jpg"), ["cell"]);
        assert_eq!(found.categories, BTreeMap::from([("JPEGImages/a.b.jpg".into(), "testing".into())]));
        assert_eq!(found.documents.len(), 4);
        assert!(found.broken["Annotations/bad.xml"].contains("ends inside"));
    }

    #[test]
    fn yolo_takes_the_picture_of_the_same_folder_and_names_from_the_set() {
        let (_dir, files) = folder(&[
            ("data.yaml", "names: [dog, cat]"),
            ("test/images/a.png", ""),
            ("test/labels/a.txt", "1 0.5 0.5 0.1 0.1"),
            ("train/images/a.png", ""),
            ("train/labels/a.txt", "0 0.5 0.5 0.1 0.1"),
        ]);
        let found = find(&files);
        assert_eq!(labels(&found, "test/images/a.png"), ["cat"]);
        assert_eq!(labels(&found, "train/images/a.png"), ["dog"]);
        assert_eq!(found.documents.len(), 3);
    }

    #[test]
    fn coco_names_its_pictures_and_other_json_is_left_alone() {
        let coco = r#"{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "gone.jpg"}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}], "categories": [{"id": 1, "name": "car"}]}"#;
        let (_dir, files) =
            folder(&[("a.jpg", ""), ("all.json", coco), ("other.json", "{}"), ("note.txt", "words")]);
        let found = find(&files);
        assert_eq!(labels(&found, "a.jpg"), ["car"]);
        assert_eq!(found.documents, BTreeSet::from(["all.json".to_owned()]));
        assert!(found.broken["all.json"].contains("gone.jpg"));
    }
}
