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
}

/// A SIP message on its way between objects.
pub type Frame = Vec<u8>;

/// One message to an object.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// To a `Flow`: send this frame. Answered [`Reply::Done`] or [`Reply::Gone`].
    Deliver {
        /// One SIP message.
        frame: Frame,
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
        /// The request.
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
        frame: Frame,
    },
    /// To the callee's `Line`: an initial INVITE (or MESSAGE, OPTIONS) for this address.
    Terminate {
        /// Flow of the caller.
        flow: String,
        /// Who calls.
        caller: Caller,
        /// The request.
        frame: Frame,
    },
    /// To a `Line` or `Mailbox`: an ACK to a failure, a CANCEL, a response or an in-dialog request.
    Receive {
        /// Flow it came on; empty if it came from another object.
        flow: String,
        /// The message.
        frame: Frame,
    },
    /// To a `Mailbox`: answer this INVITE as voicemail.
    Voicemail {
        /// Flow of the caller, where in-dialog requests are sent.
        flow: String,
        /// Who calls.
        caller: Caller,
        /// The INVITE, as the line forwards it.
        frame: Frame,
    },
    /// To a `Line`, from its mailbox: tell all contacts (RFC 3842).
    MessageSummary {
        /// Messages not yet heard.
        new: u32,
        /// All others.
        old: u32,
    },
    /// To a `Line`, from its mailbox: how long contacts ring; nothing stands for the operator's choice.
    RingTimeout {
        /// In seconds.
        seconds: Option<u32>,
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
    /// To a `Mailbox`, from an `Upload`: about one part of a deposit. Answered with
    /// [`crate::mailbox::deposit::PartAnswer`] as JSON.
    Part {
        /// Which part, and what about it.
        request: Box<crate::mailbox::deposit::PartRequest>,
    },
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
