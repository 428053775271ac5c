//! How many calls one connection may begin, and which peers count as one network.

use std::net::IpAddr;

use super::FlowState;
use crate::context::Context;

const MINUTE_MS: i64 = 60_000;

/// The network of a peer: its IPv4 address, or the /64 of its IPv6 address.
pub(super) fn network(peer: &str) -> String {
    match peer.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => peer.chars().take(64).collect(),
    }
}

impl FlowState {
    /// Counts an INVITE; false when the minute's share is used up. 0 is no limit.
    pub(super) fn may_invite(&mut self, context: &Context<'_>) -> bool {
        let limit = context.settings.limit_invites_per_minute;
        if context.now_ms.saturating_sub(self.minute_ms) >= MINUTE_MS {
            self.minute_ms = context.now_ms;
            self.invites = 0;
        }
        self.invites = self.invites.saturating_add(1);
        limit == 0 || self.invites <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn neighbours_of_one_ipv6_prefix_are_one_network() {
        assert_eq!(network("2001:db8:1:2:3::9"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }
}
