//! MESSAGE between users (RFC 3428): a text goes to all contacts of this line at once, and the best of their answers
//! goes back (RFC 3261 section 16.7). Nothing is kept: who is not there gets no text, and its sender learns so.

use serde::{Deserialize, Serialize};
use sip::{Method, Request, Response};

use super::{
    binding::Binding,
    call::{key, print},
    fork, ringing,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{self, hop, place::Place},
    signal::{Caller, Carried},
    sql::{Row, Sql, SqlError},
    wakeup,
};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE texts (id TEXT PRIMARY KEY, key TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
];

/// Beginning of the keys by which an undelivered text is told to the line.
pub(super) const TEXT_KEY: &str = "text ";
/// Wake-up: the contacts have had long enough. The sender's own patience lasts 32 s (RFC 3261, timer F).
pub(super) const WAKEUP: &str = "text";

const PATIENCE_MS: i64 = 16_000;

/// A text on its way.
#[derive(Clone, Debug, PartialEq)]
struct Text {
    id: String,
    /// Connection and branch of the MESSAGE.
    key: String,
    /// The sender's connection.
    flow: String,
    state: State,
}

/// What its contacts said so far.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct State {
    /// The MESSAGE without its body.
    request: Carried,
    /// Numbers of the branches that have not answered.
    open: Vec<u32>,
    /// The best answer so far, its Vias those of the MESSAGE.
    best: Option<(u16, Carried)>,
}

/// A MESSAGE for this address, its sender known as far as it can be.
pub(super) fn begin(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    sender: &Caller,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    if let Some((status, reason)) = ringing::refusal(sql, context, sender)? {
        return Ok(hop::refuse(context, flow, request, status, reason));
    }
    let key = key(flow, request);
    if is_under_way(sql, &key)? {
        return Ok(Vec::new());
    }
    let mut contacts = Vec::new();
    if !flow::is_voicemail(request.uri()) {
        contacts = fork::telephones(sql, context, request.uri())?;
    }
    let mut text = Text {
        id: context.entropy.hex(10),
        key,
        flow: flow.to_owned(),
        state: State {
            request: Carried(head(request).to_bytes()),
            open: Vec::new(),
            best: None,
        },
    };
    let mut effects = Vec::new();
    for (number, binding) in (0..).zip(&contacts) {
        if let Some(effect) = forward(context, &text.id, number, sender, request, binding) {
            text.state.open.push(number);
            effects.push(effect);
        }
    }
    if effects.is_empty() {
        let reason = "Temporarily Unavailable";
        return Ok(hop::refuse(context, flow, request, 480, reason));
    }
    put(sql, &text)?;
    let due = context.now_ms.saturating_add(PATIENCE_MS);
    wakeup::set(sql, WAKEUP, &text.id, due)?;
    Ok(effects)
}

/// A contact's answer. A 2xx or a 6xx is the sender's at once, anything else when all have answered.
pub(super) fn receive_response(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut response: Response,
) -> Result<Vec<Effect>, SqlError> {
    let branch = response.top_via().map(|via| via.branch().to_owned());
    let Some((mut text, number)) = find(sql, &branch.unwrap_or_default())? else {
        return Ok(Vec::new());
    };
    if response.is_provisional() {
        return Ok(Vec::new());
    }
    response.pop_via();
    for name in hop::NOT_PASSED_ON {
        response.remove_header(name);
    }
    let is_last_word = response.is_success() || response.status() >= 600;
    text.note(number, &response);
    if is_last_word {
        text.state.best = Some((response.status(), Carried(response.to_bytes())));
        text.state.open.clear();
    }
    go_on(sql, context, text)
}

/// A contact's connection is gone: as if it had said 480.
pub(super) fn undelivered(
    sql: &dyn Sql,
    context: &Context<'_>,
    branch: &str,
) -> Result<Vec<Effect>, SqlError> {
    let Some((mut text, number)) = find(sql, branch)? else {
        return Ok(Vec::new());
    };
    if let Some(response) = text.unavailable(context) {
        text.note(number, &response);
    }
    go_on(sql, context, text)
}

/// The contacts have had long enough; the sender hears the best that is known.
pub(super) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Vec<Effect>, SqlError> {
    let Some(mut text) = select(sql, "id", id)? else {
        return Ok(Vec::new());
    };
    text.state.open.clear();
    go_on(sql, context, text)
}

impl Text {
    /// Takes note of a branch's answer: the lowest class is the best.
    fn note(&mut self, number: u32, response: &Response) {
        self.state.open.retain(|open| *open != number);
        let class = |status: u16| status / 100;
        let is_better = |best: &(u16, Carried)| class(response.status()) < class(best.0);
        if self.state.best.as_ref().is_none_or(is_better) {
            self.state.best = Some((response.status(), Carried(response.to_bytes())));
        }
    }

    /// What we say where no contact says anything.
    fn unavailable(&self, context: &Context<'_>) -> Option<Response> {
        let message = hop::read(&self.state.request.0)?;
        let tag = context.entropy.hex(6);
        let reason = "Temporarily Unavailable";
        Some(Response::reply_to(
            message.as_request()?,
            480,
            reason,
            Some(&tag),
        ))
    }
}

/// Stores a text that still waits; gives the sender its answer where nothing is left to wait for.
fn go_on(sql: &dyn Sql, context: &Context<'_>, text: Text) -> Result<Vec<Effect>, SqlError> {
    if !text.state.open.is_empty() {
        put(sql, &text)?;
        return Ok(Vec::new());
    }
    sql.query("DELETE FROM texts WHERE id = ?", &[text.id.as_str().into()])?;
    wakeup::clear(sql, WAKEUP, &text.id)?;
    let ours = || text.unavailable(context).map(|answer| answer.to_bytes());
    let best = text.state.best.as_ref().map(|(_, frame)| frame.0.clone());
    let frame = best.or_else(ours);
    Ok(frame
        .map(|frame| hop::send(&text.flow, frame))
        .into_iter()
        .collect())
}

/// The text as it goes to a contact: none of the proofs that were meant for us, and the sender's name where we
/// know it. Who has none of these did not prove who it is.
fn forward(
    context: &Context<'_>,
    id: &str,
    number: u32,
    sender: &Caller,
    request: &Request,
    binding: &Binding,
) -> Option<Effect> {
    let mut request = request.clone();
    request.set_uri(binding.uri()?);
    request.set_max_forwards(request.max_forwards().saturating_sub(1));
    request.remove_header("Route");
    binding.route(&mut request);
    for name in hop::NOT_PASSED_ON {
        request.remove_header(name);
    }
    if let Some(identity) = identity(sender) {
        request.add_header(hop::ASSERTED, &identity);
    }
    let branch = format!("z9hG4bK{id}.{number}");
    let here = Place::Line(super::address(context).to_owned());
    request.push_via(&hop::via(context, &here, &branch));
    let key = format!("{TEXT_KEY}{branch}");
    Some(hop::send_or_tell(&binding.flow, request.to_bytes(), &key))
}

fn identity(sender: &Caller) -> Option<String> {
    let name = sender.display_name.as_deref().unwrap_or_default();
    hop::identity(sender.proven()?, name)
}

/// What an answer needs of the MESSAGE.
fn head(request: &Request) -> Request {
    let mut head = Request::new(Method::Message, request.uri().clone());
    for (name, value) in request.all_headers().iter() {
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        if copied
            .iter()
            .any(|copied| copied.eq_ignore_ascii_case(name))
        {
            head.add_header(name, value);
        }
    }
    head
}

fn is_under_way(sql: &dyn Sql, key: &str) -> Result<bool, SqlError> {
    Ok(select(sql, "key", key)?.is_some())
}

/// The text of this branch, and the number of the branch if it has not answered.
fn find(sql: &dyn Sql, branch: &str) -> Result<Option<(Text, u32)>, SqlError> {
    let name = branch.strip_prefix("z9hG4bK").unwrap_or_default();
    let Some((id, number)) = name.split_once('.') else {
        return Ok(None);
    };
    let text = select(sql, "id", id)?;
    let number = number.parse().ok();
    Ok(text
        .zip(number)
        .filter(|(text, number)| text.state.open.contains(number)))
}

fn select(sql: &dyn Sql, column: &str, value: &str) -> Result<Option<Text>, SqlError> {
    let rows = sql.query(
        &format!("SELECT id, key, flow, state FROM texts WHERE {column} = ?"),
        &[value.into()],
    )?;
    Ok(rows.first().and_then(of_row))
}

fn put(sql: &dyn Sql, text: &Text) -> Result<(), SqlError> {
    sql.query(
        "INSERT OR REPLACE INTO texts (id, key, flow, state) VALUES (?, ?, ?, ?)",
        &[
            text.id.as_str().into(),
            text.key.as_str().into(),
            text.flow.as_str().into(),
            print(&text.state)?.into(),
        ],
    )?;
    Ok(())
}

fn of_row(row: &Row) -> Option<Text> {
    Some(Text {
        id: row.text(0),
        key: row.text(1),
        flow: row.text(2),
        state: serde_json::from_str(&row.text(3)).ok()?,
    })
}
