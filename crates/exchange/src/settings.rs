//! The operator's settings (interface section 1), read once from named values.
