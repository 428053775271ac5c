//! A whole exchange in memory on virtual time: every object with its own database, every connection with a
//! user agent at its far end. Effects are carried out in order, as the shell does.

use std::collections::{BTreeMap, VecDeque};

use sip::{
    Message,
    call::event::Event as CallEvent,
    credentials::Credentials,
    user_agent::{
        UserAgent,
        event::{CallHandle, Event, Output},
    },
};

use super::phone::{Answers, OFFER, Phone};

use crate::{
    context::{Context, Entropy, Outcome},
    effect::Effect,
    flow::{self, FlowState},
    http::{Body, Request, Response},
    line, mailbox,
    object::Object,
    settings::Settings,
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
    testing::Memory,
    wakeup,
};

/// No story needs more effects than this between two inputs.
const MAX_STEPS: usize = 2_000;

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) now_ms: i64,
    events: u64,
    stores: BTreeMap<Object, Memory>,
    flows: BTreeMap<String, FlowState>,
    phones: BTreeMap<String, Phone>,
    /// KV writes in order.
    pub(super) sessions: Vec<(String, String)>,
    queue: VecDeque<(Object, Effect)>,
    /// This phone is gone without a word after so many frames to or from it.
    cut: Option<(String, u32)>,
}

impl World {
    /// An exchange with accounts for alice and bob.
    pub(super) fn new() -> Self {
        Self::with_settings(crate::settings::tests::settings())
    }

    pub(super) fn with_settings(settings: Settings) -> Self {
        let mut world = Self {
            settings,
            now_ms: 1_700_000_000_000,
            events: 0,
            stores: BTreeMap::new(),
            flows: BTreeMap::new(),
            phones: BTreeMap::new(),
            sessions: Vec::new(),
            queue: VecDeque::new(),
            cut: None,
        };
        for name in ["alice", "bob"] {
            world.make_account(name);
        }
        world
    }

    fn make_account(&mut self, name: &str) {
        let request = Request {
            method: "PUT".to_owned(),
            path: format!("/admin/users/sip%3A{name}%40localhost"),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: format!(r#"{{"password":"{name}-demo","display_name":"{name}"}}"#).into_bytes(),
            ..Request::default()
        };
        let response = self.http(name, &request);
        assert!(response.status < 300, "{response:?}");
    }

    /// The login token of a user.
    pub(super) fn token(&mut self, name: &str) -> String {
        let request = Request {
            method: "POST".to_owned(),
            path: "/login".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: format!(r#"{{"address":"sip:{name}@localhost","password":"{name}-demo"}}"#)
                .into_bytes(),
            ..Request::default()
        };
        let response = self.http(name, &request);
        let Body::Bytes(body) = &response.body else {
            panic!("{response:?}");
        };
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        body["token"].as_str().expect("token").to_owned()
    }

    fn http(&mut self, name: &str, request: &Request) -> Response {
        let object = Object::Line(format!("sip:{name}@localhost"));
        let (response, effects) = self
            .rule(&object, |sql, context| line::on_http(sql, context, request))
            .expect("storage");
        self.accept(&object, effects);
        self.settle();
        response
    }

    /// A phone with a connection; `name` is its owner, or anything for an anonymous one.
    pub(super) fn phone(&mut self, name: &str, address: Option<&str>, credentials: Credentials) {
        let seed = self.seed();
        let phone = Phone::new(address, credentials, seed);
        self.phones.insert(name.to_owned(), phone);
        self.connect(name);
    }

    /// A phone of a user, with its password.
    pub(super) fn user(&mut self, phone: &str, name: &str) {
        let credentials = Credentials::Password {
            user: name.to_owned(),
            password: format!("{name}-demo"),
        };
        self.phone(phone, Some(&format!("sip:{name}@localhost")), credentials);
    }

    /// A registered phone that does this when it is called.
    pub(super) fn registered(&mut self, phone: &str, name: &str, answers: Answers) {
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
    pub(super) fn answer(&mut self, phone: &str, answers: Answers) {
        self.get(phone).answers = answers;
    }

    pub(super) fn connect(&mut self, phone: &str) {
        let name = Entropy::new(self.seed()).hex(16);
        self.flows
            .insert(name.clone(), flow::on_open(&name, "192.0.2.1", ""));
        self.get(phone).flow = name;
        self.act(phone, UserAgent::connected);
    }

    /// The socket closes and both sides know.
    pub(super) fn disconnect(&mut self, phone: &str) {
        let name = std::mem::take(&mut self.get(phone).flow);
        if let Some(state) = self.flows.remove(&name) {
            let object = Object::Flow(name);
            let effects = self
                .rule(&object, |_, context| Ok(flow::on_close(&state, context)))
                .expect("close");
            self.accept(&object, effects);
        }
        self.act(phone, UserAgent::disconnected);
    }

    /// The phone is gone without a word: the exchange finds no socket when it sends.
    pub(super) fn die(&mut self, phone: &str) {
        let name = std::mem::take(&mut self.get(phone).flow);
        self.flows.remove(&name);
    }

    /// The connection of this phone will be gone after so many frames, without a word.
    pub(super) fn die_after(&mut self, phone: &str, frames: u32) {
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

    pub(super) fn get(&mut self, phone: &str) -> &mut Phone {
        self.phones.get_mut(phone).expect("a phone of this name")
    }

    /// Does something with a phone's agent and lets everything that follows happen.
    pub(super) fn act<T>(&mut self, phone: &str, act: impl FnOnce(&mut UserAgent, i64) -> T) -> T {
        let now_ms = self.now_ms;
        let result = act(&mut self.get(phone).agent, now_ms);
        self.settle();
        result
    }

    pub(super) fn call(&mut self, phone: &str, to: &str) -> CallHandle {
        self.act(phone, |agent, now| agent.call(to, Some(OFFER), now))
    }

    /// Sends literal text over a phone's connection.
    pub(super) fn raw(&mut self, phone: &str, text: &str) {
        let flow = self.get(phone).flow.clone();
        self.frame(&flow, text.as_bytes());
        self.settle();
    }

    /// What a phone's calls reported, in order.
    pub(super) fn call_events(&mut self, phone: &str) -> Vec<CallEvent> {
        let events = self.get(phone).events.iter();
        events
            .filter_map(|event| match event {
                Event::Call { event, .. } => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// Start lines and statuses of all that a phone received.
    pub(super) fn statuses(&mut self, phone: &str) -> Vec<String> {
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

    /// The last request of this method that a phone sent, as text.
    pub(super) fn last_sent(&mut self, phone: &str, method: &str) -> String {
        let mut sent = self.get(phone).sent.iter().rev();
        let frame = sent.find(|frame| frame.starts_with(method.as_bytes()));
        String::from_utf8(frame.expect("a frame").clone()).expect("text")
    }

    /// Gives a line a signal as another object would.
    pub(super) fn signal_line(&mut self, address: &str, signal: Signal) {
        self.signal(&Object::Line(address.to_owned()), signal);
        self.settle();
    }

    pub(super) fn count(&self, object: &Object, query: &str) -> i64 {
        let rows = self.stores.get(object).map(|sql| sql.query(query, &[]));
        rows.map_or(0, |rows| rows.expect("query")[0].integer(0))
    }

    /// Lets this much time pass; everything that is due on the way happens in its order.
    pub(super) fn advance(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        for _ in 0..MAX_STEPS {
            let Some(due) = self.next_due().filter(|due| *due <= end) else {
                self.now_ms = end;
                return;
            };
            self.now_ms = self.now_ms.max(due);
            self.wake();
        }
        panic!("time does not pass");
    }

    fn next_due(&self) -> Option<i64> {
        let objects = self.stores.values().filter_map(|sql| {
            wakeup::next(sql)
                .or_else(|_| wakeup::next(sql))
                .expect("wakeups")
        });
        let phones = self
            .phones
            .values()
            .filter_map(|phone| phone.agent.next_wakeup());
        objects.chain(phones).min()
    }

    /// The nth statement of this object from now on fails, and with it its transaction.
    pub(super) fn crash(&mut self, object: &Object, nth: u64) {
        self.rule(object, |_, _| Ok(())).expect("an object");
        self.stores[object].crash_at(Some(nth));
    }

    /// Whether the statement that was to fail has been reached.
    pub(super) fn has_crashed(&self, object: &Object, nth: u64) -> bool {
        self.stores[object].statements() > nth
    }

    fn wake(&mut self) {
        let now_ms = self.now_ms;
        let is_due = |sql: &Memory| matches!(wakeup::next(sql), Ok(Some(due)) if due <= now_ms);
        let due = self.stores.iter().filter(|(_, sql)| is_due(sql));
        let objects: Vec<Object> = due.map(|(object, _)| object.clone()).collect();
        for object in objects {
            let woken = self.rule(&object, |sql, context| match &context.object {
                Object::Line(_) => line::on_wakeup(sql, context),
                Object::Mailbox(_) => mailbox::on_wakeup(sql, context),
                _ => Ok(Vec::new()),
            });
            // What failed is still due: the alarm rings again.
            let effects = woken.unwrap_or_default();
            self.accept(&object, effects);
        }
        for phone in self.phones.values_mut() {
            phone.agent.elapse(now_ms);
        }
        self.settle();
    }

    fn seed(&mut self) -> [u8; 32] {
        self.events += 1;
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.events.to_be_bytes());
        seed
    }

    fn rule<T>(
        &mut self,
        object: &Object,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let seed = self.seed();
        let sql = self.stores.entry(object.clone()).or_insert_with(|| {
            let sql = Memory::new();
            match object {
                Object::Line(_) => line::migrate(&sql),
                Object::Mailbox(_) => mailbox::migrate(&sql),
                _ => sql.query(wakeup::TABLE, &[]).map(|_| ()),
            }
            .expect("migration");
            sql
        });
        let context = Context {
            object: object.clone(),
            settings: &self.settings,
            now_ms: self.now_ms,
            entropy: Entropy::new(seed),
        };
        sql.transaction(|sql| rule(sql, &context))
    }

    fn accept(&mut self, from: &Object, effects: Vec<Effect>) {
        self.queue
            .extend(effects.into_iter().map(|effect| (from.clone(), effect)));
    }

    /// Carries out all effects and lets all phones speak until nothing more follows.
    fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            if let Some((from, effect)) = self.queue.pop_front() {
                self.carry_out(&from, effect);
            } else if !self.hear_phones() {
                return;
            }
        }
        panic!("the exchange does not come to rest");
    }

    fn carry_out(&mut self, from: &Object, effect: Effect) {
        match effect {
            Effect::SendFrame {
                flow,
                frame,
                undelivered,
            } => {
                if !self.deliver(&flow, &frame)
                    && let Some(signal) = undelivered
                {
                    self.signal(from, *signal);
                }
            }
            Effect::Signal { to, signal, tag } => {
                let reply = self.signal(&to, *signal);
                if !tag.is_empty() {
                    self.signal(from, Signal::Replied { tag, reply });
                }
            }
            Effect::PutSession { key, value, .. } => self.sessions.push((key, value)),
            Effect::CloseFlow { flow, .. } => {
                self.flows.remove(&flow);
            }
            Effect::DeleteSession { .. } | Effect::DeleteBlob { .. } | Effect::Post { .. } => {}
        }
    }

    fn signal(&mut self, to: &Object, signal: Signal) -> Reply {
        if let Object::Flow(name) = to {
            let state = self.flows.get(name).cloned().unwrap_or_default();
            let effects = flow::on_signal(&state, &signal);
            self.accept(to, effects);
            return Reply::Done;
        }
        let outcome = self.rule(to, |sql, context| match &context.object {
            Object::Line(_) => line::on_signal(sql, context, signal),
            Object::Mailbox(_) => mailbox::on_signal(sql, context, signal),
            _ => Ok(Outcome::done(Vec::new())),
        });
        let Ok(outcome) = outcome else {
            return Reply::Failed {
                code: "storage".to_owned(),
            };
        };
        self.accept(to, outcome.effects);
        outcome.reply
    }

    /// Whether the connection took the frame.
    fn deliver(&mut self, flow: &str, frame: &[u8]) -> bool {
        let now_ms = self.now_ms;
        if !self.carries(flow) {
            return false;
        }
        let Some(phone) = self.phones.values_mut().find(|phone| phone.flow == flow) else {
            return false;
        };
        if let Ok(message) = Message::parse(frame) {
            phone.received.push(message);
        }
        phone.agent.receive(frame, now_ms);
        true
    }

    fn frame(&mut self, flow: &str, frame: &[u8]) {
        if !self.carries(flow) {
            return;
        }
        let Some(state) = self.flows.get(flow).cloned() else {
            return;
        };
        let object = Object::Flow(flow.to_owned());
        let (state, effects) = self
            .rule(&object, |_, context| {
                Ok(flow::on_frame(&state, frame, context))
            })
            .expect("frame");
        assert!(
            serde_json::to_string(&state).expect("JSON").len() < 2048,
            "the attachment is too big"
        );
        self.flows.insert(flow.to_owned(), state);
        self.accept(&object, effects);
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
