//! Window, DSP blocks and learning blocks as one value.
