//! The user agent and its connection: socket, wake-ups, reconnects with jitter.

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use deposit::retry::Backoff;
use sip::call::event::Event as CallEvent;
use sip::user_agent::UserAgent;
use sip::user_agent::configuration::Configuration;
use sip::user_agent::event::{CallHandle, Event, Output};

use super::conversation::Conversation;
use super::reach::{Reach, Sight, Standing};
use super::socket::{Happening, Socket};

use crate::client::{ClientEvent, Listener};
use crate::clock;
use crate::media::can_talk;
use crate::problem::Problem;
use crate::queue::{Queue, within};
use crate::timer::Timer;

/// A connection that does not stand after this long is given up.
const CONNECT_MS: u32 = 10_000;
/// Temporarily unavailable: what a page says to callers that takes no calls.
const UNAVAILABLE: u16 = 480;
/// While a call waits for the next connection, it is tried at least so often.
const URGENT_MS: i64 = 2_000;

/// Somebody calls.
pub(crate) struct Caller {
    /// His address.
    pub(crate) from: String,
    /// The address that the server vouches for.
    pub(crate) asserted: Option<String>,
    /// His name, as he gives it.
    pub(crate) display_name: Option<String>,
    /// His offer, if his call brings one.
    pub(crate) offer: Option<String>,
    /// Where his greeting plays from, if it is his voicemail that calls.
    pub(crate) greeting_url: Option<String>,
}

type OnCall = Rc<dyn Fn(Conversation, Caller)>;

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
    reach: Reach,
    /// Who takes calls that come.
    on_call: RefCell<Option<OnCall>>,
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
            reach: Reach::default(),
            on_call: RefCell::new(None),
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
        self.inner.reach.ask();
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
        self.inner.tell(self.inner.reach.leave());
    }

    /// Calls that come go to `take` from now on.
    pub(crate) fn take_calls(&self, take: impl Fn(Conversation, Caller) + 'static) {
        self.inner.on_call.replace(Some(Rc::new(take)));
    }

    /// The network may be back: a wanted connection is tried at once.
    pub(crate) fn retry(&self) {
        if self.inner.is_wanted() {
            self.inner.reconnect_now();
        }
    }

    /// Ends connection, calls and timers.
    pub(crate) fn close(&self) {
        self.inner.listening.set(false);
        self.inner.reconnect.clear();
        self.inner.pump();
        if let Some(socket) = self.inner.socket.borrow().as_ref() {
            socket.say_goodbye();
        }
        self.inner.lost();
        self.inner.pump();
        self.inner.reconnect.clear();
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
        let conversation = self.conversation(handle);
        self.inner.pump();
        Ok(conversation)
    }

    fn conversation(&self, handle: CallHandle) -> Conversation {
        let events = Queue::new();
        let mut conversations = self.inner.conversations.borrow_mut();
        conversations.push((handle, events.clone()));
        Conversation::new(self.clone(), handle, events)
    }

    /// Nobody follows this call any more.
    pub(super) fn forget(&self, handle: CallHandle) {
        let mut conversations = self.inner.conversations.borrow_mut();
        conversations.retain(|(known, _)| *known != handle);
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
    pub(super) fn command<Output>(&self, command: impl FnOnce(&mut UserAgent) -> Output) -> Output {
        let output = command(&mut self.inner.rules.borrow_mut());
        self.inner.pump();
        output
    }
}

impl Inner {
    fn is_connected(&self) -> bool {
        self.socket.borrow().as_ref().is_some_and(Socket::is_open)
    }

    /// Whether somebody waits for calls, or a call for its connection.
    fn is_wanted(&self) -> bool {
        self.listening.get() || self.rules.borrow().is_needed()
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

    /// The connection is gone; a listening page gets a new one, later and later with jitter, and a call soon.
    fn lost(&self) {
        if self.socket.take().is_none() {
            return;
        }
        self.rules.borrow_mut().disconnected(clock::now_ms());
        self.listener
            .emit(ClientEvent::Connection { online: false });
        self.tell_waiting(false);
        if !self.is_wanted() {
            return;
        }
        self.failures.set(self.failures.get().saturating_add(1));
        let entropy = clock::random().map_or(0, u64::from_le_bytes);
        let mut delay = Backoff::RECONNECT.delay_ms(self.failures.get(), entropy, None);
        if self.rules.borrow().is_needed() {
            delay = delay.min(URGENT_MS);
        }
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
        self.look_around();
    }

    /// Says whether calls ring here, where that has changed.
    fn look_around(&self) {
        if !self.listening.get() {
            return;
        }
        let has_failed = self.failures.get() > 0 || !crate::online();
        self.tell(self.reach.look(Sight {
            can_talk: can_talk(),
            is_registered: self.rules.borrow().is_registered(clock::now_ms()),
            is_away: !self.is_connected() && has_failed,
        }));
    }

    fn tell(&self, standing: Option<Standing>) {
        if let Some(standing) = standing {
            self.listener.emit(ClientEvent::Reachable {
                registered: standing == Standing::Rings,
                reason: match standing {
                    Standing::Rings => None,
                    Standing::Not(reason) => Some(reason),
                },
            });
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
            Event::Incoming {
                call,
                from,
                asserted,
                display_name,
                sdp: offer,
                greeting_url,
            } => self.called(
                call,
                Caller {
                    from,
                    asserted,
                    display_name,
                    offer,
                    greeting_url,
                },
            ),
            Event::MessageSummary { new, old } => self.listener.emit(ClientEvent::Mailbox {
                new,
                total: new.saturating_add(old),
            }),
            Event::RegistrationFailed { status } => {
                self.reach.refuse(status);
                self.listener.problem(registration_failed(status));
            }
            Event::ConnectionStale => self.lost(),
            Event::Registered { .. } | Event::Unregistered => {}
        }
    }

    fn called(&self, call: CallHandle, caller: Caller) {
        let on_call = self.on_call.borrow().clone();
        match on_call.zip(self.itself.upgrade()) {
            Some((on_call, inner)) => on_call(Agent { inner }.conversation(call), caller),
            None => {
                let now = clock::now_ms();
                self.rules.borrow_mut().reject(call, UNAVAILABLE, now);
            }
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
            "The server does not accept this sign-in any more. Sign in again.",
        ),
        _ => Problem::new(
            "registration_failed",
            format!(
                "New messages are not announced right now (status {status}); it is tried again."
            ),
        ),
    }
}
