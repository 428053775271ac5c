//! Which session a message goes up under: its own, another one for the same mailbox, or a new one by
//! the call that rings nobody.

use std::collections::BTreeSet;

use super::Parts;
use super::refusal::Refusal;
use crate::clock;
use crate::http::Request;
use crate::problem::Problem;
use crate::storage::{DepositRow, SessionRow};

/// The right to upload, or proof that it is not needed any more.
pub(super) enum Lease {
    /// Upload under this session.
    Session(Box<SessionRow>),
    /// The message is in the mailbox already; its answer was lost.
    Receipt(String),
}

/// Finds or gets a session for this message.
pub(super) async fn lease(parts: &Parts, row: &DepositRow) -> Result<Lease, Refusal> {
    if let Some(own) = own(parts, row).await? {
        // What was begun may be finished under the session it was begun with.
        let begun = row.upload_url.is_some() && own.refused.is_none();
        if begun || (is_fit(&own) && !taken(parts, row).await?.contains(&own.id)) {
            return Ok(Lease::Session(Box::new(own)));
        }
        if let Some(receipt) = deposited(parts, row, &own).await? {
            return Ok(Lease::Receipt(receipt));
        }
    }
    let session = match stored(parts, row).await? {
        Some(session) => session,
        None => parts.sessions.renew(&row.to, &row.to_name).await?,
    };
    let id = session.id.clone();
    parts
        .change(&row.deposit_id, |row| {
            row.session_id = Some(id);
            row.upload_url = None;
            row.sent = 0;
        })
        .await?;
    Ok(Lease::Session(Box::new(session)))
}

/// The mailbox does not take this session; remember that, so that nothing else is tried with it.
pub(super) async fn refuse(
    parts: &Parts,
    row: &DepositRow,
    problem: &Problem,
) -> Result<(), Problem> {
    if !is_about_session(&problem.code) {
        return Ok(());
    }
    if let Some(mut session) = own(parts, row).await? {
        session.refused = Some(problem.code.clone());
        parts.database.put_session(&session).await?;
    }
    Ok(())
}

fn is_about_session(code: &str) -> bool {
    code.starts_with("token_") || code.starts_with("session_")
}

async fn own(parts: &Parts, row: &DepositRow) -> Result<Option<SessionRow>, Problem> {
    match &row.session_id {
        Some(id) => Ok(parts.database.session(id).await?),
        None => Ok(None),
    }
}

/// Sessions that another message goes up under, or went: each takes one message.
async fn taken(parts: &Parts, row: &DepositRow) -> Result<BTreeSet<String>, Problem> {
    let rows = parts.database.deposits().await?;
    Ok(rows
        .into_iter()
        .filter(|other| other.deposit_id != row.deposit_id && other.queued_at.is_some())
        .filter_map(|other| other.session_id)
        .collect())
}

/// The newest usable session for the same mailbox.
async fn stored(parts: &Parts, row: &DepositRow) -> Result<Option<SessionRow>, Problem> {
    let taken = taken(parts, row).await?;
    let sessions = parts.database.sessions().await?;
    Ok(sessions
        .into_iter()
        .filter(|session| session.called_party == row.to && is_fit(session))
        .filter(|session| !taken.contains(&session.id))
        .max_by_key(|session| session.received_at))
}

fn is_fit(session: &SessionRow) -> bool {
    let in_time = session
        .expires_at
        .is_none_or(|expires| expires > clock::now_ms());
    session.refused.is_none() && in_time
}

/// Asks what became of a deposit whose session has ended since: an answer may have been lost, and the
/// same message must not go up twice under two sessions.
async fn deposited(
    parts: &Parts,
    row: &DepositRow,
    session: &SessionRow,
) -> Result<Option<String>, Problem> {
    let answer = Request::new("GET", &parts.server.url("/sessions/current"))
        .bearer(&session.token)
        .send()
        .await?;
    if !answer.is_success() {
        return match answer.status() {
            500.. => Err(answer.problem().await),
            _ => Ok(None),
        };
    }
    let current = answer.json().await?;
    Ok(current
        .items("deposits")
        .iter()
        .find(|deposit| deposit.text("deposit_id").as_ref() == Some(&row.deposit_id))
        .and_then(|deposit| deposit.text("receipt")))
}
