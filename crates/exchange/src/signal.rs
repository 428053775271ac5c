//! What objects say to each other. Signals travel as JSON; SIP messages in them as text (a SIP message
//! whose body is not UTF-8 is carried in base64).

use serde::{Deserialize, Serialize};

/// Who calls, as far as the exchange knows.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Caller {
    /// Normalised address, or nothing for an anonymous caller.
    pub address: Option<String>,
    /// Display name as the caller gave it.
    pub display_name: Option<String>,
    /// Whether the caller proved to own the address.
    pub verified: bool,
    /// The network the call came from, for limits; never shown to anybody.
    #[serde(default)]
    pub network: Option<String>,
    /// Whom the caller had dialled, as far as the call says, where it was sent on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<String>,
}

impl Caller {
    /// The address that the caller proved to own.
    pub(crate) fn proven(&self) -> Option<&str> {
        self.address.as_deref().filter(|_| self.verified)
    }

    /// Whether both are the same one, as far as the exchange knows.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (&self.address, self.verified) == (&other.address, other.verified)
    }
}

/// A SIP message on its way between objects.
pub type Frame = Vec<u8>;

/// One of several SIP messages on their way between objects.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Carried(#[serde(with = "as_text")] pub Frame);

/// One message to an object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// To a `Flow`: send this frame. Answered [`Reply::Done`] or [`Reply::Gone`].
    Deliver {
        /// One SIP message.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Flow`: send these frames, in this order. Answered like [`Signal::Deliver`].
    DeliverAll {
        /// SIP messages.
        frames: Vec<Carried>,
    },
    /// To a `Flow`: close the socket.
    Close {
        /// RFC 6455 close code.
        code: u16,
        /// Why.
        reason: String,
    },
    /// To a `Line`: REGISTER for this address, from this flow.
    Register {
        /// Flow it came on.
        flow: String,
        /// The peer's network, for limits.
        #[serde(default)]
        network: Option<String>,
        /// The request.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Line`: SUBSCRIBE to the state of its mailbox, from this flow.
    Subscribe {
        /// Flow it came on.
        flow: String,
        /// The peer's network, for limits.
        #[serde(default)]
        network: Option<String>,
        /// The request.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To the caller's own `Line`: a request whose From is in our domain; check its credentials, then
    /// pass it on to the line it is for.
    Originate {
        /// Flow it came on.
        flow: String,
        /// The peer's network, for limits.
        #[serde(default)]
        network: Option<String>,
        /// The request.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To the callee's `Line`: an initial INVITE, or a MESSAGE, for this address.
    Terminate {
        /// Flow of the caller.
        flow: String,
        /// Who calls.
        caller: Caller,
        /// The request.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Line` or `Mailbox`: an ACK to a failure, a CANCEL, a response or an in-dialog request.
    Receive {
        /// Flow it came on; empty if it came from another object.
        flow: String,
        /// The message.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Line`: an in-dialog request, its route still in it, one of whose ends has left its connection. The line
    /// passes it on to where its contact is now.
    Recover {
        /// Flow it came on.
        flow: String,
        /// The connection on which the receiver was not found; nothing where the sender is on another one than the
        /// route says.
        #[serde(default)]
        left: Option<String>,
        /// The request.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Mailbox`: answer this INVITE as voicemail.
    Voicemail {
        /// Flow of the caller, where in-dialog requests are sent.
        flow: String,
        /// Who calls.
        caller: Caller,
        /// The INVITE, as the line forwards it.
        #[serde(with = "as_text")]
        frame: Frame,
    },
    /// To a `Line`, from its mailbox: tell all contacts (RFC 3842).
    MessageSummary {
        /// Messages not yet heard.
        new: u32,
        /// All others.
        old: u32,
    },
    /// To a `Mailbox`: how many messages? Answered with new and old ones as a JSON array.
    Counts {},
    /// To a `Network`: one of its callers does this. Answered [`Reply::Done`] if it may.
    Count {
        /// What.
        deed: crate::network::Deed,
    },
    /// To a `Line`, from its mailbox: how long contacts ring; nothing stands for the operator's choice.
    RingTimeout {
        /// In seconds.
        seconds: Option<u32>,
    },
    /// To the `Line` of a telephone number: it is this user's from now on, if it is nobody's. Answered with the address
    /// whose it is.
    ClaimNumber {
        /// Normalised address of a user.
        owner: String,
    },
    /// To the `Line` of a telephone number: it is not this user's any more.
    ReleaseNumber {
        /// Normalised address of a user.
        owner: String,
    },
    /// To a `Line`: is this address there, is this its login generation?
    CheckAccount {},
    /// To a `Mailbox`: the account was made or changed.
    AccountChanged {
        /// Display name.
        display_name: String,
        /// Login generation: older login tokens are void.
        generation: u32,
    },
    /// To a `Directory`: newest facts about one user.
    DirectoryRow {
        /// Normalised address.
        address: String,
        /// JSON with display name and counters.
        facts: String,
    },
    /// To `Directory` shard 0: there is at least one user, the first-run page is over.
    FirstUser {},
    /// To a `Directory`: what do its users add up to? Answered with [`crate::directory::Totals`] as JSON.
    Totals {},
    /// To a `Mailbox`, from an `Upload`: about one part of a deposit. Answered with
    /// [`crate::mailbox::deposit::PartAnswer`] as JSON.
    Part {
        /// Which part, and what about it.
        request: Box<crate::mailbox::deposit::PartRequest>,
    },
    /// To the `Upstream`: where does its registration stand? Answered with [`crate::upstream::Standing`] as JSON.
    Standing {},
    /// To the sender of [`crate::effect::Effect::Signal`]: what came back.
    Replied {
        /// As given in the effect.
        tag: String,
        /// What the receiver said.
        reply: Reply,
    },
    /// To the sender of [`crate::effect::Effect::Post`].
    Posted {
        /// As given in the effect.
        tag: String,
        /// HTTP status; 0 when there was no answer.
        status: u16,
        /// `Retry-After` in seconds, if given.
        retry_after_s: Option<u32>,
    },
    /// To the sender of [`crate::effect::Effect::DeleteBlob`].
    BlobDeleted {
        /// Key in the blob store.
        key: String,
        /// Whether it is certainly gone.
        gone: bool,
    },
    /// To a `Line`: a connection over which it was registered or called is gone.
    FlowClosed {
        /// Name of the flow.
        flow: String,
    },
    /// To a `Mailbox`, from itself: the caller may not have heard the answer.
    RepeatAnswer {
        /// Key of the call.
        key: String,
        /// How long was waited, in milliseconds.
        waited_ms: i64,
    },
    /// To a `Line` or `Mailbox`: a signal, with notes about the frames that led to it.
    Traced {
        /// What was seen on the way, its secrets masked.
        notes: Vec<crate::trace::Note>,
        /// The signal itself.
        inner: Box<Self>,
    },
    /// To a `Mailbox`: what was seen of one of its owner's calls.
    Trace {
        /// The caller's connection, where it is known.
        flow: Option<String>,
        /// Who calls, where it is known.
        caller: Option<Caller>,
        /// What was seen, its secrets masked.
        notes: Vec<crate::trace::Note>,
    },
    /// To a `Mailbox`, from the callee's: its owner made this call.
    Made {
        /// Name of the call in the callee's mailbox.
        id: String,
        /// Its Call-ID.
        call_id: String,
        /// What a list says of it, JSON.
        call: String,
    },
    /// To the object itself: a frame found no socket.
    Undelivered {
        /// Flow that is gone.
        flow: String,
        /// Which branch or dialog waits; the object's own key.
        key: String,
    },
}

/// What an object answers to a signal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Taken.
    Done,
    /// Taken, and these frames go to the flow that asked: what would be sent to it anyway, without a request of
    /// its own.
    Frames {
        /// SIP messages.
        frames: Vec<Carried>,
    },
    /// The flow has no socket.
    Gone,
    /// An answer with content, as JSON.
    Value {
        /// JSON.
        value: String,
    },
    /// Refused or failed, with a stable code.
    Failed {
        /// Stable code.
        code: String,
    },
}

/// Frames travel as text, four times shorter than a list of numbers: `t` and the text itself, or `b` and
/// base64 where the bytes are no text.
mod as_text {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(frame: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let text = match core::str::from_utf8(frame) {
            Ok(text) => format!("t{text}"),
            Err(_) => format!("b{}", STANDARD_NO_PAD.encode(frame)),
        };
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_at_checked(1) {
            Some(("t", text)) => Ok(text.as_bytes().to_vec()),
            Some(("b", base64)) => STANDARD_NO_PAD.decode(base64).map_err(Error::custom),
            _ => Err(Error::custom("a frame is t with text or b with base64")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn frames_travel_as_text_and_any_bytes_come_back() {
        for frame in [
            b"BYE sip:x SIP/2.0\r\n\r\n".to_vec(),
            vec![0xff, 0, 0x80],
            Vec::new(),
        ] {
            let signal = Signal::Deliver { frame };
            let json = serde_json::to_string(&signal).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Signal>(&json).expect("signal"),
                signal
            );
        }
        let json = r#"{"signal":"deliver","frame":"xBYE"}"#;
        assert!(serde_json::from_str::<Signal>(json).is_err());
    }
}
