//! Packages of emitted code.
