//! `Line`: one address. Account, bindings, ringing and forking: a stateful proxy (RFC 3261 section 16)
//! whose state lives in SQL. This module only hands events to the others.

pub mod account;
mod authentication;
mod binding;
mod branch;
mod call;
mod divert;
mod fork;
mod giving_up;
mod gruu;
mod message;
mod number;
mod recovery;
mod registration;
mod ringing;
mod summary;
mod voicemail;

use authentication::{Asker, Verdict};
use sip::Message;

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    flow::{self, hop},
    front::OWN_NUMBERS,
    http::{Request, Response},
    object::Object,
    signal::{Caller, Reply, Signal},
    sql::{Sql, SqlError},
    trace,
    upstream::outward,
    wakeup::{self, Wakeup},
};

/// An older version counted calls here; now the network itself does.
const INVITES_SCHEMA: &[&str] = &[
    "CREATE TABLE invites (network TEXT PRIMARY KEY, since INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID",
];
/// How many due rows one alarm works on; the next one follows at once.
const WAKEUPS_AT_ONCE: usize = 50;

/// Brings the line's database to its newest schema; called before the first use of every new instance.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    let mut first: Vec<&str> = vec![wakeup::TABLE];
    for schema in [
        account::SCHEMA,
        authentication::SCHEMA,
        binding::SCHEMA,
        branch::SCHEMA,
        call::SCHEMA,
        INVITES_SCHEMA,
        summary::SCHEMA,
    ] {
        first.extend(schema);
    }
    let third = [summary::SUBSCRIPTIONS_SCHEMA, message::SCHEMA].concat();
    let steps = [
        &first,
        account::SECOND_SCHEMA,
        &third,
        binding::PATH_SCHEMA,
        number::SCHEMA,
    ];
    crate::sql::migrate(sql, &steps)
}

/// Whether what happened at a line so far may be forgotten, its tables included: it has no account, is nobody's number,
/// and nobody guessed a password lately. Asked at the end of a transaction on a database that was empty, so that
/// whoever calls, registers or cancels at addresses that do not exist leaves nothing behind, and at an alarm, so that
/// guesses there are forgotten with their time.
pub fn leaves_nothing(sql: &dyn Sql) -> Result<bool, SqlError> {
    let rows = sql.query(
        "SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM login_failures) OR EXISTS (SELECT 1 FROM number_owner)",
        &[],
    )?;
    Ok(rows.first().is_some_and(|row| row.integer(0) == 0))
}

/// One signal, inside one transaction.
pub fn on_signal(
    sql: &dyn Sql,
    context: &Context<'_>,
    signal: Signal,
) -> Result<Outcome, SqlError> {
    if let Some(handed_over) = number::follow(sql, &signal)? {
        return Ok(handed_over);
    }
    let signal = trace::opened(context, signal);
    let arrival = trace::Arrival::of(context, &signal);
    let mut effects = match signal {
        Signal::Register {
            flow,
            network,
            frame,
        } => asked(&frame, |request| {
            registration::register(sql, context, &flow, network.as_deref(), request)
        })?,
        Signal::Subscribe {
            flow,
            network,
            frame,
        } => asked(&frame, |request| {
            summary::subscribe(sql, context, &flow, network.as_deref(), request)
        })?,
        Signal::Originate {
            flow,
            network,
            frame,
        } => originate(sql, context, &flow, network, &frame)?,
        Signal::Terminate {
            flow,
            caller,
            frame,
        } => asked(&frame, |request| {
            arrive(sql, context, &flow, caller, request)
        })?,
        Signal::Receive { flow, frame } => receive(sql, context, &flow, &frame)?,
        Signal::Recover { flow, left, frame } => {
            recovery::recover(sql, context, &flow, left.as_deref(), &frame)?
        }
        Signal::MessageSummary { new, old } => summary::changed(sql, context, new, old)?,
        Signal::RingTimeout { seconds } => {
            account::set_ring_timeout(sql, seconds)?;
            Vec::new()
        }
        Signal::FlowClosed { flow } => flow_closed(sql, context, &flow)?,
        Signal::Undelivered { flow, key } => undelivered(sql, context, &flow, &key)?,
        Signal::Replied { tag, reply } => replied(sql, context, &tag, &reply)?,
        Signal::CheckAccount {} => return check_account(sql),
        Signal::ClaimNumber { owner } => return number::claim(sql, context, &owner),
        Signal::ReleaseNumber { owner } => return number::release(sql, &owner),
        _ => return Ok(Outcome::failed("unknown_signal")),
    };
    trace::of_line(sql, context, arrival, &mut effects)?;
    Ok(Outcome::done(effects))
}

/// The alarm went off: everything that is due, at most a bounded number of rows.
pub fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for _ in 0..WAKEUPS_AT_ONCE {
        let Some(due) = wakeup::take(sql, context.now_ms)? else {
            break;
        };
        effects.extend(wake(sql, context, &due)?);
    }
    trace::of_line(sql, context, trace::Arrival::default(), &mut effects)?;
    Ok(effects)
}

/// One HTTP request that the front gave to this line (login and account administration).
pub fn on_http(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    if request.path.starts_with(OWN_NUMBERS) {
        return number::on_http(sql, context, request);
    }
    account::on_http(sql, context, request)
}

/// The address of this line.
fn address<'a>(context: &'a Context<'_>) -> &'a str {
    match &context.object {
        Object::Line(address) | Object::Mailbox(address) => address,
        Object::Flow(_)
        | Object::Upload(_)
        | Object::Network(_)
        | Object::Directory(_)
        | Object::Upstream => "",
    }
}

fn wake(sql: &dyn Sql, context: &Context<'_>, due: &Wakeup) -> Result<Vec<Effect>, SqlError> {
    match due.kind.as_str() {
        account::WAKEUP => account::on_wakeup(sql, context, &due.key),
        account::GUESSES => account::forget_guesses(sql, context),
        summary::SUBSCRIPTION_WAKEUP => summary::on_wakeup(sql, context, &due.key),
        message::WAKEUP => message::on_wakeup(sql, context, &due.key),
        kind => ringing::on_wakeup(sql, context, kind, &due.key),
    }
}

/// A request that somebody asks of this line; a frame of anything else means nothing.
fn asked(
    frame: &[u8],
    rule: impl FnOnce(&sip::Request) -> Result<Vec<Effect>, SqlError>,
) -> Result<Vec<Effect>, SqlError> {
    match hop::read(frame) {
        Some(Message::Request(request)) => rule(&request),
        _ => Ok(Vec::new()),
    }
}

/// The caller says to be the owner of this line: when that is proven, the call goes to the callee's line.
fn originate(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    network: Option<String>,
    frame: &[u8],
) -> Result<Vec<Effect>, SqlError> {
    let Some(Message::Request(request)) = hop::read(frame) else {
        return Ok(Vec::new());
    };
    let answer = match authentication::check(sql, context, network.as_deref(), &request)? {
        Verdict::Proven => {
            let caller = Caller {
                address: Some(address(context).to_owned()),
                display_name: display_name(sql, &request)?,
                verified: true,
                network,
                forwarded_from: None,
            };
            return pass_on(sql, context, flow, caller, &request);
        }
        Verdict::Unproven { stale } => {
            authentication::challenge(context, flow, &request, Asker::Proxy, stale)
        }
        Verdict::Mismatch => hop::answer(context, flow, &request, 403, "Forbidden"),
        Verdict::Limited => authentication::refuse_for_now(context, flow, &request),
    };
    Ok(answer.into_iter().collect())
}

/// A verified caller has the name of its account, whatever its From says.
fn display_name(sql: &dyn Sql, request: &sip::Request) -> Result<Option<String>, SqlError> {
    let own = account::find(sql)?.map(|account| account.display_name);
    Ok(own
        .filter(|name| !name.is_empty())
        .or_else(|| flow::shown_name(request.from().display_name.as_deref())))
}

fn pass_on(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    request: &sip::Request,
) -> Result<Vec<Effect>, SqlError> {
    if *request.method() == sip::Method::Invite && outward::leads_out(request, context) {
        return Ok(vec![outward::call(context, flow, request)]);
    }
    let Some(callee) = flow::target(request, context) else {
        return Ok(hop::answer(context, flow, request, 403, "No Relay")
            .into_iter()
            .collect());
    };
    if callee == address(context) {
        return arrive(sql, context, flow, caller, request);
    }
    Ok(vec![Effect::Signal {
        to: Object::Line(callee),
        signal: Box::new(Signal::Terminate {
            flow: flow.to_owned(),
            caller,
            frame: request.to_bytes(),
        }),
        tag: String::new(),
    }])
}

/// A call or a text has reached the line it is for.
fn arrive(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    request: &sip::Request,
) -> Result<Vec<Effect>, SqlError> {
    if *request.method() == sip::Method::Message {
        return message::begin(sql, context, flow, &caller, request);
    }
    ringing::begin(sql, context, flow, caller, request)
}

fn receive(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    frame: &[u8],
) -> Result<Vec<Effect>, SqlError> {
    match hop::read(frame) {
        Some(Message::Response(response)) => match response.cseq().1 {
            sip::Method::Notify => {
                summary::on_response(sql, flow, &response)?;
                Ok(Vec::new())
            }
            sip::Method::Message => message::receive_response(sql, context, response),
            _ => ringing::receive_response(sql, context, response),
        },
        Some(Message::Request(request)) if *request.method() == sip::Method::Cancel => {
            giving_up::cancel(sql, context, flow, &request)
        }
        Some(Message::Request(request)) => {
            let passed_on = ringing::acknowledged(sql, flow, &request)?;
            Ok(passed_on.into_iter().collect())
        }
        None => Ok(Vec::new()),
    }
}

/// A connection is gone: its contacts are forgotten, its own calls end, calls that rang there go on.
fn flow_closed(sql: &dyn Sql, context: &Context<'_>, flow: &str) -> Result<Vec<Effect>, SqlError> {
    binding::remove_flow(sql, flow)?;
    summary::lose_flow(sql, flow)?;
    let mut effects = Vec::new();
    for call in call::of_flow(sql, flow)? {
        effects.extend(giving_up::gone(sql, context, call)?);
    }
    for branch in branch::of_flow(sql, flow)? {
        effects.extend(ringing::undelivered(sql, context, &branch.branch)?);
    }
    Ok(effects)
}

/// A frame found no socket: the connection is gone, though nobody said so yet.
fn undelivered(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    binding::remove_flow(sql, flow)?;
    summary::lose_flow(sql, flow)?;
    if let Some(branch) = key.strip_prefix(message::TEXT_KEY) {
        return message::undelivered(sql, context, branch);
    }
    if let Some(branch) = key.strip_prefix(branch::BRANCH_KEY) {
        return ringing::undelivered(sql, context, branch);
    }
    if let Some(sent) = key.strip_prefix(recovery::SENT_KEY) {
        return Ok(recovery::undelivered(flow, sent));
    }
    let caller = key.strip_prefix(call::CALLER_KEY);
    match caller.map(|key| call::find(sql, key)).transpose()? {
        Some(Some(call)) => giving_up::gone(sql, context, call),
        _ => Ok(Vec::new()),
    }
}

/// What came back for a signal of ours.
fn replied(
    sql: &dyn Sql,
    context: &Context<'_>,
    tag: &str,
    reply: &Reply,
) -> Result<Vec<Effect>, SqlError> {
    if tag.starts_with(account::TAG) {
        account::on_reply(sql, context, tag, *reply == Reply::Done)?;
        return Ok(Vec::new());
    }
    if tag.starts_with(summary::TAG) {
        return summary::on_reply(sql, context, tag, reply);
    }
    if tag.starts_with(summary::SUBSCRIPTION_TAG) {
        return summary::on_subscription_reply(sql, context, tag, reply);
    }
    if tag.starts_with(outward::TAG) {
        return Ok(outward::on_reply(context, tag, reply));
    }
    if tag.starts_with(voicemail::TAG) {
        return Ok(voicemail::on_reply(context, tag, reply));
    }
    match tag.strip_prefix(branch::BRANCH_KEY) {
        Some(branch) if *reply != Reply::Done => ringing::undelivered(sql, context, branch),
        _ => Ok(Vec::new()),
    }
}

fn check_account(sql: &dyn Sql) -> Result<Outcome, SqlError> {
    Ok(match account::find(sql)? {
        Some(account) => Outcome::value(
            serde_json::json!({
                "display_name": account.display_name,
                "generation": account.generation,
            })
            .to_string(),
        ),
        None => Outcome::failed("not_found"),
    })
}
