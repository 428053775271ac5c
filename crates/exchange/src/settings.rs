//! The operator's settings (interface section 1), read once from named values.

/// All settings of one deployment.
#[derive(Clone, Debug, Default)]
pub struct Settings {}
