//! The owner's calls as ladders (`GET /calls`), and a caller's own by its session token.

use serde_json::{Value as Json, json};

use super::{Answered, deposit, voicemail};
use crate::{
    context::Context,
    front,
    http::Request,
    json,
    problem::{self, Refusal},
    sql::{Sql, SqlError},
    trace::{self, Sheet, Viewer},
};

/// `GET /calls?session=`: newest first, those that go on among them.
pub(super) fn list(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let session = front::query_value(&request.query, "session").filter(|id| !id.is_empty());
    let mut calls = trace::summaries(sql, context)?;
    for sheet in open(sql)? {
        let whole = with_stored(sql, context, sheet)?;
        calls.retain(|(id, _)| *id != whole.id());
        calls.push((whole.id(), trace::summary(&whole)));
    }
    let mut calls: Vec<Json> = calls.into_iter().map(|(_, call)| call).collect();
    calls.retain(|call| session.is_none() || call["session_id"].as_str() == session.as_deref());
    calls.sort_by_cached_key(|call| std::cmp::Reverse(began_ms(call)));
    Ok((json::answer(200, &json!({ "calls": calls })), Vec::new()))
}

/// `GET /calls/{id}`.
pub(super) fn show(sql: &dyn Sql, context: &Context<'_>, request: &Request, id: &str) -> Answered {
    let going_on = open(sql)?.into_iter().find(|sheet| sheet.id() == id);
    let sheet = match going_on {
        Some(sheet) => Some(with_stored(sql, context, sheet)?),
        None => trace::find(sql, context, id)?,
    };
    let sheet = sheet.ok_or_else(|| {
        let detail = "There is no such call, or it was more than a week ago.";
        Refusal::of(request, problem::NOT_FOUND, detail)
    })?;
    let ladder = ladder(sql, &sheet, Viewer::Callee)?;
    Ok((json::answer(200, &ladder), Vec::new()))
}

/// `GET /sessions/current/calls`: the calls in which the session was given, as their caller saw them.
pub(super) fn of_session(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let session = deposit::session_claims(context, request)?.session();
    let mut sheets = trace::of_session(sql, context, &session)?;
    for sheet in open(sql)? {
        if sheet.session.as_ref() == Some(&session) {
            sheets.retain(|stored| stored.id() != sheet.id());
            sheets.push(with_stored(sql, context, sheet)?);
        }
    }
    let mut calls = Vec::new();
    for sheet in &sheets {
        calls.push(ladder(sql, sheet, Viewer::Caller)?);
    }
    Ok((json::answer(200, &json!({ "calls": calls })), Vec::new()))
}

fn ladder(sql: &dyn Sql, sheet: &Sheet, viewer: Viewer) -> Result<Json, SqlError> {
    let deposited = match &sheet.session {
        Some(session) => deposit::committed_at(sql, session)?,
        None => Vec::new(),
    };
    Ok(trace::ladder(sheet, viewer, &deposited))
}

/// What is known of the calls that go on.
fn open(sql: &dyn Sql) -> Result<Vec<Sheet>, SqlError> {
    let mut sheets = voicemail::traces(sql)?;
    sheets.retain(|sheet| !sheet.entries.is_empty());
    Ok(sheets)
}

fn with_stored(sql: &dyn Sql, context: &Context<'_>, sheet: Sheet) -> Result<Sheet, SqlError> {
    let stored = trace::find(sql, context, &sheet.id())?;
    Ok(sheet.joined(stored))
}

fn began_ms(call: &Json) -> i64 {
    let began = call["began_at"].as_str().unwrap_or("");
    ::deposit::time::parse_rfc3339(began).unwrap_or(0)
}
