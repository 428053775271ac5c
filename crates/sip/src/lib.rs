//! SIP rules: grammar, transactions, dialogs, calls and user agents.
//!
//! Sans-IO: bytes and time come in, bytes, events and the next wake-up go out. There is no socket, no
//! clock, no randomness and no web type here, so that the same rules run in the browser, at the edge
//! and in a native gateway. The grammar of RFC 3261 is checked by a library that nothing outside this
//! crate sees.

#![warn(clippy::arithmetic_side_effects)]

pub mod address;
mod asserted;
pub mod call;
pub mod credentials;
pub mod dialog;
pub mod digest;
pub mod diversion;
mod header;
pub mod message;
pub mod message_summary;
mod method;
mod name_addr;
mod param;
mod request;
mod response;
pub mod sdp;
pub mod seed;
pub mod session_info;
mod text;
pub mod transaction;
mod uri;
pub mod user_agent;
mod verdict;
mod via;
pub mod websocket;

pub use address::{Address, AddressError, DialPlan};
pub use header::Headers;
pub use message::{Message, ParseError};
pub use method::Method;
pub use name_addr::{NameAddr, NameAddrError};
pub use param::{Param, Params};
pub use request::Request;
pub use response::Response;
pub use uri::{Scheme, Uri, UriError};
pub use via::{Via, ViaError};
