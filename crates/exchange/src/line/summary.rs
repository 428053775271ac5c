//! What registered contacts are told of the mailbox (RFC 3842): those with a subscription in its dialog, the others
//! unsolicited.

mod subscribe;
mod subscription;

use sip::{
    Method, NameAddr, Request,
    message_summary::{self, MessageSummary},
};

pub(super) use self::{
    subscribe::{
        TAG as SUBSCRIPTION_TAG, WAKEUP as SUBSCRIPTION_WAKEUP, on_reply as on_subscription_reply,
        on_response, on_wakeup, subscribe,
    },
    subscription::{SCHEMA as SUBSCRIPTIONS_SCHEMA, lose_flow, rebind},
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

/// The mailbox says its counts: every subscriber and every other contact is told, unless it knows. Where nobody is
/// registered or subscribed, nothing is kept: whoever comes asks.
pub(super) fn changed(
    sql: &dyn Sql,
    context: &Context<'_>,
    new: u32,
    old: u32,
) -> Result<Vec<Effect>, SqlError> {
    let contacts = binding::current(sql, context.now_ms)?;
    let subscriptions = subscription::reachable(sql)?;
    let nobody = contacts.is_empty() && subscriptions.is_empty();
    if nobody || !remember(sql, new, old)? {
        return Ok(Vec::new());
    }
    let summary = print_counts(context, new, old);
    let subscribed: Vec<String> = subscriptions.iter().map(|one| one.flow.clone()).collect();
    let mut told = Vec::new();
    for subscription in subscriptions {
        told.extend(subscribe::tell(sql, context, subscription, &summary)?);
    }
    let others = contacts
        .iter()
        .filter(|binding| !subscribed.contains(&binding.flow));
    told.extend(others.filter_map(|binding| notify(context, binding, &summary)));
    Ok(told)
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
    let (Some(binding), Some((new, old))) = (binding::find(sql, contact)?, counts(reply)) else {
        return Ok(Vec::new());
    };
    remember(sql, new, old)?;
    let summary = print_counts(context, new, old);
    let mut told = Vec::new();
    for subscription in subscription::reachable(sql)? {
        if subscription.flow == binding.flow {
            told.extend(subscribe::tell(sql, context, subscription, &summary)?);
        }
    }
    if told.is_empty() {
        told.extend(notify(context, &binding, &summary));
    }
    Ok(told)
}

/// Notes what is told; false if it is what was told last.
fn remember(sql: &dyn Sql, new: u32, old: u32) -> Result<bool, SqlError> {
    let counts = [new.into(), old.into()];
    let known = sql.query("SELECT 1 FROM summary WHERE new = ? AND old = ?", &counts)?;
    if !known.is_empty() {
        return Ok(false);
    }
    sql.query(
        "INSERT OR REPLACE INTO summary (id, new, old) VALUES (0, ?, ?)",
        &counts,
    )?;
    Ok(true)
}

/// New and old messages, as the mailbox said.
fn counts(reply: &Reply) -> Option<(u32, u32)> {
    let Reply::Value { value } = reply else {
        return None;
    };
    serde_json::from_str(value).ok()
}

fn print_counts(context: &Context<'_>, new: u32, old: u32) -> MessageSummary {
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
    binding.route(&mut request);
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
