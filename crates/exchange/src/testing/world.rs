//! A whole exchange in memory on virtual time: every object with its own database, every connection with a
//! user agent at its far end. Effects are carried out in order, as the shell does.

mod accounts;
mod carrying;
mod proxy;
mod time;

use std::{
    collections::{BTreeMap, VecDeque},
    ops::{Deref, DerefMut},
    path::PathBuf,
};

use sip::{
    Message,
    call::event::Event as CallEvent,
    credentials::Credentials,
    user_agent::{
        UserAgent,
        event::{CallHandle, Event, Output},
    },
};

use super::{Answers, Edge, Killed, OFFER, Turn, Visit, phone::Phone};

use crate::{
    context::Entropy,
    effect::Effect,
    flow::{self, FlowState, absence::Absence},
    http::Response,
    network::Tally,
    object::Object,
    settings::Settings,
    signal::Signal,
    upstream::Upstream,
};

/// No story needs more effects than this between two inputs.
const MAX_STEPS: usize = 2_000;
const NOW: i64 = 1_700_000_000_000;

pub(crate) struct World {
    edge: Edge,
    flows: BTreeMap<String, FlowState>,
    phones: BTreeMap<String, Phone>,
    /// KV writes in order.
    pub(crate) sessions: Vec<(String, String)>,
    /// What webhooks got: tag and body.
    pub(crate) posts: Vec<(String, Vec<u8>)>,
    queue: VecDeque<(Object, Effect)>,
    /// Reminders and when they come.
    reminders: Vec<(i64, Object, Signal)>,
    /// What each network did.
    networks: BTreeMap<String, Tally>,
    /// With which codes and reasons connections were closed.
    pub(crate) closed: Vec<(u16, String)>,
    /// Connections without a socket that somebody may come back to.
    absences: BTreeMap<String, Absence>,
    /// The connection to a foreign proxy, and what the proxy got.
    upstream: Option<Upstream>,
    proxy: Vec<Message>,
    /// Whether it wants a connection.
    connects: bool,
    /// What the connection to the proxy told the operator.
    pub(crate) told: Vec<String>,
    /// This phone is gone without a word after so many frames to or from it.
    cut: Option<(String, u32)>,
}

impl Deref for World {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Edge {
        &mut self.edge
    }
}

impl World {
    /// An exchange with accounts for alice and bob.
    pub(crate) fn new() -> Self {
        Self::with_settings(crate::settings::tests::settings())
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        let mut edge = Edge::new(NOW, 0, None);
        edge.settings = settings;
        Self::on(edge)
    }

    /// An exchange whose randomness follows from `seed`, in memory or in the files of a folder.
    pub(crate) fn seeded(seed: u64, folder: Option<PathBuf>) -> Self {
        Self::on(Edge::new(NOW, seed, folder))
    }

    fn on(edge: Edge) -> Self {
        let mut world = Self {
            edge,
            flows: BTreeMap::new(),
            phones: BTreeMap::new(),
            sessions: Vec::new(),
            posts: Vec::new(),
            queue: VecDeque::new(),
            reminders: Vec::new(),
            networks: BTreeMap::new(),
            closed: Vec::new(),
            absences: BTreeMap::new(),
            upstream: None,
            proxy: Vec::new(),
            connects: false,
            told: Vec::new(),
            cut: None,
        };
        for name in ["alice", "bob"] {
            world.make_account(name);
        }
        world
    }

    /// A phone with a connection; `name` is its owner, or anything for an anonymous one.
    pub(crate) fn phone(&mut self, name: &str, address: Option<&str>, credentials: Credentials) {
        let seed = self.edge.seed();
        let phone = Phone::new(address, credentials, seed);
        self.phones.insert(name.to_owned(), phone);
        self.connect(name);
    }

    /// A phone of a user, with its password.
    pub(crate) fn user(&mut self, phone: &str, name: &str) {
        let credentials = Credentials::Password {
            user: name.to_owned(),
            password: format!("{name}-demo"),
        };
        self.phone(phone, Some(&format!("sip:{name}@localhost")), credentials);
    }

    /// A registered phone that does this when it is called.
    pub(crate) fn registered(&mut self, phone: &str, name: &str, answers: Answers) {
        self.user(phone, name);
        self.get(phone).answers = answers;
        self.act(phone, UserAgent::register);
        assert!(
            self.get(phone)
                .events
                .iter()
                .any(|event| matches!(event, Event::Registered { .. })),
            "{phone} is not registered: {:?}",
            self.get(phone).events
        );
    }

    /// What a phone does from now on when it is called.
    pub(crate) fn answer(&mut self, phone: &str, answers: Answers) {
        self.get(phone).answers = answers;
    }

    pub(crate) fn connect(&mut self, phone: &str) {
        let name = Entropy::new(self.edge.seed()).hex(16);
        let state = flow::on_open(&name, "192.0.2.1", "", false);
        self.flows.insert(name.clone(), state);
        self.get(phone).flow = name;
        self.act(phone, UserAgent::connected);
    }

    /// A phone opens the connection that it calls by this value, or comes back to it.
    pub(crate) fn connect_as(&mut self, phone: &str, value: &str) {
        let name = flow::absence::name_of(value).expect("a value");
        let mut state = flow::on_open(&name, "192.0.2.1", "", true);
        let mut missed = Vec::new();
        if let Some(absence) = self.absences.remove(&name) {
            (state, missed) = absence.end(state);
        } else if let Some(older) = self.flows.get(&name) {
            state = state.continuing(older);
        }
        for phone in self.phones.values_mut() {
            if phone.flow == name {
                phone.flow.clear();
            }
        }
        self.flows.insert(name.clone(), state);
        self.get(phone).flow.clone_from(&name);
        for frame in missed {
            self.deliver(&name, &frame.0);
        }
        self.act(phone, UserAgent::connected);
    }

    /// The socket of a phone breaks, which the exchange sees at once and the phone does not.
    pub(crate) fn lose(&mut self, phone: &str) {
        let name = std::mem::take(&mut self.get(phone).flow);
        let state = self.flows.remove(&name).expect("a connection");
        match Absence::begin(&state, 1006, self.now_ms) {
            Some(absence) => {
                self.absences.insert(name, absence);
            }
            None => self.close(name, &state),
        }
        self.settle();
    }

    /// The socket closes and both sides know.
    pub(crate) fn disconnect(&mut self, phone: &str) {
        let name = std::mem::take(&mut self.get(phone).flow);
        if let Some(state) = self.flows.remove(&name) {
            self.close(name, &state);
        }
        self.act(phone, UserAgent::disconnected);
    }

    fn close(&mut self, name: String, state: &FlowState) {
        let object = Object::Flow(name);
        let effects = self
            .edge
            .at(&object, |_, context| Ok(flow::on_close(state, context)));
        self.accept(&object, effects.expect("close"));
    }

    /// The phone is gone without a word: the exchange finds no socket when it sends.
    pub(crate) fn die(&mut self, phone: &str) {
        let name = std::mem::take(&mut self.get(phone).flow);
        self.flows.remove(&name);
    }

    /// The connection of this phone will be gone after so many frames, without a word.
    pub(crate) fn die_after(&mut self, phone: &str, frames: u32) {
        self.cut = Some((phone.to_owned(), frames));
    }

    /// Counts a frame on a connection; false when it is gone from now on.
    fn carries(&mut self, flow: &str) -> bool {
        let Some((name, left)) = self.cut.clone() else {
            return true;
        };
        if self.get(&name).flow != flow {
            return true;
        }
        self.cut = left.checked_sub(1).map(|left| (name.clone(), left));
        if self.cut.is_none() {
            self.die(&name);
        }
        left > 0
    }

    pub(crate) fn get(&mut self, phone: &str) -> &mut Phone {
        self.phones.get_mut(phone).expect("a phone of this name")
    }

    /// Does something with a phone's agent and lets everything that follows happen.
    pub(crate) fn act<T>(&mut self, phone: &str, act: impl FnOnce(&mut UserAgent, i64) -> T) -> T {
        let now_ms = self.now_ms;
        let result = act(&mut self.get(phone).agent, now_ms);
        self.settle();
        result
    }

    pub(crate) fn call(&mut self, phone: &str, to: &str) -> CallHandle {
        self.act(phone, |agent, now| agent.call(to, Some(OFFER), now))
    }

    /// Sends literal text over a phone's connection.
    pub(crate) fn raw(&mut self, phone: &str, text: &str) {
        let flow = self.get(phone).flow.clone();
        self.frame(&flow, text.as_bytes());
        self.settle();
    }

    /// What a phone's calls reported, in order.
    pub(crate) fn call_events(&mut self, phone: &str) -> Vec<CallEvent> {
        let events = self.get(phone).events.iter();
        events
            .filter_map(|event| match event {
                Event::Call { event, .. } => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// Start lines and statuses of all that a phone received.
    pub(crate) fn statuses(&mut self, phone: &str) -> Vec<String> {
        let received = self.get(phone).received.iter();
        received
            .map(|message| match message {
                Message::Request(request) => request.method().to_string(),
                Message::Response(response) => {
                    format!("{} {}", response.status(), response.cseq().1)
                }
            })
            .collect()
    }

    /// The newest counts that a phone was told.
    pub(crate) fn shown_counts(&mut self, phone: &str) -> Option<(u32, u32)> {
        let mut events = self.get(phone).events.iter().rev();
        events.find_map(|event| match event {
            Event::MessageSummary { new, old, .. } => Some((*new, *old)),
            _ => None,
        })
    }

    /// The last request of this method that a phone sent, as text.
    pub(crate) fn last_sent(&mut self, phone: &str, method: &str) -> String {
        let mut sent = self.get(phone).sent.iter().rev();
        let frame = sent.find(|frame| frame.starts_with(method.as_bytes()));
        String::from_utf8(frame.expect("a frame").clone()).expect("text")
    }

    /// Gives a line a signal as another object would.
    pub(crate) fn signal_line(&mut self, address: &str, signal: Signal) {
        self.signal(&Object::Line(address.to_owned()), signal);
        self.settle();
    }

    fn accept(&mut self, from: &Object, effects: Vec<Effect>) {
        self.queue
            .extend(effects.into_iter().map(|effect| (from.clone(), effect)));
    }

    /// Carries out the oldest effect that waits; false if none does. One whose process died is lost.
    pub(crate) fn carry_out_one(&mut self) -> bool {
        let Some((from, effect)) = self.queue.pop_front() else {
            return false;
        };
        if self.edge.point().is_ok() {
            self.carry_out(&from, effect);
        }
        true
    }

    /// One turn of a request; its answer at the end, if it is heard.
    pub(crate) fn turn(&mut self, visit: &mut Visit) -> Result<Option<Response>, Killed> {
        match visit.turn(&self.edge)? {
            Turn::Going => Ok(None),
            Turn::Ask { to, signal } => {
                let reply = self.signal(&to, signal);
                visit.told(reply);
                Ok(None)
            }
            Turn::Answer { response, effects } => {
                let object = visit.object.clone();
                self.accept(&object, effects);
                self.edge.point()?;
                Ok(Some(response))
            }
        }
    }

    /// The next process: effects that were not carried out are lost, and so are all connections.
    pub(crate) fn restart(&mut self) {
        self.queue.clear();
        self.reminders.clear();
        self.edge.restart();
        self.flows.clear();
        let now_ms = self.edge.now_ms;
        for phone in self.phones.values_mut() {
            phone.flow.clear();
            phone.agent.disconnected(now_ms);
        }
        self.settle();
    }

    /// Carries out all effects and lets all phones speak until nothing more follows.
    fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            if self.edge.is_dead() {
                self.queue.clear();
                return;
            }
            if self.carry_out_one() {
                continue;
            }
            if !self.hear_phones() {
                return;
            }
        }
        panic!("the exchange does not come to rest");
    }

    /// Takes one output of one phone; false when all are silent.
    fn hear_phones(&mut self) -> bool {
        let now_ms = self.now_ms;
        let mut sent = None;
        for phone in self.phones.values_mut() {
            let Some(output) = phone.agent.poll() else {
                continue;
            };
            match output {
                Output::Send(frame) => {
                    phone.sent.push(frame.clone());
                    sent = Some((phone.flow.clone(), frame));
                }
                Output::Event(event) => phone.take(event, now_ms),
            }
            if let Some((flow, frame)) = sent {
                self.frame(&flow, &frame);
            }
            return true;
        }
        false
    }
}
