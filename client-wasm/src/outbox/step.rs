//! One step of the uploader: the next message that is due is judged by the gate, given a session,
//! brought up and released. Runs under the lock.

use deposit::gate::{Decision, Policy, Reason};
use deposit::retry;
use sha2::{Digest, Sha256};

use super::Parts;
use super::channel::Notice;
use super::proof;
use super::refusal::Refusal;
use super::session::{self, Lease};
use super::uplink::{self, Uplink};
use super::upload::Upload;
use crate::clock;
use crate::problem::Problem;
use crate::storage::{DepositRow, RowState};

/// While the gate asks the user, it looks again this often.
const ASK_AGAIN_MS: i64 = 60_000;

/// What a step came to.
pub(super) enum Step {
    /// Nothing is to be sent.
    Idle,
    /// Something was done; look again.
    Did,
    /// Nothing is due before this time.
    WaitUntil(i64),
}

/// Does one step.
pub(super) async fn take(parts: &Parts) -> Result<Step, Problem> {
    let rows = parts.sending().await?;
    let now = clock::now_ms();
    let due = rows
        .iter()
        .filter(|row| row.next_try_at.is_none_or(|at| at <= now))
        .min_by_key(|row| row.queued_at);
    if let Some(row) = due {
        attempt(parts, row).await?;
        parts.changed();
        return Ok(Step::Did);
    }
    Ok(match rows.iter().filter_map(|row| row.next_try_at).min() {
        Some(at) => Step::WaitUntil(at),
        None => Step::Idle,
    })
}

async fn attempt(parts: &Parts, row: &DepositRow) -> Result<(), Problem> {
    let mut uplink = Uplink::load(&parts.database).await;
    let Some(reason) = gate(parts, row, &mut uplink).await? else {
        return Ok(());
    };
    let row = parts
        .change(&row.deposit_id, |row| {
            row.state = RowState::Uploading;
            row.next_try_at = None;
            note(row, &reason);
        })
        .await?;
    match bring_up(parts, &row, &mut uplink).await {
        Ok(()) => Ok(()),
        Err(refusal) => put_off(parts, &row, refusal).await,
    }
}

/// Asks the gate; `None` where the message has to wait, which its row then says.
async fn gate(
    parts: &Parts,
    row: &DepositRow,
    uplink: &mut Uplink<'_>,
) -> Result<Option<Reason>, Problem> {
    let policy = Policy {
        mode: uplink::mode(parts.gate_mode.borrow().as_deref()),
        send_anyway: row.send_anyway,
        ..Policy::default()
    };
    let mut decision = uplink.decide(&policy).await;
    if let Decision::Probe { reason } = &decision {
        hold(parts, row, reason, None).await?;
        uplink.probe(&parts.server).await;
        decision = uplink.decide(&policy).await;
    }
    let now = clock::now_ms();
    let (reason, at) = match decision {
        Decision::Go { reason } => return Ok(Some(reason)),
        Decision::WaitUntil { at_ms, reason } => (reason, at_ms),
        Decision::Ask { reason } => (reason, now.saturating_add(ASK_AGAIN_MS)),
        // The pause is over already: look again at once, but not in the same breath.
        Decision::Probe { reason } => (reason, now.saturating_add(1_000)),
    };
    uplink.waited().await;
    hold(parts, row, &reason, Some(at)).await?;
    Ok(None)
}

async fn hold(
    parts: &Parts,
    row: &DepositRow,
    reason: &Reason,
    at: Option<i64>,
) -> Result<(), Problem> {
    parts
        .change(&row.deposit_id, |now| {
            // **Send anyway** was pressed while the network was measured: it is due at once.
            if now.send_anyway != row.send_anyway {
                return;
            }
            let row = now;
            row.state = RowState::Waiting;
            row.next_try_at = at;
            row.reason_code = Some(reason.code.clone());
            row.reason_text = Some(reason.text.clone());
            note(row, reason);
        })
        .await?;
    Ok(())
}

fn note(row: &mut DepositRow, reason: &Reason) {
    row.measured_bytes_per_second = reason.measured_bytes_per_second;
    row.threshold_bytes_per_second = reason.threshold_bytes_per_second;
}

async fn bring_up(parts: &Parts, row: &DepositRow, uplink: &mut Uplink<'_>) -> Result<(), Refusal> {
    let journal = parts.database.journal(&row.deposit_id).await?;
    let sha256 = deposit::hex(&Sha256::digest(&journal));
    let size = journal.len() as u64;
    let receipt = match session::lease(parts, row).await? {
        Lease::Receipt(receipt) => receipt,
        Lease::Session(session) => {
            let row = parts.database.deposit(&row.deposit_id).await?;
            let row = row.ok_or_else(removed)?;
            let upload = Upload {
                server: &parts.server,
                database: &parts.database,
                row: &row,
                session: &session,
                journal: &journal,
                sha256: &sha256,
                progress: &|sent| parts.progress(&row.deposit_id, sent, size),
            };
            upload.run(uplink).await?
        }
    };
    let proven = proof::check(&receipt, size, &sha256, &parts.server, &parts.database)
        .await
        .map_err(Refusal::Final)?;
    release(parts, row, receipt, proven.message_id, &sha256).await
}

/// A matching receipt is here: the sound leaves the device, row and receipt stay.
async fn release(
    parts: &Parts,
    row: &DepositRow,
    receipt: String,
    message_id: String,
    sha256: &str,
) -> Result<(), Refusal> {
    parts
        .database
        .release_deposit(&row.deposit_id, |row| {
            row.state = RowState::Deposited;
            row.sent = row.size;
            row.sha256 = Some(sha256.to_owned());
            row.receipt = Some(receipt);
            row.message_id = Some(message_id);
            row.deposited_at = Some(clock::now_ms());
            row.next_try_at = None;
            row.reason_code = None;
            row.reason_text = None;
        })
        .await?;
    Ok(())
}

/// No receipt this time: when to try again, or why not.
async fn put_off(parts: &Parts, row: &DepositRow, refusal: Refusal) -> Result<(), Problem> {
    match refusal {
        Refusal::Later {
            problem,
            retry_after_ms,
        } => later(parts, row, &problem, retry_after_ms, |_| ()).await,
        Refusal::Gone(problem) => {
            later(parts, row, &problem, None, |row| {
                row.upload_url = None;
                row.sent = 0;
            })
            .await
        }
        Refusal::Session(problem) => {
            session::refuse(parts, row, &problem).await?;
            later(parts, row, &problem, None, |_| ()).await
        }
        Refusal::Final(problem) => {
            session::refuse(parts, row, &problem).await?;
            fail(parts, row, &problem).await
        }
    }
}

async fn later(
    parts: &Parts,
    row: &DepositRow,
    problem: &Problem,
    retry_after_ms: Option<i64>,
    change: impl FnOnce(&mut DepositRow),
) -> Result<(), Problem> {
    let entropy = clock::random().map_or(0, u64::from_le_bytes);
    parts
        .change(&row.deposit_id, |row| {
            row.failures = row.failures.saturating_add(1);
            let delay = retry::next_delay(row.failures, entropy, retry_after_ms);
            row.state = RowState::Waiting;
            row.next_try_at = Some(clock::now_ms().saturating_add(delay));
            explain(row, problem);
            change(row);
        })
        .await?;
    Ok(())
}

async fn fail(parts: &Parts, row: &DepositRow, problem: &Problem) -> Result<(), Problem> {
    parts
        .change(&row.deposit_id, |row| {
            row.state = RowState::Failed;
            row.next_try_at = None;
            explain(row, problem);
        })
        .await?;
    parts.listener.problem(problem.clone());
    Ok(())
}

fn explain(row: &mut DepositRow, problem: &Problem) {
    row.reason_code = Some(problem.code.clone());
    row.reason_text = Some(problem.message.clone());
}

fn removed() -> Problem {
    Problem::new("removed", "This message was deleted on this device.")
}

impl Parts {
    /// Tells this tab and all others how far an upload is.
    fn progress(&self, deposit_id: &str, sent: u64, total: u64) {
        let (sent, total) = (super::count(sent), super::count(total));
        let deposit_id = deposit_id.to_owned();
        self.tell(Notice::Progress {
            deposit_id,
            sent,
            total,
        });
    }
}
