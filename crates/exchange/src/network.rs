//! Which peers count as one for limits, and what one such network may do. One rule for HTTP and SIP, because they
//! share counts. A network's counts live in memory: a restart forgives a minute, and nobody is billed for a flood.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    signal::{Reply, Signal},
};

const MINUTE_MS: i64 = 60_000;
/// A house of telephones that come back after a power cut register at once.
const REGISTERS_PER_INVITE: u32 = 12;
/// People who write write more often than they call.
const MESSAGES_PER_INVITE: u32 = 6;
/// An office signs in more often than it calls, but a sign-in lasts for weeks.
const LOGINS_PER_INVITE: u32 = 3;

/// Something of which a network may do only so much in a minute.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// An INVITE, whether its address exists or not.
    Invite,
    /// A REGISTER or a SUBSCRIBE.
    Register,
    /// A MESSAGE.
    Message,
    /// A sign-in by password over HTTP, right or wrong.
    Login,
}

/// What one network did in the present minute.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    since_ms: i64,
    invites: u32,
    registers: u32,
    messages: u32,
    logins: u32,
}

impl Tally {
    /// Counts a deed. Its reply is [`Reply::Done`] where the network may do it.
    pub fn on_signal(&mut self, context: &Context<'_>, signal: &Signal) -> Reply {
        let Signal::Count { deed } = signal else {
            return Reply::Failed {
                code: "unexpected_signal".to_owned(),
            };
        };
        if self.may(context, *deed) {
            Reply::Done
        } else {
            Reply::Failed {
                code: "limited".to_owned(),
            }
        }
    }

    fn may(&mut self, context: &Context<'_>, deed: Deed) -> bool {
        if context.now_ms.saturating_sub(self.since_ms) >= MINUTE_MS {
            *self = Self {
                since_ms: context.now_ms,
                ..Self::default()
            };
        }
        let invites = context.settings.limit_invites_per_minute;
        let (count, limit) = match deed {
            Deed::Invite => (&mut self.invites, invites),
            Deed::Register => (
                &mut self.registers,
                invites.saturating_mul(REGISTERS_PER_INVITE),
            ),
            Deed::Message => (
                &mut self.messages,
                invites.saturating_mul(MESSAGES_PER_INVITE),
            ),
            Deed::Login => (&mut self.logins, invites.saturating_mul(LOGINS_PER_INVITE)),
        };
        *count = count.saturating_add(1);
        limit == 0 || *count <= limit
    }
}

/// The network of a peer: its IPv4 address, however it is written, or the /64 of its IPv6 address. Nothing if
/// the text is no address.
pub(crate) fn network(peer: &str) -> String {
    let address: Option<IpAddr> = peer.trim().parse().ok();
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn neighbours_of_one_ipv6_prefix_are_one_network_and_mapped_addresses_are_not() {
        for (peer, expected) in [
            ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("192.0.2.7", "192.0.2.7"),
            (" 192.0.2.7 ", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.8", "192.0.2.8"),
            ("", ""),
            ("somebody", ""),
        ] {
            assert_eq!(network(peer), expected, "{peer}");
        }
    }
}
