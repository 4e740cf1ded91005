//! Operator kernels, integer and float, without allocation.
