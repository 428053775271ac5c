//! What the telephone exchange decides: lines, ringing, voicemail, sessions, uploads, mailboxes and
//! notifications. It does no input or output of its own.
//!
//! Every object gets a request ([`http::Request`], [`signal::Signal`] or a SIP frame), the time and a
//! [`sql::Sql`], runs inside one synchronous transaction and gives back an answer and a list of
//! [`effect::Effect`]s. The shell commits the transaction first and carries the effects out after it.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod context;
pub mod directory;
pub mod effect;
pub mod flow;
pub mod front;
pub mod http;
pub mod json;
pub mod line;
pub mod mailbox;
pub mod network;
pub mod object;
pub mod openapi;
pub mod problem;
pub mod rendition;
pub mod settings;
pub mod signal;
pub mod sql;
pub mod trace;
pub mod upload;
pub mod upstream;
pub mod wakeup;

#[cfg(test)]
mod simulation;
#[cfg(test)]
pub(crate) mod testing;
