//! A container image of the server, as files: the image layout of the Open Container Initiative, written without a daemon.

use crate::{
    DeployError, Library, VERSION, linux, seal,
    text::{json, sha256},
};
use edgewright_compile::FileTree;

/// Processor that an image is for, in the words of image indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine<'a> {
    /// Such as `amd64`, `arm64`, `arm`.
    pub architecture: &'a str,
    /// Such as `v7`; empty where there is none.
    pub variant: &'a str,
}

/// Nobody: a user without rights, by the number that images without a user's file have.
const USER: u64 = 65532;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Not compressed: its hash depends on no version of a compressor.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Adds a blob by its hash. Its descriptor, less what only some have.
fn blob(tree: &mut FileTree, media: &str, bytes: Vec<u8>) -> String {
    let hash = sha256(&bytes);
    let descriptor =
        format!("\"mediaType\":\"{media}\",\"digest\":\"sha256:{hash}\",\"size\":{}", bytes.len());
    tree.insert(format!("image/blobs/sha256/{hash}"), bytes);
    descriptor
}

/// Files as a tape archive: in order of path, all of one owner and one time.
fn tar(files: &FileTree) -> Result<Vec<u8>, DeployError> {
    let mut out = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(if bytes.starts_with(b"\x7fELF") { 0o755 } else { 0o644 });
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        out.append_data(&mut header, path, bytes.as_slice())?;
    }
    Ok(out.into_inner()?)
}

/// The package around a server that was built for a machine: the layout of its image in `image/`.
///
/// # Errors
/// [`DeployError::Io`] when a name is too long for an archive.
pub fn image(library: &Library<'_>, machine: Machine<'_>, program: Vec<u8>) -> Result<FileTree, DeployError> {
    let about = library.about;
    let mut root = FileTree::from([("server".to_owned(), program)]);
    for (name, text) in about.files() {
        root.insert(format!("licences/{name}"), text.into_bytes());
    }
    let layer = tar(&root)?;
    let diff = sha256(&layer);
    let variant = match machine.variant {
        "" => String::new(),
        v => format!(",\"variant\":\"{v}\""),
    };
    let platform = format!("\"architecture\":\"{}\",\"os\":\"linux\"{variant}", machine.architecture);
    let notes = format!(
        "{{\"org.opencontainers.image.title\":{},\"org.opencontainers.image.version\":{},\"org.opencontainers.image.vendor\":{},\"org.opencontainers.image.url\":{},\"org.opencontainers.image.licenses\":{}}}",
        json(library.prefix),
        json(VERSION),
        json(&about.vendor),
        json(&about.page(library.prefix)),
        json(&about.licence)
    );
    let config = format!(
        "{{\"created\":\"1970-01-01T00:00:00Z\",{platform},\"config\":{{\"User\":\"{USER}:{USER}\",\"ExposedPorts\":{{\"1337/tcp\":{{}}}},\"Entrypoint\":[\"/server\"],\"Cmd\":[\"--listen\",\"0.0.0.0:1337\"],\"WorkingDir\":\"/\",\"Labels\":{notes}}},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[\"sha256:{diff}\"]}},\"history\":[{{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"edgewright {VERSION}\"}}]}}"
    );
    let mut tree = FileTree::new();
    let layer = blob(&mut tree, LAYER, layer);
    let config = blob(&mut tree, CONFIG, config.into_bytes());
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{MANIFEST}\",\"config\":{{{config}}},\"layers\":[{{{layer}}}],\"annotations\":{notes}}}"
    );
    let manifest = blob(&mut tree, MANIFEST, manifest.into_bytes());
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{{{manifest},\"platform\":{{{platform}}},\"annotations\":{{\"org.opencontainers.image.ref.name\":\"latest\"}}}}]}}"
    );
    tree.insert("image/index.json".into(), index.into_bytes());
    tree.insert("image/oci-layout".into(), b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec());
    let start = format!(
        "skopeo copy oci:image:latest docker-daemon:{p}:latest   # or: podman load, of `tar -C image -c .`\ndocker run --rm -p 127.0.0.1:1337:1337 {p}:latest",
        p = library.prefix
    );
    tree.insert("README.md".into(), linux::page(library, &start).into_bytes());
    Ok(seal::sealed(library, &seal::OCI, tree))
}
