//! Renditions of sound, made from what a mailbox hands out.

use exchange::{
    http,
    rendition::{ORDER, Order},
};
use voice::container::{Format, Rendition};

/// Takes the order out of a mailbox's answer.
pub(crate) fn ordered(head: &mut http::Response) -> Option<Order> {
    let position = head.headers.iter().position(|(name, _)| name == ORDER)?;
    let (_, value) = head.headers.remove(position);
    serde_json::from_str(&value).ok()
}

/// The rendition; nothing where the bytes are no Opus.
pub(crate) fn make(order: &Order, deposited: &[u8]) -> Option<Vec<u8>> {
    let rendition = Rendition {
        format: Format::named(&order.format)?,
        gain_db: order.gain_db,
        trim_start_ms: order.trim_start_ms,
        trim_end_ms: order.trim_end_ms,
    };
    rendition.of(deposited)
}
