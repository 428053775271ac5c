//! `Upstream`: the voicemail as a user agent behind somebody else's SIP proxy. It keeps one registration there over a
//! WebSocket of its own (RFC 7118) and hands the calls that the proxy diverts to it to the line of their callee, as
//! if they came over a flow like any other; what goes back to that flow goes out over its socket.
//!
//! It lives in memory, as its socket does: what must survive is one wake-up, and [`on_wakeup`] keeps it. It opens no
//! socket and sends nothing itself.

mod border;
mod callee;
pub(crate) mod outward;
mod proof;
mod proxy;
mod sequence;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use border::Border;
use proof::Prover;
pub use proxy::{Proxy, ProxyError};
use serde::{Deserialize, Serialize};
use sip::{
    Message, Method, Request, Response, Uri,
    user_agent::{
        UserAgent,
        configuration::Configuration,
        event::{Event, Output},
    },
};

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    flow::{self, FlowState, hop, own_address, place::Place, recovery, shown_name},
    http::{Request as HttpRequest, Response as HttpResponse},
    object::Object,
    problem,
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
    trace, wakeup,
};

/// Name of the flow that leads to the proxy; no client's flow can have it.
pub const FLOW: &str = "upstream";

/// Kind of the one wake-up.
const WAKEUP: &str = "upstream";
/// The platform forgets an object that does nothing for 70 seconds, and its sockets with it: outgoing ones do not
/// hibernate. In milliseconds.
const AWAKE_MS: i64 = 30_000;
/// The first and the longest pause before a lost connection is tried again, in milliseconds.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 60_000;
/// A registration that was refused is tried again all the same: the operator may have mended it there.
const REFUSED_PAUSE_MS: i64 = 300_000;
const REGISTER_EXPIRES_S: u32 = 600;
/// So many calls of the newest are known by their INVITE, for a CANCEL that comes too late and the ACK of a failure.
const RECENT_CALLS: usize = 64;

/// What the shell is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Open the socket, and tell by [`Upstream::on_open`] or [`Upstream::on_closed`].
    Connect,
    /// Send this as one WebSocket message.
    Send(Vec<u8>),
    /// Close the socket, and tell by [`Upstream::on_closed`].
    Close,
    /// Carry this out like the effect of any object.
    Carry(Effect),
}

/// Where the registration stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// There is no connection yet, or not any more.
    Connecting,
    /// The connection stands, the proxy has not answered yet.
    Registering,
    /// Diverted calls can come.
    Registered,
    /// The proxy refused with this status.
    Refused {
        /// Status of its answer.
        status: u16,
    },
}

/// The connection to the proxy, as far as it got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Socket {
    /// Nobody tries before this time.
    Closed {
        retry_ms: i64,
    },
    Opening,
    Open,
}

/// A call that came not long ago.
#[derive(Clone, Debug)]
struct Recent {
    call_id: String,
    callee: String,
}

/// The connection to the proxy and the registration there.
#[derive(Debug)]
pub struct Upstream {
    agent: UserAgent,
    border: Border,
    prover: Prover,
    address: String,
    socket: Socket,
    standing: Standing,
    /// Connections that failed since the last registration.
    failures: u32,
    /// When a refused registration is tried again.
    again_ms: Option<i64>,
    recent: VecDeque<Recent>,
}

/// The database holds nothing but the wake-up.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    crate::sql::migrate(sql, &[&[wakeup::TABLE]])
}

/// What comes back for the effects of [`Upstream`]: a request of the proxy that found nobody is answered. All other
/// signals go to [`Upstream`] itself.
pub fn on_signal(_: &dyn Sql, _: &Context<'_>, signal: Signal) -> Result<Outcome, SqlError> {
    Ok(match signal {
        Signal::Undelivered { flow, key } => {
            Outcome::done(recovery::gone(FLOW, &flow, &key).into_iter().collect())
        }
        _ => Outcome::failed("unexpected_signal"),
    })
}

/// Nobody outside reaches it.
pub fn on_http(
    _: &dyn Sql,
    _: &Context<'_>,
    request: &HttpRequest,
) -> Result<(HttpResponse, Vec<Effect>), SqlError> {
    let refusal = problem::Refusal::of(request, problem::NOT_FOUND, "");
    problem::settle(Err(refusal))
}

/// The next wake-up stands before anything else happens, so that a process that dies is followed by one that
/// connects again; without a proxy there is none.
pub fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    while wakeup::take(sql, context.now_ms)?.is_some() {}
    if context.settings.upstream.is_some() {
        let due = context.now_ms.saturating_add(AWAKE_MS);
        wakeup::no_later_than(sql, WAKEUP, "", due)?;
    }
    Ok(Vec::new())
}

/// Makes sure that the object wakes at `due_ms` or before.
pub fn wake_by(sql: &dyn Sql, due_ms: i64) -> Result<(), SqlError> {
    wakeup::no_later_than(sql, WAKEUP, "", due_ms)
}

impl Upstream {
    /// Not connected; [`Self::on_time`] begins.
    #[must_use]
    pub fn new(proxy: &Proxy, context: &Context<'_>) -> Self {
        let configuration = Configuration {
            address: Some(proxy.address.clone()),
            display_name: None,
            domain: proxy.domain().to_owned(),
            credentials: proxy.credentials(),
            instance: None,
            register_expires_s: REGISTER_EXPIRES_S,
        };
        Self {
            agent: UserAgent::new(configuration, context.entropy.bytes()),
            border: Border {
                host: format!("{}.invalid", context.entropy.hex(6)),
            },
            prover: Prover::new(proxy.credentials()),
            address: proxy.address.clone(),
            socket: Socket::Closed {
                retry_ms: context.now_ms,
            },
            standing: Standing::Connecting,
            failures: 0,
            again_ms: None,
            recent: VecDeque::new(),
        }
    }

    /// Where the registration stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether something can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.socket == Socket::Open
    }

    /// When [`Self::on_time`] must be called next.
    #[must_use]
    pub fn next_wakeup(&self, now_ms: i64) -> i64 {
        let retry_ms = match self.socket {
            Socket::Closed { retry_ms } => Some(retry_ms),
            Socket::Opening | Socket::Open => None,
        };
        let dues = [retry_ms, self.agent.next_wakeup(), self.again_ms];
        let awake = now_ms.saturating_add(AWAKE_MS);
        dues.into_iter().flatten().fold(awake, i64::min)
    }

    /// Time has passed, or somebody asks.
    pub fn on_time(&mut self, context: &Context<'_>) -> Vec<Task> {
        if let Socket::Closed { retry_ms } = self.socket
            && retry_ms <= context.now_ms
        {
            self.socket = Socket::Opening;
            return vec![Task::Connect];
        }
        if self.again_ms.is_some_and(|due| due <= context.now_ms) && self.is_open() {
            self.again_ms = None;
            self.agent.register(context.now_ms);
        }
        self.agent.elapse(context.now_ms);
        self.drain(context)
    }

    /// The socket stands.
    pub fn on_open(&mut self, context: &Context<'_>) -> Vec<Task> {
        self.socket = Socket::Open;
        self.standing = Standing::Registering;
        self.again_ms = None;
        // Wanted now, sent with the connection.
        self.agent.register(context.now_ms);
        self.agent.connected(context.now_ms);
        self.drain(context)
    }

    /// The socket is gone, or never stood. The next try comes later every time, with jitter: a proxy that starts again
    /// is asked by all at once.
    pub fn on_closed(&mut self, context: &Context<'_>) -> Vec<Task> {
        self.agent.disconnected(context.now_ms);
        self.standing = Standing::Connecting;
        let longest = FIRST_PAUSE_MS
            .checked_shl(self.failures.min(10))
            .unwrap_or(LONGEST_PAUSE_MS)
            .min(LONGEST_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        let random = i64::from(u32::from_be_bytes(context.entropy.bytes()));
        let half = longest.checked_div(2).unwrap_or_default();
        let jitter = random.checked_rem(half.max(1)).unwrap_or_default();
        self.socket = Socket::Closed {
            retry_ms: context.now_ms.saturating_add(half).saturating_add(jitter),
        };
        self.drain(context)
    }

    /// One WebSocket message of the proxy.
    pub fn on_frame(&mut self, frame: &[u8], context: &Context<'_>) -> Vec<Task> {
        match Message::parse(frame) {
            Ok(Message::Response(response)) => {
                if let Some(sender) = hop::return_place(context, &response) {
                    return self.on_response(&sender, response, context);
                }
                if response.cseq().1 == Method::Register {
                    self.prover.registering(&response);
                }
            }
            Ok(Message::Request(request)) => {
                if let Some(tasks) = self.on_request(&request, context) {
                    return tasks;
                }
            }
            Err(_) => {}
        }
        self.agent.receive(frame, context.now_ms);
        self.drain(context)
    }

    /// What other objects send to the flow [`FLOW`].
    #[must_use]
    pub fn send(&mut self, frame: &[u8], context: &Context<'_>) -> Vec<Task> {
        let out = match hop::read(frame) {
            Some(Message::Request(request)) => {
                let request = self.border.request_out(context, request);
                self.prover.send(request, context).to_bytes()
            }
            Some(Message::Response(response)) => {
                self.border.response_out(context, response).to_bytes()
            }
            None => return Vec::new(),
        };
        vec![Task::Send(out)]
    }

    /// A response to a request of `sender` that went out by [`Self::send`].
    fn on_response(
        &mut self,
        sender: &Place,
        response: Response,
        context: &Context<'_>,
    ) -> Vec<Task> {
        let heard = self.prover.hear(response, context);
        let requests = heard.requests.iter();
        let mut tasks: Vec<Task> = requests
            .map(|request| Task::Send(request.to_bytes()))
            .collect();
        if let Some(response) = heard.response {
            let response = self.border.response_in(context, sender, response);
            tasks.extend(self.enter(&response.to_bytes(), context));
        }
        tasks
    }

    /// A request about a call; nothing for those that a user agent answers itself.
    fn on_request(&mut self, request: &Request, context: &Context<'_>) -> Option<Vec<Task>> {
        if let Some(inside) = self.border.request_in(context, request.clone()) {
            return Some(self.enter(&inside.to_bytes(), context));
        }
        match request.method() {
            Method::Invite if request.to().tag().is_none() => {
                Some(self.on_diverted(request, context))
            }
            Method::Cancel | Method::Ack => {
                let mut known = self.recent.iter();
                let known = known.find(|recent| recent.call_id == request.call_id())?;
                let to = Object::Line(known.callee.clone());
                Some(carried(
                    context,
                    request,
                    to,
                    Signal::Receive {
                        flow: FLOW.to_owned(),
                        frame: request.to_bytes(),
                    },
                ))
            }
            _ => None,
        }
    }

    /// A call that the proxy could not bring to its callee: it goes to the callee's voicemail without ringing anybody.
    fn on_diverted(&mut self, invite: &Request, context: &Context<'_>) -> Vec<Task> {
        if let Some(refusal) = flow::admission::at_hop(invite) {
            let headers = refusal.headers();
            let (status, reason) = (refusal.status, refusal.reason);
            let answer = hop::answer_with(context, FLOW, invite, status, reason, &headers);
            return self.tasks(answer.into_iter().collect(), context);
        }
        let Some(diverted) = callee::callee(invite, &self.address, context) else {
            let answer = hop::refuse(context, FLOW, invite, 404, "Not Found");
            return self.tasks(answer, context);
        };
        let mut request = invite.clone();
        request.set_uri(voicemail_uri(&diverted, context));
        // What led here; it leads nowhere from here on.
        request.remove_header("Route");
        self.recent.push_back(Recent {
            call_id: invite.call_id().to_owned(),
            callee: diverted.callee.clone(),
        });
        if self.recent.len() > RECENT_CALLS {
            self.recent.pop_front();
        }
        carried(
            context,
            invite,
            Object::Line(diverted.callee),
            Signal::Terminate {
                flow: FLOW.to_owned(),
                caller: caller(invite, context),
                frame: request.to_bytes(),
            },
        )
    }

    /// A message that concerns a call of ours goes the way of all messages of a flow. A fresh state for each: limits
    /// for one client are not for a proxy with its many callers.
    fn enter(&mut self, frame: &[u8], context: &Context<'_>) -> Vec<Task> {
        let state = FlowState {
            name: FLOW.to_owned(),
            ..FlowState::default()
        };
        let (_, effects) = flow::on_frame(&state, frame, context);
        self.tasks(effects, context)
    }

    /// Effects as tasks: frames for our own flow are sent at once.
    fn tasks(&mut self, effects: Vec<Effect>, context: &Context<'_>) -> Vec<Task> {
        let mut tasks = Vec::new();
        for effect in effects {
            match effect {
                Effect::SendFrame { flow, frame, .. } if flow == FLOW => {
                    tasks.extend(self.send(&frame, context));
                }
                Effect::CloseFlow { flow, .. } if flow == FLOW => tasks.push(Task::Close),
                other => tasks.push(Task::Carry(other)),
            }
        }
        tasks
    }

    /// What the user agent wants done and has to tell.
    fn drain(&mut self, context: &Context<'_>) -> Vec<Task> {
        let mut tasks = Vec::new();
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send(frame) => tasks.push(Task::Send(frame)),
                Output::Event(Event::Registered { .. }) => {
                    self.standing = Standing::Registered;
                    self.again_ms = None;
                    self.failures = 0;
                }
                Output::Event(Event::RegistrationFailed { status }) => {
                    self.standing = Standing::Refused { status };
                    self.again_ms = Some(context.now_ms.saturating_add(REFUSED_PAUSE_MS));
                }
                Output::Event(Event::ConnectionStale) => tasks.push(Task::Close),
                Output::Event(_) => {}
            }
        }
        tasks
    }
}

/// The flow that leads to the proxy, as a place in tokens.
fn place() -> Place {
    Place::Flow(FLOW.to_owned())
}

/// What became of a request, with the note of it for the call's ladder.
fn carried(context: &Context<'_>, request: &Request, to: Object, signal: Signal) -> Vec<Task> {
    let mut state = FlowState {
        name: FLOW.to_owned(),
        ..FlowState::default()
    };
    let signal = Effect::Signal {
        to,
        signal: Box::new(signal),
        tag: String::new(),
    };
    let effects = trace::carried(context, &mut state, &request.to_bytes(), vec![signal]);
    effects.into_iter().map(Task::Carry).collect()
}

/// `sip:voicemail@DOMAIN;target=CALLEE;cause=STATUS` (RFC 4458).
fn voicemail_uri(diverted: &callee::Diverted, context: &Context<'_>) -> Uri {
    let uri = Uri::sip(flow::VOICEMAIL_USER, context.settings.domain())
        .with_param("target", &diverted.callee);
    match &diverted.cause {
        Some(cause) => uri.with_param("cause", cause),
        None => uri,
    }
}

/// Who calls: whom the proxy asserts (RFC 3325), else whom the caller says to be. An identity that its owner wants
/// hidden is for the proxy alone (section 9.3).
fn caller(invite: &Request, context: &Context<'_>) -> Caller {
    let asserted = invite
        .header("P-Asserted-Identity")
        .filter(|_| !hides_identity(invite));
    let asserted = asserted.and_then(|value| value.parse::<sip::NameAddr>().ok());
    let from = invite.from();
    let named = asserted.as_ref().unwrap_or(&from);
    let own = own_address(&named.uri.to_string(), context);
    let name = named.display_name.as_deref();
    Caller {
        address: own.or_else(|| flow::foreign_address(&named.uri, context)),
        display_name: shown_name(name.or(from.display_name.as_deref())),
        verified: asserted.is_some(),
        ..Caller::default()
    }
}

/// `Privacy: id` (RFC 3325 section 9.3), or a word that asks for more (RFC 3323 section 4.2).
fn hides_identity(invite: &Request) -> bool {
    let words = invite
        .headers("Privacy")
        .flat_map(|value| value.split([';', ',']));
    let hiding = ["id", "user", "header"];
    words
        .map(|word| word.trim().to_ascii_lowercase())
        .any(|word| hiding.contains(&word.as_str()))
}
