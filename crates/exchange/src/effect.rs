//! What the shell does after an object's transaction was committed, in this order, one after the other.

use crate::{
    network::Deed,
    object::Object,
    signal::{Carried, Reply, Signal},
};

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
    /// Ask the network's own object whether one of its callers may do this; carry out the ones or the others in
    /// this place. A network that cannot be asked may.
    Admit {
        /// Name of the network.
        network: String,
        /// What the caller does.
        deed: Deed,
        /// If it may.
        admitted: Vec<Self>,
        /// If not.
        refused: Vec<Self>,
    },
    /// Hand a signal to the object itself after a while, if the process still lives then. For repetitions that
    /// spare a peer some waiting; what must happen is a row with a wake-up.
    Remind {
        /// From now, in milliseconds.
        after_ms: i64,
        /// What is said.
        signal: Box<Signal>,
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

/// Gives the frames that go to the flow `asking` back with the reply: whoever asked takes them along, which spares a
/// request for each. Their order stays; that other effects come after them changes nothing, because nobody waits
/// for those. A reply with content stays as it is.
#[must_use]
pub fn reply_with_frames(asking: &str, reply: Reply, effects: Vec<Effect>) -> (Reply, Vec<Effect>) {
    if reply != Reply::Done {
        return (reply, effects);
    }
    let (mut frames, mut others) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::SendFrame { flow, frame, .. } if flow == asking => frames.push(Carried(frame)),
            other => others.push(other),
        }
    }
    if frames.is_empty() {
        return (Reply::Done, others);
    }
    (Reply::Frames { frames }, others)
}

#[cfg(test)]
mod tests {
    use super::{Effect, reply_with_frames};
    use crate::signal::{Carried, Reply};

    fn frame(flow: &str, text: &str) -> Effect {
        Effect::SendFrame {
            flow: flow.to_owned(),
            frame: text.into(),
            undelivered: None,
        }
    }

    #[test]
    fn frames_for_whoever_asks_come_with_the_reply_in_their_order() {
        let key = "session:1".to_owned();
        let effects = vec![
            frame("a", "1"),
            Effect::DeleteSession { key },
            frame("b", "x"),
            frame("a", "2"),
        ];
        let (reply, others) = reply_with_frames("a", Reply::Done, effects.clone());
        let frames = vec![Carried("1".into()), Carried("2".into())];
        assert_eq!(reply, Reply::Frames { frames });
        assert_eq!(others, effects[1..3]);
        let refused = Reply::Gone;
        let kept = reply_with_frames("a", refused.clone(), effects.clone());
        assert_eq!(kept, (refused, effects));
        assert_eq!(
            reply_with_frames("c", Reply::Done, vec![frame("a", "1")]),
            (Reply::Done, vec![frame("a", "1")])
        );
    }
}
