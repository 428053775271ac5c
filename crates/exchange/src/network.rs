//! Which peers count as one for limits. One rule for HTTP and SIP, because they share counts.

use std::net::IpAddr;

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
