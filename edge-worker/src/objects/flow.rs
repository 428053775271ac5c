//! One WebSocket connection. It hibernates: all it remembers is the socket's attachment, and keep-alives are
//! answered without waking it. Only one that lost its socket and may be come back to stores a row ([`absence`]).

mod absence;

use std::{rc::Rc, time::Duration};

use exchange::{
    context::Context,
    effect::Effect,
    flow::{self, FlowState, absence::Absence},
    object::Object,
    signal::{Carried, Reply, Signal},
};
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, WebSocketRequestResponsePair, durable_object,
};

use crate::{actor::Actor, binding, clock, log, stub};

/// The subprotocol of RFC 7118.
const PROTOCOL: &str = "sip";
/// RFC 5626 section 3.5.1: a double CRLF asks, a single one answers.
const KEEP_ALIVE: (&str, &str) = ("\r\n\r\n", "\r\n");
/// RFC 6455 close codes that an end point may send itself.
const SENDABLE_CODES: std::ops::RangeInclusive<u16> = 3000..=4999;

/// How long an alarm waits until everybody has been told that a client is gone.
const TELLING_LIMIT: Duration = Duration::from_secs(60);
/// A socket that ended without a word.
const BROKEN: u16 = 1006;
/// What a socket is told when its connection has a newer one.
const REPLACED: (u16, &str) = (4001, "replaced");

/// A connection.
#[durable_object]
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
            return Response::from_json(&obey(&self.actor, signal));
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
        if state_of(&socket).shut {
            return Ok(());
        }
        // What an older socket still brings belongs to the connection all the same.
        let socket = newest(&self.actor).unwrap_or(socket);
        let state = state_of(&socket);
        let (state, effects) =
            self.with_context(|context| flow::on_frame(&state, &frame, context))?;
        remember(&socket, &state)?;
        self.actor.accept(close_first(&socket, effects));
        Ok(())
    }

    /// The client of a connection without a socket was away too long.
    async fn alarm(&self) -> Result<Response> {
        self.give_up().await?;
        Response::ok("")
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        _reason: String,
        _was_clean: bool,
    ) -> Result<()> {
        let code = u16::try_from(code).unwrap_or(1000);
        let answer = if SENDABLE_CODES.contains(&code) {
            code
        } else {
            1000
        };
        let _ = socket.close(Some(answer), Some(""));
        self.closed(&socket, code)
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        self.closed(&socket, BROKEN)
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
        let resumes = !header(stub::RESUMES).is_empty();
        let fresh = flow::on_open(
            name,
            &header("cf-connecting-ip"),
            &header("origin"),
            resumes,
        );
        let (state, missed) = if resumes {
            self.resume(fresh)?
        } else {
            (fresh, Vec::new())
        };
        let pair = WebSocketPair::new()?;
        self.actor.storage.state().accept_web_socket(&pair.server);
        self.actor.had_socket.set(true);
        remember(&pair.server, &state)?;
        missed
            .iter()
            .try_for_each(|frame| send(&pair.server, &frame.0))?;
        let response = Response::from_websocket(pair.client)?;
        response.headers().set("sec-websocket-protocol", PROTOCOL)?;
        Ok(response)
    }

    /// What the connection was until now, and what its client missed; the newest socket wins.
    fn resume(&self, fresh: FlowState) -> Result<(FlowState, Vec<Carried>)> {
        if let Some(older) = newest(&self.actor) {
            let mut state = state_of(&older);
            let continued = fresh.continuing(&state);
            state.replaced = true;
            remember(&older, &state)?;
            let (code, reason) = REPLACED;
            let _ = older.close(Some(code), Some(reason));
            return Ok((continued, Vec::new()));
        }
        Ok(match absence::find(&self.actor.storage) {
            Some(absence) => {
                absence::forget(&self.actor.storage);
                absence.end(fresh)
            }
            None => (fresh, Vec::new()),
        })
    }

    fn closed(&self, socket: &WebSocket, code: u16) -> Result<()> {
        self.actor.had_socket.set(true);
        let state = state_of(socket);
        if let Some(absence) = Absence::begin(&state, code, clock::now_ms())
            && !state.replaced
        {
            return absence::keep(&self.actor.storage, &absence);
        }
        let effects = self.with_context(|context| flow::on_close(&state, context))?;
        self.actor.accept(effects);
        Ok(())
    }

    /// What is kept goes only when everybody has been told: should the process die before, the alarm rings again.
    async fn give_up(&self) -> Result<()> {
        let Some(absence) = absence::find(&self.actor.storage) else {
            return Ok(());
        };
        if absence.until_ms() > clock::now_ms() {
            return absence::keep(&self.actor.storage, &absence);
        }
        let effects = self.with_context(|context| absence.give_up(context))?;
        self.actor.accept(effects);
        clock::within(TELLING_LIMIT, self.actor.carried_out()).await;
        // The client may have come back, and gone again, meanwhile.
        let left = absence::find(&self.actor.storage);
        if left.is_some_and(|left| left.until_ms() == absence.until_ms()) {
            absence::forget(&self.actor.storage);
        }
        Ok(())
    }

    fn with_context<T>(&self, rule: impl FnOnce(&Context<'_>) -> T) -> Result<T> {
        let settings = binding::settings(&self.actor.env)?;
        Ok(rule(&Context {
            object: self.actor.own.clone(),
            settings: &settings,
            now_ms: clock::now_ms(),
            entropy: clock::entropy()?,
            trace: exchange::trace::Notebook::default(),
        }))
    }
}

/// Sends to this connection, or closes it.
pub(crate) fn obey(actor: &Actor, signal: Signal) -> Reply {
    let Some(socket) = newest(actor) else {
        return keep(actor, signal);
    };
    let sent = match signal {
        Signal::Deliver { frame } => send(&socket, &frame),
        Signal::DeliverAll { frames } => {
            frames.iter().try_for_each(|frame| send(&socket, &frame.0))
        }
        Signal::Close { code, reason } => socket.close(Some(code), Some(reason)),
        _ => Ok(()),
    };
    if sent.is_ok() {
        Reply::Done
    } else {
        Reply::Gone
    }
}

/// Keeps frames for a client that is away.
fn keep(actor: &Actor, signal: Signal) -> Reply {
    let frames = match signal {
        Signal::Deliver { frame } => vec![Carried(frame)],
        Signal::DeliverAll { frames } => frames,
        _ => return Reply::Gone,
    };
    let Some(mut absence) = absence::find(&actor.storage).or_else(|| unseen(actor)) else {
        return Reply::Gone;
    };
    if !absence.keep(&frames) {
        return Reply::Gone;
    }
    match absence::keep(&actor.storage, &absence) {
        Ok(()) => Reply::Done,
        Err(error) => {
            log::trouble(&format!("frames were not kept: {error}"), None);
            Reply::Gone
        }
    }
}

/// An object that has no socket and saw none go was killed with it.
fn unseen(actor: &Actor) -> Option<Absence> {
    match &actor.own {
        Object::Flow(name) if !actor.had_socket.get() => Absence::unseen(name, clock::now_ms()),
        _ => None,
    }
}

/// What the connection does about the outcome of one of its effects.
pub(crate) fn feed(actor: &Actor, signal: &Signal) -> Vec<Effect> {
    match &actor.own {
        Object::Flow(name) => flow::on_signal(name, signal),
        _ => Vec::new(),
    }
}

/// The socket of this connection; one that was replaced may take a while to go.
fn newest(actor: &Actor) -> Option<WebSocket> {
    let sockets = actor.storage.state().get_websockets();
    let mut sockets = sockets.into_iter();
    sockets.find(|socket| {
        let state = state_of(socket);
        !state.replaced && !state.shut
    })
}

/// Closes the socket now where that is wanted: nothing that still waits goes before.
fn close_first(socket: &WebSocket, mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.retain(|effect| match effect {
        Effect::CloseFlow { code, reason, .. } => socket.close(Some(*code), Some(reason)).is_err(),
        _ => true,
    });
    effects
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
pub(super) fn send(socket: &WebSocket, frame: &[u8]) -> Result<()> {
    match std::str::from_utf8(frame) {
        Ok(text) => socket.send_with_str(text),
        Err(_) => socket.send_with_bytes(frame),
    }
}
