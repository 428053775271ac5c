//! A whole user agent for one connection after another (RFC 7118): registration with refresh, calls both
//! ways, answers to OPTIONS, message summaries. It knows no socket: the host connects, hands frames in
//! and drains [`UserAgent::poll`] after every input until it is empty.

mod calls;
pub mod configuration;
pub mod event;
mod keep_alive;
mod registration;
mod requests;

use std::collections::VecDeque;

use configuration::Configuration;
use event::{CallHandle, Event, Output};
use keep_alive::KeepAlive;
use registration::Registration;

use crate::{
    NameAddr, Uri, Via,
    call::{Call, Local},
    message::{Message, ParseError},
    response::Response,
    seed::Seed,
    transaction::PATIENCE_MS,
    websocket::{self, FrameError, Incoming},
};

/// One user agent.
#[derive(Debug)]
pub struct UserAgent {
    configuration: Configuration,
    seed: Seed,
    /// Host of Via and Contact: nobody can reach us but over our connection (RFC 7118 section 5).
    host: String,
    connected: bool,
    registration: Registration,
    keep_alive: KeepAlive,
    /// A handful at most, in the order of their handles.
    calls: Vec<(CallHandle, Call)>,
    last_handle: u32,
    /// Until when calls that are kept wait for a new connection.
    patience_ms: Option<i64>,
    outputs: VecDeque<Output>,
}

impl UserAgent {
    /// A user agent that is not connected. `seed` is 32 fresh random bytes.
    #[must_use]
    pub fn new(configuration: Configuration, seed: [u8; 32]) -> Self {
        let mut seed = Seed::new(seed);
        Self {
            configuration,
            host: format!("{}.invalid", seed.hex()),
            connected: false,
            registration: Registration::new(&mut seed),
            keep_alive: KeepAlive::default(),
            calls: Vec::new(),
            last_handle: 0,
            patience_ms: None,
            outputs: VecDeque::new(),
            seed,
        }
    }

    /// Another identity from now on (sign-in, name, token); calls in progress keep theirs.
    pub fn configure(&mut self, configuration: Configuration) {
        self.configuration = configuration;
        self.registration.identity_changed();
    }

    /// A connection stands. A wanted registration is made anew, calls that were kept go on.
    pub fn connected(&mut self, now_ms: i64) {
        self.connected = true;
        self.patience_ms = None;
        self.keep_alive.start(now_ms, &mut self.seed);
        self.refresh_registration(now_ms);
        self.resume_calls(now_ms);
    }

    /// The connection is gone; calls in progress end as [`crate::call::event::EndCause::ConnectionLost`]: those that
    /// are kept after 32 seconds without another, all others at once. A new connection that fails changes nothing.
    pub fn disconnected(&mut self, now_ms: i64) {
        if !core::mem::replace(&mut self.connected, false) {
            return;
        }
        self.keep_alive.stop();
        self.registration.connection_lost();
        self.lose_calls(Call::survives);
        self.patience_ms = self.is_needed().then(|| now_ms.saturating_add(PATIENCE_MS));
    }

    /// Whether a call waits for a new connection.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.calls.iter().any(|(_, call)| call.survives())
    }

    /// One WebSocket message came, text or binary alike. What it does not understand it drops.
    pub fn receive(&mut self, frame: &[u8], now_ms: i64) {
        self.keep_alive.heard();
        match websocket::classify(frame) {
            Ok(Incoming::KeepAlive) => self.send(websocket::PONG.to_vec()),
            Ok(Incoming::Message(message)) => self.receive_message(*message, now_ms),
            Err(FrameError::Refused(error)) => self.refuse(error),
            Ok(Incoming::KeepAliveAnswer) | Err(FrameError::Empty | FrameError::Partial) => {}
        }
    }

    /// Time has come to [`Self::next_wakeup`] or past it.
    pub fn elapse(&mut self, now_ms: i64) {
        if self.connected {
            self.elapse_keep_alive(now_ms);
            self.elapse_registration(now_ms);
        }
        if self.patience_ms.is_some_and(|due| due <= now_ms) {
            self.patience_ms = None;
            self.lose_calls(|_| false);
        }
        let handles: Vec<CallHandle> = self.calls.iter().map(|(handle, _)| *handle).collect();
        for handle in handles {
            self.with_call(handle, |call| call.elapse(now_ms));
        }
    }

    /// The next output; call until nothing comes.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::elapse`] must be called next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<i64> {
        let connection = self.connected.then(|| {
            self.keep_alive
                .due_ms()
                .into_iter()
                .chain(self.registration.due_ms())
        });
        let calls = self.calls.iter().filter_map(|(_, call)| call.wake_at());
        let times = connection.into_iter().flatten().chain(calls);
        times.chain(self.patience_ms).min()
    }

    /// Whether a connection stands.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    fn receive_message(&mut self, message: Message, now_ms: i64) {
        match message {
            Message::Request(request) => self.receive_request(request, now_ms),
            Message::Response(response) => self.receive_response(response, now_ms),
        }
    }

    fn refuse(&mut self, error: ParseError) {
        if let Some(answer) = error.answer {
            self.send(answer.to_bytes());
        }
    }

    fn receive_response(&mut self, response: Response, now_ms: i64) {
        if self.registration.owns(&response) {
            return self.receive_registered(&response, now_ms);
        }
        let message = Message::Response(response);
        if let Some(handle) = self.owner(&message) {
            self.with_call(handle, |call| call.receive(&message, now_ms));
        }
    }

    fn elapse_keep_alive(&mut self, now_ms: i64) {
        match self.keep_alive.elapse(now_ms, &mut self.seed) {
            keep_alive::Due::Nothing => {}
            keep_alive::Due::Ping => self.send(websocket::PING.to_vec()),
            keep_alive::Due::Stale => self.push(Event::ConnectionStale),
        }
    }

    /// Own address, or the anonymous one (RFC 3323 section 4.1.1.3).
    fn own_address(&self) -> NameAddr {
        let own = self.configuration.address.as_deref();
        let uri = own
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| Uri::sip("anonymous", "anonymous.invalid"));
        let name = self.configuration.display_name.as_deref();
        NameAddr::new(uri).with_display_name(name.unwrap_or_default())
    }

    fn local(&self) -> Local {
        let user = self.own_address().uri.decoded_user();
        let contact = Uri::sip(user.as_deref().unwrap_or("anonymous"), &self.host)
            .with_param("transport", "ws");
        Local {
            contact: NameAddr::new(contact),
            via: Via::new("WSS", &self.host, ""),
        }
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Send(bytes));
    }

    fn push(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
