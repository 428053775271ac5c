//! Which member may stand on which: the arrows of the architecture, checked on what is really linked.

use std::path::Path;

use super::{Tally, linked};
use crate::step::{Failure, Outcome};

/// Members that hold rules know neither platforms nor clocks nor sources of randomness.
const PLATFORMS: [&str; 8] = [
    "web-sys",
    "js-sys",
    "wasm-bindgen",
    "worker",
    "tokio",
    "getrandom",
    "web-time",
    "rusqlite",
];

/// Member, and the members it may stand on.
const MEMBERS: [(&str, &[&str]); 8] = [
    ("sip", &[]),
    ("deposit", &[]),
    ("voice", &[]),
    ("easyfft", &[]),
    ("exchange", &["sip", "deposit"]),
    ("client-wasm", &["sip", "deposit", "voice", "easyfft"]),
    ("edge-worker", &["exchange", "sip", "deposit", "voice"]),
    ("xtask", &[]),
];

/// Members that hold rules.
const LEAVES: [&str; 5] = ["sip", "deposit", "voice", "easyfft", "exchange"];

/// Every member stands only on what it may.
pub(super) fn check(root: &Path) -> Outcome<Tally> {
    for (member, allowed) in MEMBERS {
        for (name, _) in linked(root, member)? {
            if let Some(reason) = refusal(member, allowed, &name) {
                return Err(Failure::new(
                    format!("{member} stands on {name}, {reason}"),
                    "move what both need down into a leaf",
                ));
            }
        }
    }
    Ok(Tally::PASSED)
}

fn refusal(member: &str, allowed: &[&str], name: &str) -> Option<&'static str> {
    let sibling = MEMBERS.iter().any(|(other, _)| *other == name);
    if sibling && name != member && !allowed.contains(&name) {
        return Some("an arrow that the architecture does not have");
    }
    if LEAVES.contains(&member) && PLATFORMS.contains(&name) {
        return Some("but a leaf knows no platform");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn only_the_drawn_arrows_pass() {
        assert!(refusal("exchange", &["sip", "deposit"], "sip").is_none());
        assert!(refusal("exchange", &["sip", "deposit"], "voice").is_some());
        assert!(refusal("sip", &[], "js-sys").is_some());
        assert!(refusal("client-wasm", &["sip"], "js-sys").is_none());
        assert!(refusal("client-wasm", &["sip"], "exchange").is_some());
    }
}
