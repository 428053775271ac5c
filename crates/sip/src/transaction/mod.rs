//! Transactions over reliable transports (RFC 3261 section 17) as plain values that can be stored.
//!
//! On WebSocket, TCP and TLS nothing is retransmitted: timers A, E, G, D, I, J and K are zero and do not
//! appear here. What stays is the patience of timers B, F, H and L.

mod client;
mod server;

pub use client::{ClientTransaction, Received};
pub use server::{Absorbed, ServerTransaction};

/// `64*T1`: how long timers B, F, H and L wait, in milliseconds.
pub const PATIENCE_MS: i64 = 32_000;

/// Stores a request as one string; bytes above 127 become the characters of the same number, so that
/// nothing is lost.
pub(crate) mod stored {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::{message::Message, request::Request};

    pub(crate) fn serialize<S: Serializer>(
        request: &Request,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::bytes_as_text(&request.to_bytes()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Request, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Message::parse(&super::text_as_bytes(&text)) {
            Ok(Message::Request(request)) => Ok(request),
            Ok(Message::Response(_)) => Err(Error::custom("a response where a request was stored")),
            Err(error) => Err(Error::custom(error)),
        }
    }
}

/// Stores bytes as one string, as [`stored`] does.
pub(crate) mod stored_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&super::bytes_as_text(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(|text| super::text_as_bytes(&text)))
    }
}

fn bytes_as_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn text_as_bytes(text: &str) -> Vec<u8> {
    text.chars()
        .filter_map(|character| u8::try_from(u32::from(character)).ok())
        .collect()
}
