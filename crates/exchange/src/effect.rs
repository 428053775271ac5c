//! What the shell does after an object's transaction was committed, in this order, one after the other.

use crate::{object::Object, signal::Signal};

/// One thing to do. Effects are not durable: what must happen is also a row with a wake-up that makes
/// the effect again until its outcome was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send one SIP frame to the socket of the flow with this name (see [`Object::Flow`]). If the flow is
    /// gone, `undelivered` is handed back to the object that wanted it.
    SendFrame {
        /// Name of the flow.
        flow: String,
        /// One SIP message (RFC 7118) or a keep-alive.
        frame: Vec<u8>,
        /// Handed to the sending object itself when the flow has no socket.
        undelivered: Option<Box<Signal>>,
    },
    /// Close the flow's socket with a WebSocket close code and reason.
    CloseFlow {
        /// Name of the flow.
        flow: String,
        /// RFC 6455 close code.
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
    /// Hand a signal to another object. Its [`crate::signal::Reply`] comes back to the sender as
    /// `Signal::Replied` where `tag` is not empty; a time-out or failure as a reply with an error.
    Signal {
        /// Receiver.
        to: Object,
        /// What is said.
        signal: Box<Signal>,
        /// Names the outbox row or transaction that waits; empty if nobody waits.
        tag: String,
    },
    /// Write `value` to the session store (KV) until `expires_at_ms`.
    PutSession {
        /// KV key, `session:<session id>`.
        key: String,
        /// JSON.
        value: String,
        /// Unix time in milliseconds.
        expires_at_ms: i64,
    },
    /// Remove a key from the session store.
    DeleteSession {
        /// KV key.
        key: String,
    },
    /// Delete a blob; missing is success. The outcome comes back as `Signal::BlobDeleted`.
    DeleteBlob {
        /// Key in the blob store.
        key: String,
    },
    /// POST to a stranger's server (webhook). The outcome comes back as `Signal::Posted`.
    Post {
        /// Names the outbox row.
        tag: String,
        /// Absolute URL, already checked against the address rules.
        url: String,
        /// Headers to send.
        headers: Vec<(String, String)>,
        /// Body to send.
        body: Vec<u8>,
    },
}
