//! Finds and runs compilers and emulators.
