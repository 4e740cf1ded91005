//! From an impulse to C: memory plan and emission.
