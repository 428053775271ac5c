//! `Flow`: one WebSocket connection. It limits, recognises and passes SIP messages on; what happens to
//! them is decided by lines and mailboxes. All it remembers fits into the socket's attachment.

pub mod absence;
pub(crate) mod admission;
pub(crate) mod hop;
mod initial;
mod limit;
mod name;
mod passage;
pub(crate) mod place;
pub(crate) mod recovery;
#[cfg(test)]
mod tests;

pub(crate) use admission::supports;
pub(crate) use initial::{
    SUPPORTED, VOICEMAIL_USER, foreign_address, is_voicemail, own_address, target,
};
pub(crate) use name::shown_name;
use serde::{Deserialize, Serialize};
use sip::{
    Message, Request,
    websocket::{self, FrameError, Incoming},
};

use crate::{context::Context, effect::Effect, object::Object, signal::Signal, trace};

/// The largest frame that is looked at; a longer one closes the connection.
const MAX_FRAME_BYTES: usize = 65_536;
/// How many lines are told when the connection goes.
const MAX_LINES: usize = 8;
/// How many bytes their addresses may have together, so that the attachment holds them.
const MAX_LINE_BYTES: usize = 900;

/// What a connection remembers between two frames; under 2 KiB as JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FlowState {
    /// Name of the flow object: 32 hex digits, or as [`absence::name_of`] makes it.
    pub name: String,
    /// The peer's network (IPv4 address, or the /64 of an IPv6 address) for limits.
    pub network: String,
    /// `Origin` of the page that opened the socket; empty if there was none.
    pub origin: String,
    /// Normalised addresses that were registered or called over this connection, newest last.
    pub lines: Vec<String>,
    /// INVITEs seen in the present minute.
    pub invites: u32,
    /// When that minute began, Unix time in milliseconds.
    pub minute_ms: i64,
    /// Messages seen in it.
    #[serde(default)]
    pub messages: u32,
    /// Calls that the client began and that have not ended.
    #[serde(default)]
    pub calls: Vec<u64>,
    /// The client named the connection and may come back to it.
    #[serde(default)]
    pub resumes: bool,
    /// The connection has another socket now.
    #[serde(default)]
    pub replaced: bool,
    /// The client was shown out, and nothing of it is looked at any more.
    #[serde(default)]
    pub shut: bool,
    /// A note for a ladder that waits for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<trace::Held>,
}

/// The state of a connection that has just opened. `network` is the peer's address as the platform gives it;
/// `resumes` says that the client gave the connection its name (see [`absence::name_of`]).
#[must_use]
pub fn on_open(name: &str, network: &str, origin: &str, resumes: bool) -> FlowState {
    FlowState {
        name: name.to_owned(),
        network: crate::network::network(network),
        origin: origin.chars().take(200).collect(),
        resumes,
        ..FlowState::default()
    }
}

/// One frame came in (text or binary alike). The state is stored before the effects are carried out.
#[must_use]
pub fn on_frame(
    state: &FlowState,
    frame: &[u8],
    context: &Context<'_>,
) -> (FlowState, Vec<Effect>) {
    let mut state = state.clone();
    let effects = state.receive(frame, context);
    let effects = trace::carried(context, &mut state, frame, effects);
    (state, effects)
}

/// A signal that is neither a frame to send nor a socket to close: what another connection did not get.
#[must_use]
pub fn on_signal(name: &str, signal: &Signal) -> Vec<Effect> {
    match signal {
        Signal::Undelivered { flow, key } => recovery::gone(name, flow, key).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A socket closed, and nobody waits for its client ([`absence::Absence::begin`]): its lines are told, so that they
/// forget its bindings and end its calls. A socket that was replaced leaves the connection as it is.
#[must_use]
pub fn on_close(state: &FlowState, _context: &Context<'_>) -> Vec<Effect> {
    if state.replaced || state.shut {
        return Vec::new();
    }
    closed(state)
}

fn closed(state: &FlowState) -> Vec<Effect> {
    let closed = |address: &String| Effect::Signal {
        to: Object::Line(address.clone()),
        signal: Box::new(Signal::FlowClosed {
            flow: state.name.clone(),
        }),
        tag: String::new(),
    };
    let lines = state.lines.iter().map(closed);
    lines.chain(trace::let_go(state)).collect()
}

impl FlowState {
    /// This state of a new socket, with what the connection remembers from its older one.
    #[must_use]
    pub fn continuing(self, older: &Self) -> Self {
        Self {
            name: self.name,
            network: self.network,
            origin: self.origin,
            replaced: false,
            ..older.clone()
        }
    }

    fn receive(&mut self, frame: &[u8], context: &Context<'_>) -> Vec<Effect> {
        if self.shut {
            return Vec::new();
        }
        if let Some(effects) = self.count_message(context) {
            return effects;
        }
        if frame.len() > MAX_FRAME_BYTES {
            return self.shut(1009, "message too big");
        }
        match websocket::classify(frame) {
            Ok(Incoming::KeepAlive) => vec![hop::send(&self.name, websocket::PONG.to_vec())],
            Ok(Incoming::Message(message)) => self.receive_message(*message, context),
            Err(FrameError::Refused(error)) => error
                .answer
                .map(|answer| hop::send(&self.name, answer.to_bytes()))
                .into_iter()
                .collect(),
            Ok(Incoming::KeepAliveAnswer) | Err(FrameError::Empty | FrameError::Partial) => {
                Vec::new()
            }
        }
    }

    fn receive_message(&mut self, message: Message, context: &Context<'_>) -> Vec<Effect> {
        match message {
            Message::Request(request) => self.receive_request(request, context),
            Message::Response(response) => {
                self.note_response(&response);
                let back = hop::send_back_bare(context, &self.name, response);
                back.into_iter().collect()
            }
        }
    }

    fn receive_request(&mut self, request: Request, context: &Context<'_>) -> Vec<Effect> {
        self.note_request(context, &request);
        if let Some(refusal) = admission::at_hop(&request) {
            return self.refuse_with(context, &request, &refusal);
        }
        if hop::is_loop(context, &request) {
            return self.refuse(context, &request, 482, "Loop Detected");
        }
        if request.to().tag().is_some() {
            return passage::forward(self, request, context);
        }
        initial::receive(self, request, context)
    }

    fn refuse(
        &self,
        context: &Context<'_>,
        request: &Request,
        status: u16,
        reason: &str,
    ) -> Vec<Effect> {
        hop::answer(context, &self.name, request, status, reason)
            .into_iter()
            .collect()
    }

    fn refuse_with(
        &self,
        context: &Context<'_>,
        request: &Request,
        refusal: &admission::Refusal,
    ) -> Vec<Effect> {
        let (status, reason) = (refusal.status, refusal.reason);
        hop::answer_with(
            context,
            &self.name,
            request,
            status,
            reason,
            &refusal.headers(),
        )
        .into_iter()
        .collect()
    }

    /// Remembers whom to tell when the connection goes; the oldest is forgotten first.
    fn remember(&mut self, address: &str) {
        self.lines.retain(|line| line != address);
        self.lines.push(address.to_owned());
        let bytes = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
        while self.lines.len() > MAX_LINES || bytes(&self.lines) > MAX_LINE_BYTES {
            self.lines.remove(0);
        }
    }
}
