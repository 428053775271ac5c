//! What the connection to the proxy wants done, and where it stands.

use serde::{Deserialize, Serialize};

use super::Kept;
use crate::effect::Effect;

/// So much of a realm is told; whoever is called may have chosen it.
const LONGEST_REALM: usize = 80;

/// What the shell is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Open the socket, and tell by [`Upstream::on_open`] or [`Upstream::on_closed`].
    Connect,
    /// Send this as one WebSocket message.
    Send(Vec<u8>),
    /// Close the socket, and tell by [`Upstream::on_closed`].
    Close,
    /// Carry this out like the effect of any object.
    Carry(Effect),
    /// Write this in the object's database, before what follows is sent ([`super::keep`]).
    Keep(Kept),
    /// Take it out of there ([`super::forget`]).
    Forget(String),
    /// The operator should know.
    Tell(String),
}

/// Where the registration stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// There is no connection yet, or not any more.
    Connecting,
    /// The connection stands, the proxy has not answered yet.
    Registering,
    /// Diverted calls can come.
    Registered,
    /// The proxy refused with this status.
    Refused {
        /// Status of its answer.
        status: u16,
    },
}

impl Task {
    /// A challenge was not answered, and what would change that.
    pub(super) fn tell_of(realm: &str) -> Self {
        let realm: String = realm.chars().take(LONGEST_REALM).collect();
        Self::Tell(format!(
            "a call by the upstream proxy was challenged in the realm {realm:?}, which is not known to be the proxy's own; if it is, name it in AFTERBEEP_SIP_UPSTREAM_REALMS"
        ))
    }
}
