//! SIP rules.
