//! The owner's calls as ladders (`GET /calls`), and a caller's own by its session token.

use ::deposit::token::{MediaClaims, Token, mint};
use serde_json::{Value as Json, json};

use super::{Answered, account, address, deposit, opened_resource};
use crate::{
    context::Context,
    front,
    http::Request,
    json,
    problem::{self, Refusal},
    sql::{Sql, SqlError},
    trace::{self, Sheet, Viewer},
};

/// How long the address of a ladder is good.
const OPEN_MS: i64 = 600_000;

/// `GET /calls?session=`: newest first, those that go on among them.
pub(super) fn list(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let session = front::query_value(&request.query, "session").filter(|id| !id.is_empty());
    let mut calls = trace::summaries(sql, context)?;
    for call in &mut calls {
        let url = ladder_url(context, call);
        set(call, "ladder_url", url.into());
    }
    calls.retain(|call| session.is_none() || call["session_id"].as_str() == session.as_deref());
    Ok((json::answer(200, &json!({ "calls": calls })), Vec::new()))
}

/// `GET /calls/{id}`: for its callee, and for its caller with the token of [`ladder_url`].
pub(super) fn show(sql: &dyn Sql, context: &Context<'_>, request: &Request, id: &str) -> Answered {
    let viewer = match opened_resource(request) {
        Some(resource) if resource == resource_of(id) => Viewer::Caller,
        Some(_) => return Err(not_found(request)),
        None => {
            account::check_generation(sql, request)?;
            Viewer::Callee
        }
    };
    let sheet = trace::find(sql, context, id)?.ok_or_else(|| not_found(request))?;
    let ladder = ladder(sql, context, &sheet, viewer)?;
    Ok((json::answer(200, &ladder), Vec::new()))
}

fn set(call: &mut Json, name: &str, value: Json) {
    if let Some(call) = call.as_object_mut() {
        call.insert(name.to_owned(), value);
    }
}

fn not_found(request: &Request) -> Refusal {
    let detail = "There is no such call, or it was more than a week ago.";
    Refusal::of(request, problem::NOT_FOUND, detail)
}

/// What a token must name to open this ladder.
fn resource_of(id: &str) -> String {
    format!("call {id}")
}

/// Where the ladder of a call that the owner made is: its callee's mailbox keeps it, and shows what the caller saw.
fn ladder_url(context: &Context<'_>, call: &Json) -> Option<String> {
    let id = call["id"].as_str()?;
    let claims = MediaClaims {
        expires_at_ms: context.now_ms.saturating_add(OPEN_MS),
        mailbox: call["to"].as_str()?.to_owned(),
        resource: resource_of(id),
    };
    let token = mint(&Token::Media(claims), &context.settings.token_keys).ok()?;
    let base = &context.settings.public_url;
    Some(format!("{base}/calls/{id}?token={token}"))
}

/// `GET /sessions/current/calls`: the calls in which the session was given, as their caller saw them.
pub(super) fn of_session(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let session = deposit::session_claims(context, request)?.session();
    let mut calls = Vec::new();
    for sheet in &trace::of_session(sql, context, &session)? {
        calls.push(ladder(sql, context, sheet, Viewer::Caller)?);
    }
    Ok((json::answer(200, &json!({ "calls": calls })), Vec::new()))
}

fn ladder(
    sql: &dyn Sql,
    context: &Context<'_>,
    sheet: &Sheet,
    viewer: Viewer,
) -> Result<Json, SqlError> {
    let deposited = match &sheet.session {
        Some(session) => deposit::committed_at(sql, session)?,
        None => Vec::new(),
    };
    let mut shown = trace::ladder(sheet, viewer, &deposited);
    if viewer == Viewer::Caller {
        set(&mut shown, "way", "made".into());
        set(&mut shown, "to", address(context).into());
    }
    Ok(shown)
}
