//! Which session a message goes up under: its own, another one for the same mailbox, or a new one by
//! the call that rings nobody.

use super::Parts;
use super::refusal::Refusal;
use crate::clock;
use crate::http::Request;
use crate::problem::Problem;
use crate::storage::{DepositRow, SessionRow, WRITTEN};

/// The right to upload, or proof that it is not needed any more.
pub(super) enum Lease {
    /// Upload under this session.
    Session(Box<SessionRow>),
    /// The message is in the mailbox already; its answer was lost.
    Arrived(Arrived),
}

/// A message that a mailbox has.
pub(super) struct Arrived {
    /// The deposit id it went up under.
    pub(super) deposit_id: String,
    /// Its receipt.
    pub(super) receipt: String,
}

/// Finds or gets a session for this message.
pub(super) async fn lease(parts: &Parts, row: &DepositRow) -> Result<Lease, Refusal> {
    if let Some(own) = own(parts, row).await? {
        // What was begun may be finished under the session it was begun with.
        let begun = is_begun(row) && own.refused.is_none();
        if begun {
            return Ok(Lease::Session(Box::new(own)));
        }
        let is_free = is_fit(&own) && !taken(parts, row).await?.contains(&own.id);
        if is_free && let Some(own) = confirmed(parts, row, own.clone()).await? {
            return Ok(Lease::Session(Box::new(own)));
        }
        if let Some(arrived) = arrived(parts, row, &own).await? {
            return Ok(Lease::Arrived(arrived));
        }
    }
    let (session, is_new) = match stored(parts, row).await? {
        Some(session) => (session, false),
        None => (parts.sessions.renew(&row.to, &row.to_name).await?, true),
    };
    let id = session.id.clone();
    parts
        .change(&row.deposit_id, |row| {
            row.second_call = is_new && row.session_id.is_some();
            row.session_id = Some(id);
            row.forget_uploads();
        })
        .await?;
    Ok(Lease::Session(Box::new(session)))
}

/// The row's own session, if it may be used. One that was for another kind of message than this is confirmed by a
/// second call first (D16, D17), once: where nobody can be asked, the mailbox judges at the upload.
async fn confirmed(
    parts: &Parts,
    row: &DepositRow,
    mut own: SessionRow,
) -> Result<Option<SessionRow>, Problem> {
    let is_meant = row.kind == WRITTEN || row.kind == own.session_type;
    if is_meant || row.failures > 0 {
        return Ok(Some(own));
    }
    match parts.sessions.confirm(&own, &row.kind).await {
        Ok(()) => own.session_type.clone_from(&row.kind),
        Err(problem) if is_about_session(&problem.code) => own.refused = Some(problem.code),
        Err(_) => return Ok(Some(own)),
    }
    parts.database.put_session(&own).await?;
    if own.refused.is_some() {
        return Ok(None);
    }
    parts
        .change(&row.deposit_id, |row| row.second_call = true)
        .await?;
    Ok(Some(own))
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

/// A message came by this session, which takes no other one.
pub(super) async fn use_up(parts: &Parts, session_id: &str) -> Result<(), Problem> {
    if let Some(mut session) = parts.database.session(session_id).await? {
        session.refused = Some("session_used".to_owned());
        parts.database.put_session(&session).await?;
    }
    Ok(())
}

fn is_about_session(code: &str) -> bool {
    code.starts_with("token_") || code.starts_with("session_")
}

/// The session that a message is to go up under.
pub(super) async fn own(parts: &Parts, row: &DepositRow) -> Result<Option<SessionRow>, Problem> {
    match &row.session_id {
        Some(id) => Ok(parts.database.session(id).await?),
        None => Ok(None),
    }
}

/// Sessions that another message goes up under, or went: each takes one message.
async fn taken(parts: &Parts, row: &DepositRow) -> Result<Vec<String>, Problem> {
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
        .filter(|session| session.is_for(&row.to) && is_fit(session))
        .filter(|session| !taken.contains(&session.id))
        .max_by_key(|session| session.received_at))
}

fn is_fit(session: &SessionRow) -> bool {
    let in_time = session
        .expires_at
        .is_none_or(|expires| expires > clock::now_ms());
    session.refused.is_none() && in_time
}

/// Whether the server knows of a part of it.
fn is_begun(row: &DepositRow) -> bool {
    row.upload_url.is_some() || row.attached().any(|part| part.upload_url.is_some())
}

/// Where deposits of this session go.
pub(super) fn deposits_url(parts: &Parts, session: &SessionRow) -> String {
    let fallback = || parts.server.url("/deposits");
    session.upload_url.clone().unwrap_or_else(fallback)
}

/// Asks what became of a message that began to go up under this session: an answer may have been lost, and the
/// same message must not go up twice.
pub(super) async fn arrived(
    parts: &Parts,
    row: &DepositRow,
    session: &SessionRow,
) -> Result<Option<Arrived>, Problem> {
    let home = parts.server.home(session.upload_url.as_deref())?;
    let answer = Request::new("GET", &home.url("/sessions/current"))
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
    Ok(current.items("deposits").iter().find_map(|deposit| {
        let deposit_id = deposit.text("deposit_id")?;
        let receipt = deposit.text("receipt")?;
        let is_ours = row.deposit_id == deposit_id
            || row
                .attempts
                .iter()
                .any(|attempt| attempt.deposit_id == deposit_id);
        is_ours.then_some(Arrived {
            deposit_id,
            receipt,
        })
    }))
}
