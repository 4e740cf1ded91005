//! Metadata on SQLite and blobs by content hash.
