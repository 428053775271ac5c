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
    sql::{Sql, SqlError},
};

/// The table of this module: the newest counts.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE summary (id INTEGER PRIMARY KEY CHECK (id = 0), new INTEGER NOT NULL, old INTEGER NOT NULL)",
];

/// The mailbox changed: every contact is told at once.
pub(super) fn changed(
    sql: &dyn Sql,
    context: &Context<'_>,
    new: u32,
    old: u32,
) -> Result<Vec<Effect>, SqlError> {
    sql.query(
        "INSERT INTO summary (id, new, old) VALUES (0, ?, ?) ON CONFLICT (id) DO UPDATE SET new = excluded.new, old = excluded.old",
        &[new.into(), old.into()],
    )?;
    let mut effects = Vec::new();
    for binding in binding::current(sql, context.now_ms)? {
        effects.extend(notify_current(sql, context, &binding)?);
    }
    Ok(effects)
}

/// Tells one contact the counts as they are.
pub(super) fn notify_current(
    sql: &dyn Sql,
    context: &Context<'_>,
    binding: &Binding,
) -> Result<Option<Effect>, SqlError> {
    let rows = sql.query("SELECT new, old FROM summary", &[])?;
    let count = |column| {
        let counts = rows.first().map_or(0, |row| row.integer(column));
        u32::try_from(counts).unwrap_or(0)
    };
    let summary = MessageSummary {
        new: count(0),
        old: count(1),
        account: Some(super::address(context).to_owned()),
    };
    Ok(notify(context, binding, &summary))
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
