//! What a call tells its host, and what it may be told.

use serde::{Deserialize, Serialize};

use crate::NameAddr;

/// One thing for the host to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this SIP message (one frame of RFC 7118).
    Send(Vec<u8>),
    /// Something happened.
    Event(Event),
}

/// A body with its media type.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Body {
    /// As in `Content-Type`.
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Caller: a provisional answer other than 100 came.
    Ringing {
        /// 18x.
        status: u16,
    },
    /// Caller: the callee (or the voicemail) answered; the ACK is already on its way.
    Answered {
        /// The SDP answer, or the offer if our INVITE had none.
        sdp: Option<String>,
        /// URL of `Call-Info: <...>;purpose=afterbeep-greeting`.
        greeting_url: Option<String>,
        /// Who answered, as the server vouches (`P-Asserted-Identity`, RFC 3325): somebody else than was called where
        /// the call was sent on.
        answerer: Option<Box<NameAddr>>,
    },
    /// The ACK came: the answerer's, with which the session stands, or that of a re-INVITE without offer.
    Acknowledged {
        /// The SDP answer in the ACK if our 2xx carried the offer.
        sdp: Option<String>,
    },
    /// Caller: a final failure. The call is over.
    Rejected {
        /// 300 to 699; 408 too when nothing at all came in 32 s.
        status: u16,
        /// Reason phrase as received.
        reason: String,
        /// Who refused, as for [`Self::Answered`].
        answerer: Option<Box<NameAddr>>,
    },
    /// An INFO came. It is answered only when the host says so: [`super::Call::accept_info`] or
    /// [`super::Call::reject_info`].
    Info {
        /// Names the INFO in the answer.
        id: u32,
        /// As in `Content-Type`.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// An INFO that we sent is settled; its failure ends nothing but its own transaction.
    InfoAnswered {
        /// As given by [`super::Call::send_info`].
        id: u32,
        /// Final status; 408 when nothing came in 32 s.
        status: u16,
    },
    /// The peer wants to change the session, by re-INVITE or UPDATE. The host answers: [`super::Call::accept_change`]
    /// or [`super::Call::reject_change`].
    Offered {
        /// Names the change in the answer.
        id: u32,
        /// The offer; nothing where the peer asks for ours (its answer comes as [`Self::Acknowledged`]).
        sdp: Option<String>,
    },
    /// The peer took our offer.
    Changed {
        /// Its answer.
        sdp: Option<String>,
    },
    /// The peer did not take our offer: the session stays as it was. After 491 (both offered at once) and after
    /// everything else that is under way, [`Self::MayOffer`] follows where the offer is worth another try.
    ChangeRefused {
        /// Final status; 408 when nothing came in 32 s, which ends the call.
        status: u16,
    },
    /// An offer may be sent that could not be sent before, or must be to keep the session alive.
    MayOffer,
    /// The connection was lost and is back, and the call with it.
    Resumed,
    /// The call is over.
    Ended {
        /// How it ended.
        cause: EndCause,
        /// Value of the peer's `Reason` header (RFC 3326), if any.
        reason: Option<String>,
        /// Body of the peer's BYE, if any.
        body: Option<Body>,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// We sent BYE.
    HungUpHere,
    /// The peer sent BYE.
    HungUpThere,
    /// The caller cancelled before an answer.
    Cancelled,
    /// We rejected it.
    RejectedHere,
    /// No ACK in 32 s after our 2xx.
    NotAcknowledged,
    /// Nothing came for too long.
    TimedOut,
    /// The connection went away.
    ConnectionLost,
}
