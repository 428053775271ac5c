//! `Upstream`: the voicemail as a user agent behind somebody else's SIP proxy. It keeps one registration there over a
//! WebSocket of its own (RFC 7118) and hands the calls that the proxy diverts to it to the line of their callee, as
//! if they came over a flow like any other; what goes back to that flow goes out over its socket.
//!
//! It lives in memory, as its socket does: what must survive is one wake-up, which [`on_wakeup`] keeps, and whom to tell
//! that a call has ended with the connection (`kept`). It opens no socket and sends nothing itself.

mod border;
mod callee;
mod identity;
mod kept;
pub(crate) mod outward;
mod proof;
mod proxy;
mod realms;
mod sent;
mod sequence;
mod task;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use border::Border;
pub use kept::{Kept, all as kept_calls, forget, keep};
use proof::Prover;
pub use proxy::{Proxy, ProxyError};
use sip::{
    Message, Method, Request, Response,
    user_agent::{
        UserAgent,
        configuration::Configuration,
        event::{Event, Output},
    },
};
pub use task::{Standing, Task};

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    flow::{self, FlowState, hop, place::Place, recovery},
    http::{Request as HttpRequest, Response as HttpResponse},
    object::Object,
    problem,
    signal::Signal,
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
    /// Calls whose connection is gone, and whose callers do not know it yet.
    untold: Vec<Kept>,
    /// Calls that are to be cancelled at the proxy as soon as it can be reached.
    lost: Vec<Kept>,
    /// Calls that were, for what the proxy still says of them.
    ended: VecDeque<Kept>,
}

/// The database holds the wake-up, and calls as long as they have no answer.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    crate::sql::migrate(sql, &[&[wakeup::TABLE], kept::SCHEMA])
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
    /// Not connected; [`Self::on_time`] begins. `before` is what the process before kept.
    #[must_use]
    pub fn new(proxy: &Proxy, before: Vec<Kept>, context: &Context<'_>) -> Self {
        let configuration = Configuration {
            address: Some(proxy.address.clone()),
            display_name: None,
            domain: proxy.domain().to_owned(),
            credentials: proxy.credentials(),
            instance: Some(proxy.instance()),
            register_expires_s: REGISTER_EXPIRES_S,
        };
        Self {
            agent: UserAgent::new(configuration, context.entropy.bytes()),
            border: Border { host: proxy.host() },
            prover: Prover::new(proxy.credentials(), proxy.realms.clone()),
            address: proxy.address.clone(),
            socket: Socket::Closed {
                retry_ms: context.now_ms,
            },
            standing: Standing::Connecting,
            failures: 0,
            again_ms: None,
            recent: VecDeque::new(),
            untold: before,
            lost: Vec::new(),
            ended: VecDeque::new(),
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
        let mut tasks = self.tell_lost(context);
        if let Socket::Closed { retry_ms } = self.socket
            && retry_ms <= context.now_ms
        {
            self.socket = Socket::Opening;
            tasks.push(Task::Connect);
            return tasks;
        }
        if self.again_ms.is_some_and(|due| due <= context.now_ms) && self.is_open() {
            self.again_ms = None;
            self.agent.register(context.now_ms);
        }
        self.agent.elapse(context.now_ms);
        tasks.extend(self.drain(context));
        tasks
    }

    /// The socket stands.
    pub fn on_open(&mut self, context: &Context<'_>) -> Vec<Task> {
        self.socket = Socket::Open;
        self.standing = Standing::Registering;
        self.again_ms = None;
        // Wanted now, sent with the connection.
        self.agent.register(context.now_ms);
        self.agent.connected(context.now_ms);
        let mut tasks = self.drain(context);
        for call in std::mem::take(&mut self.lost) {
            let cancel = call.cancellation();
            tasks.extend(cancel.map(|cancel| Task::Send(cancel.to_bytes())));
            tasks.push(Task::Forget(call.branch().to_owned()));
            self.ended.push_back(call);
            if self.ended.len() > RECENT_CALLS {
                self.ended.pop_front();
            }
        }
        tasks
    }

    /// Whoever waits for an answer that cannot come any more hears so.
    fn tell_lost(&mut self, context: &Context<'_>) -> Vec<Task> {
        let mut tasks = Vec::new();
        for call in std::mem::take(&mut self.untold) {
            tasks.extend(self.enter(&call.answer().to_bytes(), context));
            self.lost.push(call);
        }
        tasks
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
        self.untold.extend(self.prover.lose());
        let mut tasks = self.tell_lost(context);
        tasks.extend(self.drain(context));
        tasks
    }

    /// One WebSocket message of the proxy.
    pub fn on_frame(&mut self, frame: &[u8], context: &Context<'_>) -> Vec<Task> {
        match Message::parse(frame) {
            Ok(Message::Response(response)) => {
                if let Some(sender) = hop::return_place(context, &response) {
                    return self.on_response(&sender, response, context);
                }
                if self.agent.is_registering_by(&response) {
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
        let mut tasks = Vec::new();
        let out = match hop::read(frame) {
            Some(Message::Request(request)) => {
                let request = self.border.request_out(context, request);
                let branch = request.top_via().map(|via| via.branch().to_owned());
                let begins = *request.method() == Method::Invite;
                let out = self.prover.send(request, context);
                let call = branch.filter(|_| begins);
                let call = call.and_then(|branch| self.prover.waiting(&branch));
                tasks.extend(call.map(Task::Keep));
                out.to_bytes()
            }
            Some(Message::Response(response)) => {
                self.border.response_out(context, response).to_bytes()
            }
            None => return Vec::new(),
        };
        tasks.push(Task::Send(out));
        tasks
    }

    /// A response to a request of `sender` that went out by [`Self::send`].
    fn on_response(
        &mut self,
        sender: &Place,
        response: Response,
        context: &Context<'_>,
    ) -> Vec<Task> {
        if let Some(last) = self
            .ended
            .iter()
            .find_map(|call| call.hear(&response, context))
        {
            return last.iter().map(sending).collect();
        }
        let branch = sequence::origin(&response).map_or_else(String::new, |origin| origin.branch);
        let before = self.prover.waiting(&branch);
        let heard = self.prover.hear(response, context);
        let mut tasks = Vec::new();
        match (before, self.prover.waiting(&branch)) {
            (Some(_), None) => tasks.push(Task::Forget(branch)),
            (Some(before), Some(now)) if before != now => tasks.push(Task::Keep(now)),
            _ => {}
        }
        tasks.extend(heard.requests.iter().map(sending));
        if let Some(realm) = heard.foreign_realm {
            tasks.push(Task::tell_of(&realm));
        }
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
        request.set_uri(diverted.uri(context));
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
                caller: identity::caller(invite, context),
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

fn sending(request: &Request) -> Task {
    Task::Send(request.to_bytes())
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
