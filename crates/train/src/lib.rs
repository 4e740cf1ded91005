//! A small, deterministic trainer for small models.
