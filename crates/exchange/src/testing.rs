//! What the tests of this crate share: one edge on real SQLite databases whose process can be killed at every
//! point, and the worlds that stand on it: a mailbox that takes deposits
//! ([`crate::mailbox::deposit`]'s own), and a whole exchange with telephones ([`World`]).

mod edge;
mod phone;
mod sent;
mod storage;
mod visit;
mod world;

pub(crate) use self::{
    edge::{Edge, Killed},
    phone::{ANSWER, Answers, OFFER},
    sent::{Sent, body_json, header, metadata, offset, page, receipt, refusal, sha256, speech},
    storage::Memory,
    visit::{Turn, Visit},
    world::World,
};
