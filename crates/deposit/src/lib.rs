//! Deposit rules.
