//! Edge shell.
