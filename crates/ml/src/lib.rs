//! Classical learning, metrics and statistics.
