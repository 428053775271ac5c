//! The objects of the exchange and their names (design: one mailbox = one object, nothing is global).

use serde::{Deserialize, Serialize};

/// One Durable Object (or one native actor) with its own storage.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// One WebSocket connection; the name is 32 hex digits drawn at connect.
    Flow(String),
    /// One address: account, bindings, ringing. The name is a normalised address `sip:user@domain`.
    Line(String),
    /// One address: sessions, messages, greeting, notifications. The name is a normalised address.
    Mailbox(String),
    /// One upload in several requests; the name is `session/deposit/part`.
    Upload(String),
    /// One network from which people call; the name is as limits know it. It owns no storage.
    Network(String),
    /// One of [`DIRECTORY_SHARDS`] lists of users.
    Directory(u32),
    /// The connection to the foreign proxy behind which the voicemail stands; there is one.
    Upstream,
}

/// How many directory shards there are; users are spread by a hash of their address.
pub const DIRECTORY_SHARDS: u32 = 16;

impl Object {
    /// The name under which the platform finds the object, for good: `v1:` plus its own.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Flow(name)
            | Self::Line(name)
            | Self::Mailbox(name)
            | Self::Upload(name)
            | Self::Network(name) => {
                format!("v1:{name}")
            }
            Self::Directory(shard) => format!("v1:{shard}"),
            Self::Upstream => "v1:upstream".to_owned(),
        }
    }

    /// Who holds the connection of a flow.
    #[must_use]
    pub fn of_flow(name: &str) -> Self {
        match name {
            crate::upstream::FLOW => Self::Upstream,
            name => Self::Flow(name.to_owned()),
        }
    }
}
