//! One WebSocket connection. It hibernates: all it remembers is the socket's attachment, and keep-alives are
//! answered without waking it.

use std::rc::Rc;

use exchange::{
    context::Context,
    effect::Effect,
    flow::{self, FlowState},
    object::Object,
    signal::{Reply, Signal},
};
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, WebSocketRequestResponsePair, durable_object,
};

use crate::{actor::Actor, binding, clock};

/// The subprotocol of RFC 7118.
const PROTOCOL: &str = "sip";
/// RFC 5626 section 3.5.1: a double CRLF asks, a single one answers.
const KEEP_ALIVE: (&str, &str) = ("\r\n\r\n", "\r\n");
/// RFC 6455 close codes that an end point may send itself.
const SENDABLE_CODES: std::ops::RangeInclusive<u16> = 3000..=4999;

/// A connection.
#[durable_object(websocket)]
pub struct Flow {
    actor: Rc<Actor>,
}

impl DurableObject for Flow {
    fn new(state: State, env: Env) -> Self {
        if let Ok(pair) = WebSocketRequestResponsePair::new(KEEP_ALIVE.0, KEEP_ALIVE.1) {
            state.set_websocket_auto_response(&pair);
        }
        Self {
            actor: Actor::new(state, env, Object::Flow, None),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if Actor::is_signal(&request) {
            let signal = serde_json::from_str(&request.text().await?)?;
            return Response::from_json(&obey(self.actor.storage.state(), signal));
        }
        self.open(&request)
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<()> {
        let frame = match message {
            WebSocketIncomingMessage::String(text) => text.into_bytes(),
            WebSocketIncomingMessage::Binary(bytes) => bytes,
        };
        let state = state_of(&socket);
        let (state, effects) =
            self.with_context(|context| flow::on_frame(&state, &frame, context))?;
        remember(&socket, &state)?;
        self.actor.accept(effects);
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        _reason: String,
        _was_clean: bool,
    ) -> Result<()> {
        let code = u16::try_from(code).unwrap_or(1000);
        let code = if SENDABLE_CODES.contains(&code) {
            code
        } else {
            1000
        };
        let _ = socket.close(Some(code), Some(""));
        self.closed(&socket)
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        self.closed(&socket)
    }
}

impl Flow {
    /// Accepts the socket. Origin and subprotocol were checked by the front.
    fn open(&self, request: &Request) -> Result<Response> {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let Object::Flow(name) = &self.actor.own else {
            return Response::error("no name", 500);
        };
        let state = flow::on_open(name, &header("cf-connecting-ip"), &header("origin"));
        let pair = WebSocketPair::new()?;
        self.actor.storage.state().accept_web_socket(&pair.server);
        remember(&pair.server, &state)?;
        let response = Response::from_websocket(pair.client)?;
        response.headers().set("sec-websocket-protocol", PROTOCOL)?;
        Ok(response)
    }

    fn closed(&self, socket: &WebSocket) -> Result<()> {
        let state = state_of(socket);
        let effects = self.with_context(|context| flow::on_close(&state, context))?;
        self.actor.accept(effects);
        Ok(())
    }

    fn with_context<T>(&self, rule: impl FnOnce(&Context<'_>) -> T) -> Result<T> {
        let settings = binding::settings(&self.actor.env)?;
        Ok(rule(&Context {
            object: self.actor.own.clone(),
            settings: &settings,
            now_ms: clock::now_ms(),
            entropy: clock::entropy()?,
        }))
    }
}

/// Sends to the connection of this state, or closes it.
pub(crate) fn obey(state: &State, signal: Signal) -> Reply {
    let sockets = state.get_websockets();
    let Some(socket) = sockets.first() else {
        return Reply::Gone;
    };
    let sent = match signal {
        Signal::Deliver { frame } => send(socket, &frame),
        Signal::DeliverAll { frames } => frames.iter().try_for_each(|frame| send(socket, &frame.0)),
        Signal::Close { code, reason } => socket.close(Some(code), Some(reason)),
        _ => Ok(()),
    };
    if sent.is_ok() {
        Reply::Done
    } else {
        Reply::Gone
    }
}

/// What the connection does about the outcome of one of its effects.
pub(crate) fn feed(state: &State, signal: &Signal) -> Vec<Effect> {
    let sockets = state.get_websockets();
    sockets.first().map_or_else(Vec::new, |socket| {
        flow::on_signal(&state_of(socket), signal)
    })
}

fn state_of(socket: &WebSocket) -> FlowState {
    let text = socket.deserialize_attachment::<String>().ok().flatten();
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn remember(socket: &WebSocket, state: &FlowState) -> Result<()> {
    socket.serialize_attachment(serde_json::to_string(state)?)
}

/// SIP is UTF-8 text; only a message with another body goes as binary (RFC 7118 section 5).
fn send(socket: &WebSocket, frame: &[u8]) -> Result<()> {
    match std::str::from_utf8(frame) {
        Ok(text) => socket.send_with_str(text),
        Err(_) => socket.send_with_bytes(frame),
    }
}
