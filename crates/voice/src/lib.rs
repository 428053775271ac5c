//! Sound rules.
