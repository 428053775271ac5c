//! Never two messages of one: everything that went up before and differs from what is to go up now is taken back
//! first, or found to have arrived.

use super::Parts;
use super::refusal::Refusal;
use super::session::{self, Arrived};
use super::shipment::Shipment;
use crate::http::Request;
use crate::problem::Problem;
use crate::storage::{Attempt, DepositRow, SessionRow};

/// Settles what began before and is not what is to go up now. What arrived of it.
pub(super) async fn settle(
    parts: &Parts,
    row: &DepositRow,
    shipment: &Shipment,
) -> Result<Option<Arrived>, Refusal> {
    let Some(last) = row.attempts.last() else {
        return Ok(None);
    };
    let goes_on = last.facts == shipment.facts && row.session_id.as_ref() == Some(&last.session_id);
    if goes_on {
        return Ok(None);
    }
    let session = parts.database.session(&last.session_id).await?;
    if let Some(session) = session {
        if let Some(arrived) = session::arrived(parts, row, &session).await? {
            return Ok(Some(arrived));
        }
        if !take_back(parts, last, &session).await? {
            let arrived = session::arrived(parts, row, &session).await?;
            return arrived.map(Some).ok_or_else(|| unsettled().into());
        }
    }
    parts
        .change(&row.deposit_id, DepositRow::forget_uploads)
        .await?;
    Ok(None)
}

/// Deletes the parts of an attempt at the server. Whether none of them had become a message.
async fn take_back(
    parts: &Parts,
    attempt: &Attempt,
    session: &SessionRow,
) -> Result<bool, Refusal> {
    let base = session::deposits_url(parts, session);
    for number in 0..attempt.parts.len() {
        let url = format!("{base}/{}.{number}", attempt.deposit_id);
        let answer = Request::new("DELETE", &url)
            .bearer(&session.token)
            .header("tus-resumable", "1.0.0")
            .send()
            .await?;
        match answer.status() {
            409 => return Ok(false),
            408 | 423 | 425 | 429 | 500.. => return Err(Refusal::of(&answer).await),
            // Gone, never there, or beyond this token: nothing of it can arrive any more.
            _ => answer.finish().await,
        }
    }
    Ok(true)
}

/// The attempt under which this shipment goes up, stored before its first request.
pub(super) async fn open(
    parts: &Parts,
    row: &DepositRow,
    session: &SessionRow,
    shipment: &Shipment,
) -> Result<Attempt, Problem> {
    let last = row.attempts.last();
    if let Some(last) = last
        && last.facts == shipment.facts
        && last.session_id == session.id
    {
        return Ok(last.clone());
    }
    let deposit_id = match last {
        Some(last) if last.facts != shipment.facts => crate::clock::uuid()?,
        Some(last) => last.deposit_id.clone(),
        None => row.deposit_id.clone(),
    };
    let attempt = Attempt {
        deposit_id,
        session_id: session.id.clone(),
        facts: shipment.facts.clone(),
        parts: shipment.parts(),
    };
    let opened = attempt.clone();
    parts
        .change(&row.deposit_id, |row| row.attempts.push(opened))
        .await?;
    Ok(attempt)
}

fn unsettled() -> Problem {
    Problem::new(
        "unsettled",
        "The server has not said yet what became of the message as it was before it was changed.",
    )
}
