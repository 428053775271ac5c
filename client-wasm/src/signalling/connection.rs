//! The user agent and its connection: socket, wake-ups, reconnects with jitter.

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use deposit::retry::Backoff;
use sip::call::event::Event as CallEvent;
use sip::user_agent::UserAgent;
use sip::user_agent::configuration::Configuration;
use sip::user_agent::event::{CallHandle, Event, Output};

use super::socket::{Happening, Socket};

use crate::client::{ClientEvent, Listener};
use crate::clock;
use crate::problem::Problem;
use crate::queue::{Queue, within};
use crate::timer::Timer;

/// A connection that does not stand after this long is given up.
const CONNECT_MS: u32 = 10_000;
/// Temporarily unavailable: what the page says to callers until it can answer calls.
const UNAVAILABLE: u16 = 480;

/// The user agent of this page; clones share it.
#[derive(Clone)]
pub(crate) struct Agent {
    inner: Rc<Inner>,
}

struct Inner {
    url: String,
    listener: Listener,
    rules: RefCell<UserAgent>,
    socket: RefCell<Option<Socket>>,
    conversations: RefCell<Vec<(CallHandle, Queue<CallEvent>)>>,
    waiting: RefCell<Vec<Queue<bool>>>,
    wakeup: Timer,
    reconnect: Timer,
    failures: Cell<u32>,
    listening: Cell<bool>,
    itself: Weak<Self>,
}

impl Agent {
    /// An agent that is not connected yet.
    pub(crate) fn new(
        url: &str,
        configuration: Configuration,
        listener: Listener,
    ) -> Result<Self, Problem> {
        let rules = UserAgent::new(configuration, clock::random()?);
        let inner = Rc::new_cyclic(|itself| Inner {
            url: url.to_owned(),
            listener,
            rules: RefCell::new(rules),
            socket: RefCell::new(None),
            conversations: RefCell::default(),
            waiting: RefCell::default(),
            wakeup: Timer::default(),
            reconnect: Timer::default(),
            failures: Cell::new(0),
            listening: Cell::new(false),
            itself: Weak::clone(itself),
        });
        Ok(Self { inner })
    }

    /// Another identity from now on.
    pub(crate) fn configure(&self, configuration: Configuration) {
        self.inner.rules.borrow_mut().configure(configuration);
    }

    /// Registers and stays registered over reconnects.
    pub(crate) fn listen(&self) {
        self.inner.listening.set(true);
        self.inner.rules.borrow_mut().register(clock::now_ms());
        self.inner.pump();
        self.inner.reconnect_now();
    }

    /// Removes the registration and stops reconnecting.
    pub(crate) fn stop_listening(&self) {
        self.inner.listening.set(false);
        self.inner.reconnect.clear();
        self.inner.rules.borrow_mut().unregister(clock::now_ms());
        self.inner.pump();
    }

    /// The network may be back: a wanted connection is tried at once.
    pub(crate) fn retry(&self) {
        if self.inner.listening.get() {
            self.inner.reconnect_now();
        }
    }

    /// Ends connection, calls and timers.
    pub(crate) fn close(&self) {
        self.inner.listening.set(false);
        self.inner.reconnect.clear();
        self.inner.pump();
        self.inner.lost();
        self.inner.pump();
        self.inner.wakeup.clear();
    }

    /// Calls `to` as soon as the connection stands.
    pub(crate) async fn call(
        &self,
        to: &str,
        offer: Option<&str>,
    ) -> Result<Conversation, Problem> {
        self.connect().await?;
        let handle = self
            .inner
            .rules
            .borrow_mut()
            .call(to, offer, clock::now_ms());
        let events = Queue::new();
        self.inner
            .conversations
            .borrow_mut()
            .push((handle, events.clone()));
        self.inner.pump();
        Ok(Conversation {
            agent: self.clone(),
            handle,
            events,
        })
    }

    async fn connect(&self) -> Result<(), Problem> {
        if self.inner.is_connected() {
            return Ok(());
        }
        let stands = Queue::new();
        self.inner.waiting.borrow_mut().push(stands.clone());
        self.inner.reconnect_now();
        let outcome = within(CONNECT_MS, async move { stands.next().await }).await;
        match outcome {
            Some(true) => Ok(()),
            _ => Err(Problem::new(
                "unreachable",
                "The server cannot be reached right now. You can record and send the message later.",
            )),
        }
    }

    /// Runs one command and carries out what follows from it.
    fn command<Output>(&self, command: impl FnOnce(&mut UserAgent) -> Output) -> Output {
        let output = command(&mut self.inner.rules.borrow_mut());
        self.inner.pump();
        output
    }
}

impl Inner {
    fn is_connected(&self) -> bool {
        self.socket.borrow().as_ref().is_some_and(Socket::is_open)
    }

    fn reconnect_now(&self) {
        self.reconnect.clear();
        if self.socket.borrow().is_some() {
            return;
        }
        if !crate::online() {
            self.tell_waiting(false);
            return;
        }
        let itself = Weak::clone(&self.itself);
        let opened = Socket::open(&self.url, move |happening| {
            if let Some(inner) = itself.upgrade() {
                inner.on_socket(happening);
            }
        });
        match opened {
            Ok(socket) => drop(self.socket.replace(Some(socket))),
            Err(problem) => {
                self.listener.problem(problem);
                self.tell_waiting(false);
            }
        }
    }

    fn on_socket(&self, happening: Happening) {
        match happening {
            Happening::Opened => {
                self.failures.set(0);
                self.rules.borrow_mut().connected(clock::now_ms());
                self.listener.emit(ClientEvent::Connection { online: true });
                self.tell_waiting(true);
            }
            Happening::Frame(frame) => {
                self.rules.borrow_mut().receive(&frame, clock::now_ms());
            }
            Happening::Closed => self.lost(),
        }
        self.pump();
    }

    /// The connection is gone; a listening page gets a new one, later and later with jitter.
    fn lost(&self) {
        if self.socket.take().is_none() {
            return;
        }
        self.rules.borrow_mut().disconnected(clock::now_ms());
        self.listener
            .emit(ClientEvent::Connection { online: false });
        self.tell_waiting(false);
        if !self.listening.get() {
            return;
        }
        self.failures.set(self.failures.get().saturating_add(1));
        let entropy = clock::random().map_or(0, u64::from_le_bytes);
        let delay = Backoff::RECONNECT.delay_ms(self.failures.get(), entropy, None);
        let itself = Weak::clone(&self.itself);
        self.reconnect
            .after(u32::try_from(delay).unwrap_or(30_000), move || {
                if let Some(inner) = itself.upgrade() {
                    inner.reconnect_now();
                }
            });
    }

    fn tell_waiting(&self, stands: bool) {
        for waiting in self.waiting.take() {
            waiting.push(stands);
        }
    }

    /// Carries out all outputs, then arms the next wake-up.
    fn pump(&self) {
        loop {
            let output = self.rules.borrow_mut().poll();
            match output {
                Some(Output::Send(frame)) => self.send(&frame),
                Some(Output::Event(event)) => self.on_event(event),
                None => break,
            }
        }
        let next = self.rules.borrow().next_wakeup();
        match next {
            Some(due) => self.wake_at(due),
            None => self.wakeup.clear(),
        }
    }

    fn send(&self, frame: &[u8]) {
        if let Some(socket) = self.socket.borrow().as_ref() {
            socket.send(frame);
        }
    }

    fn wake_at(&self, due: i64) {
        let itself = Weak::clone(&self.itself);
        self.wakeup.at(due, move || {
            if let Some(inner) = itself.upgrade() {
                inner.rules.borrow_mut().elapse(clock::now_ms());
                inner.pump();
            }
        });
    }

    fn on_event(&self, event: Event) {
        match event {
            Event::Call { call, event } => self.deliver(call, event),
            Event::Incoming { call, .. } => {
                let now = clock::now_ms();
                self.rules.borrow_mut().reject(call, UNAVAILABLE, now);
            }
            Event::MessageSummary { new, old } => self.listener.emit(ClientEvent::Mailbox {
                new,
                total: new.saturating_add(old),
            }),
            Event::RegistrationFailed { status } => {
                self.listener.problem(registration_failed(status));
            }
            Event::ConnectionStale => self.lost(),
            Event::Registered { .. } | Event::Unregistered => {}
        }
    }

    fn deliver(&self, call: CallHandle, event: CallEvent) {
        let conversations = self.conversations.borrow();
        if let Some((_, events)) = conversations.iter().find(|(known, _)| *known == call) {
            events.push(event);
        }
    }
}

fn registration_failed(status: u16) -> Problem {
    match status {
        401 | 403 | 407 => Problem::new(
            "login_expired",
            "Your sign-in has ended. Sign in again to hear of new messages at once.",
        ),
        _ => Problem::new(
            "registration_failed",
            format!(
                "New messages are not announced right now (status {status}); it is tried again."
            ),
        ),
    }
}

/// One call of ours. Dropping it hangs up.
pub(crate) struct Conversation {
    agent: Agent,
    handle: CallHandle,
    events: Queue<CallEvent>,
}

impl Conversation {
    /// What happens in the call, in order.
    pub(crate) fn events(&self) -> Queue<CallEvent> {
        self.events.clone()
    }

    /// Answers an INFO with 200.
    pub(crate) fn accept_info(&self, id: u32) {
        self.agent
            .command(|rules| rules.accept_info(self.handle, id));
    }

    /// Refuses an INFO.
    pub(crate) fn reject_info(&self, id: u32, status: u16) {
        self.agent
            .command(|rules| rules.reject_info(self.handle, id, status));
    }

    /// Sends an INFO.
    pub(crate) fn send_info(&self, content_type: &str, body: &[u8]) {
        self.agent.command(|rules| {
            rules.send_info(self.handle, content_type, body, clock::now_ms());
        });
    }

    /// Ends the call whatever its state.
    pub(crate) fn hang_up(&self) {
        self.agent.command(|rules| {
            rules.hang_up(self.handle, None, None, clock::now_ms());
        });
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.hang_up();
        self.agent
            .inner
            .conversations
            .borrow_mut()
            .retain(|(known, _)| *known != self.handle);
    }
}
