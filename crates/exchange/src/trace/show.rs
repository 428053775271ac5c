//! Ladders as the API shows them: names of ends instead of connections, times since the begin, and what happened
//! beside the messages.

use serde_json::{Value as Json, json};

use super::{
    entry::{End, Entry},
    sheet::{Outcome, Sheet},
};
use crate::upstream;

/// Who looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Viewer {
    /// The callee or the operator: everything.
    Callee,
    /// The caller: what its own connection saw. Where the callee's contacts are is nobody else's business.
    Caller,
}

/// What a list says of a call.
#[must_use]
pub(crate) fn summary(sheet: &Sheet) -> Json {
    let (outcome, status) = sheet.outcome();
    json!({
        "id": sheet.id(),
        "call_id": sheet.call_id,
        "began_at": deposit::time::rfc3339(sheet.began_ms()),
        "last_at": deposit::time::rfc3339(sheet.last_ms()),
        "from": sheet.caller.address,
        "from_name": sheet.caller.display_name,
        "from_verified": sheet.caller.verified,
        "way": "received",
        "to": null,
        "outcome": outcome,
        "status": status,
        "session_id": sheet.session,
        "messages": sheet.entries.len(),
    })
}

/// One call, message by message. `deposited` is when the recordings of its session came in.
#[must_use]
pub(crate) fn ladder(sheet: &Sheet, viewer: Viewer, deposited: &[i64]) -> Json {
    let caller = End::Flow(sheet.flow.clone());
    let is_seen =
        |entry: &&Entry| viewer == Viewer::Callee || entry.from == caller || entry.to == caller;
    let seen: Vec<&Entry> = sheet.entries.iter().filter(is_seen).collect();
    let began_ms = seen.first().map_or(0, |entry| entry.at_ms);
    let after = |at_ms: i64| at_ms.saturating_sub(began_ms).max(0);
    let messages: Vec<Json> = seen
        .iter()
        .map(|entry| message(sheet, entry, after(entry.at_ms)))
        .collect();
    let mut notes: Vec<Json> = greeting(sheet, &seen, after).into_iter().collect();
    notes.extend(deposited.iter().map(|at| {
        json!({
            "note": "deposited",
            "after_ms": after(*at),
            "behind": seen.iter().filter(|entry| entry.at_ms <= *at).count(),
            "from": "caller",
            "to": "voicemail",
        })
    }));
    let mut shown = summary(sheet);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("messages".to_owned(), messages.len().into());
        shown.insert("ends".to_owned(), ends(sheet, &seen, !notes.is_empty()));
        shown.insert("entries".to_owned(), messages.into());
        shown.insert("notes".to_owned(), notes.into());
        shown.insert("left_out".to_owned(), sheet.left_out.into());
    }
    shown
}

fn message(sheet: &Sheet, entry: &Entry, after_ms: i64) -> Json {
    json!({
        "after_ms": after_ms,
        "at": deposit::time::rfc3339(entry.at_ms),
        "from": name(sheet, &entry.from),
        "to": name(sheet, &entry.to),
        "start": entry.start(),
        "method": entry.method(),
        "status": entry.status(),
        "size": entry.size,
        "message": entry.text,
    })
}

/// Those who take part, as they stand from left to right.
fn ends(sheet: &Sheet, seen: &[&Entry], noted: bool) -> Json {
    let mut all = vec![End::Flow(sheet.flow.clone()), End::Edge];
    all.extend(sheet.contacts.iter().cloned().map(End::Flow));
    all.push(End::Voicemail);
    let takes_part = |end: &End| {
        let speaks = seen
            .iter()
            .any(|entry| entry.from == *end || entry.to == *end);
        speaks || (noted && *end == End::Voicemail)
    };
    let names = all.iter().filter(|end| takes_part(end));
    names.map(|end| Json::from(name(sheet, end))).collect()
}

fn name(sheet: &Sheet, end: &End) -> String {
    match end {
        End::Edge => "edge".to_owned(),
        End::Voicemail => "voicemail".to_owned(),
        End::Flow(flow) if *flow == sheet.flow => match flow.as_str() {
            upstream::FLOW => "proxy".to_owned(),
            _ => "caller".to_owned(),
        },
        End::Flow(flow) if flow == upstream::FLOW => "proxy".to_owned(),
        End::Flow(flow) => {
            let place = sheet.contacts.iter().position(|contact| contact == flow);
            format!("contact {}", place.unwrap_or(0).saturating_add(1))
        }
    }
}

/// The greeting plays at the caller's, from the ACK on; no message says so.
fn greeting(sheet: &Sheet, seen: &[&Entry], after: impl Fn(i64) -> i64) -> Option<Json> {
    if sheet.outcome().0 != Outcome::Voicemail {
        return None;
    }
    let named = |entry: &&&Entry| entry.field("call-info", "").is_some();
    seen.iter().find(named)?;
    let place = seen.iter().position(|entry| {
        entry.method() == "ACK" && (entry.from == End::Voicemail || entry.to == End::Voicemail)
    })?;
    let ack = seen.get(place)?;
    let lines = seen.iter().flat_map(|entry| entry.body().lines());
    let duration = lines.filter_map(|line| line.strip_prefix("Greeting-Duration="));
    let duration: Option<u64> = duration.filter_map(|text| text.trim().parse().ok()).next();
    Some(json!({
        "note": "greeting",
        "after_ms": after(ack.at_ms),
        "behind": place.saturating_add(1),
        "duration_ms": duration,
        "from": "caller",
        "to": "caller",
    }))
}
