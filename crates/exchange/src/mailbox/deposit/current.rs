//! `GET /sessions/current`: what a session token stands for. It stays open after the token's time, and shows
//! nothing of the mailbox but the caller's own deposits.

use deposit::state::DepositState;
use serde_json::{Value as Json, json};

use super::{
    PartName,
    store::{self, Committed, PartState},
    whole::session_claims,
};
use crate::{
    context::Context,
    effect::Effect,
    http::{Request, Response},
    json,
    mailbox::{
        address, message,
        session::{self, Session, SessionState},
    },
    problem::{self, Refusal},
    sql::{Sql, SqlError},
};

/// Answers the request.
pub fn on_current(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), Refusal> {
    let claims = session_claims(context, request)?;
    let session = session::find(sql, &claims.session())?;
    let session = session.ok_or_else(|| Refusal::of(request, problem::NOT_FOUND, ""))?;
    let content = json!({
        "session_id": session.id,
        "state": state(&session, context.now_ms),
        "session_type": session.session_type,
        "called_party": address(context),
        "forwarded_from": session.caller.forwarded_from,
        "expires_at": deposit::time::rfc3339(session.expires_at_ms),
        "deposits": deposits(sql, &session.id)?,
    });
    let answer = json::answer(200, &content).with_header("cache-control", "no-store");
    Ok((answer, Vec::new()))
}

const fn state(session: &Session, now_ms: i64) -> &'static str {
    match session.state {
        SessionState::Revoked => "revoked",
        SessionState::Deposited => "deposited",
        SessionState::Pending if session.expires_at_ms <= now_ms => "expired",
        SessionState::Pending => "pending",
    }
}

/// Committed deposits with their receipts, then what is under way.
fn deposits(sql: &dyn Sql, session_id: &str) -> Result<Vec<Json>, SqlError> {
    let mut list = Vec::new();
    for committed in store::committed_of(sql, session_id)? {
        list.push(committed_deposit(sql, &committed)?);
    }
    for part in store::parts_of(sql, session_id)? {
        let PartName {
            deposit_id,
            part: number,
            ..
        } = &part.name;
        if matches!(part.state, PartState::Reserved | PartState::Held) {
            list.push(json!({
                "deposit_id": deposit_id,
                "part": number,
                "state": part.state.as_str(),
                "timeline": [event("reserved", part.reserved_at_ms)],
            }));
        }
    }
    Ok(list)
}

fn committed_deposit(sql: &dyn Sql, committed: &Committed) -> Result<Json, SqlError> {
    let mut timeline = vec![event("committed", committed.committed_at_ms)];
    let mut state = DepositState::Committed;
    let moments = message::moments(sql, &committed.message_id)?;
    if let Some(at) = moments.and_then(|moments| moments.heard_at_ms) {
        state = DepositState::Heard;
        timeline.push(event("heard", at));
    }
    match moments.map(|moments| moments.removed_at_ms) {
        Some(None) => {}
        Some(Some(at)) => {
            state = DepositState::Removed;
            timeline.push(event("removed", at));
        }
        None => state = DepositState::Removed,
    }
    Ok(json!({
        "deposit_id": committed.deposit_id,
        "state": state.words().edge,
        "receipt": committed.receipt,
        "timeline": timeline,
    }))
}

fn event(state: &str, at_ms: i64) -> Json {
    json!({ "state": state, "at": deposit::time::rfc3339(at_ms) })
}
