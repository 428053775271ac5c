//! What registered contacts are told of the mailbox (RFC 3842, unsolicited).

use sip::{
    Method, NameAddr, Request,
    message_summary::{self, MessageSummary},
};

use super::binding::{self, Binding};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place},
    object::Object,
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
};

/// The table of this module: the counts that the contacts were told last.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE summary (id INTEGER PRIMARY KEY CHECK (id = 0), new INTEGER NOT NULL, old INTEGER NOT NULL)",
];

/// Beginning of the tags under which the mailbox says its counts; the contact that asked follows.
pub(super) const TAG: &str = "summary ";

/// The mailbox says its counts: every contact is told, unless it knows. Where nobody is registered, nothing is kept:
/// whoever registers asks.
pub(super) fn changed(
    sql: &dyn Sql,
    context: &Context<'_>,
    new: u32,
    old: u32,
) -> Result<Vec<Effect>, SqlError> {
    let contacts = binding::current(sql, context.now_ms)?;
    let known = sql.query(
        "SELECT 1 FROM summary WHERE new = ? AND old = ?",
        &[new.into(), old.into()],
    )?;
    if contacts.is_empty() || !known.is_empty() {
        return Ok(Vec::new());
    }
    sql.query(
        "INSERT OR REPLACE INTO summary (id, new, old) VALUES (0, ?, ?)",
        &[new.into(), old.into()],
    )?;
    let summary = summary(context, new, old);
    let told = contacts
        .iter()
        .filter_map(|binding| notify(context, binding, &summary));
    Ok(told.collect())
}

/// A contact has registered: it is told the counts as soon as the mailbox has said them.
pub(super) fn ask(context: &Context<'_>, binding: &Binding) -> Effect {
    Effect::Signal {
        to: Object::Mailbox(super::address(context).to_owned()),
        signal: Box::new(Signal::Counts {}),
        tag: format!("{TAG}{}", binding.contact),
    }
}

/// The mailbox's answer for a contact that has registered.
pub(super) fn on_reply(
    sql: &dyn Sql,
    context: &Context<'_>,
    tag: &str,
    reply: &Reply,
) -> Result<Vec<Effect>, SqlError> {
    let contact = tag.strip_prefix(TAG).unwrap_or_default();
    let Reply::Value { value } = reply else {
        return Ok(Vec::new());
    };
    let (Some(binding), Ok([new, old])) = (
        binding::find(sql, contact)?,
        serde_json::from_str::<[u32; 2]>(value),
    ) else {
        return Ok(Vec::new());
    };
    let told = notify(context, &binding, &summary(context, new, old));
    Ok(told.into_iter().collect())
}

fn summary(context: &Context<'_>, new: u32, old: u32) -> MessageSummary {
    MessageSummary {
        new,
        old,
        account: Some(super::address(context).to_owned()),
    }
}

fn notify(context: &Context<'_>, binding: &Binding, summary: &MessageSummary) -> Option<Effect> {
    let own = super::address(context);
    let own: NameAddr = format!("<{own}>").parse().ok()?;
    let mut request = Request::new(Method::Notify, binding.uri()?);
    let here = Place::Line(super::address(context).to_owned());
    request.push_via(&hop::via(context, &here, &hop::branch(context)));
    request.set_max_forwards(70);
    let from = own.clone().with_tag(&context.entropy.hex(6));
    request.add_header("From", &from.to_string());
    request.add_header("To", &own.to_string());
    request.add_header("Call-ID", &context.entropy.hex(12));
    request.set_cseq(1, &Method::Notify);
    request.add_header("Contact", &own.to_string());
    request.add_header("Event", message_summary::EVENT);
    request.add_header("Subscription-State", "active");
    request.set_body(
        message_summary::CONTENT_TYPE,
        summary.to_string().as_bytes(),
    );
    Some(hop::send_or_tell(&binding.flow, request.to_bytes(), ""))
}
