//! One step of the uploader: the next message that is due is judged by the gate, given a session,
//! brought up and released. Runs under the lock.

use super::Parts;
use super::attempt;
use super::channel::Notice;
use super::proof;
use super::refusal::Refusal;
use super::session::{self, Arrived, Lease};
use super::shipment::{Parcel, Shipment};
use super::uplink::{self, Uplink};
use super::upload::Upload;
use crate::client::ClientEvent;
use crate::clock;
use crate::problem::Problem;
use crate::server::Server;
use crate::storage::{DepositRow, RowState, SessionRow};
use deposit::gate::{Decision, Policy, Reason};
use deposit::retry;

/// Code of a message that arrived before it was changed.
pub(super) const EARLIER: &str = "earlier_arrived";
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
    let uploading = |row: &mut DepositRow| {
        row.state = RowState::Uploading;
        row.next_try_at = None;
        note(row, &reason);
    };
    let row = parts.change_sending(&row.deposit_id, uploading).await?;
    let Some(row) = row else {
        return Ok(());
    };
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
        let Some(home) = home(parts, row).await? else {
            // Nothing of ours answers there: the first request itself is the measurement.
            return Ok(Some(reason.clone()));
        };
        hold(parts, row, reason, None).await?;
        uplink.probe(&home).await;
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
    hold(parts, row, &reason, Some(at)).await?;
    Ok(None)
}

/// The server that a message goes to, as far as that is known and a server of our kind.
async fn home(parts: &Parts, row: &DepositRow) -> Result<Option<Server>, Problem> {
    let session = session::own(parts, row).await?;
    let upload = session.and_then(|session| session.upload_url);
    let home = parts.server.home(upload.as_deref()).ok();
    Ok(home.filter(Server::is_ours))
}

/// The same for a session that is to be used now. Where the user has not confirmed it yet, the page asks.
fn confirmed_home(parts: &Parts, session: &SessionRow) -> Result<Server, Problem> {
    let upload = session.upload_url.as_deref();
    if let Some(origin) = upload.and_then(|url| parts.server.unconfirmed(url)) {
        parts.listener.emit(ClientEvent::OtherServer { origin });
    }
    parts.server.home(upload)
}

async fn hold(
    parts: &Parts,
    row: &DepositRow,
    reason: &Reason,
    at: Option<i64>,
) -> Result<(), Problem> {
    parts
        .change_sending(&row.deposit_id, |now| {
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
    let shipment = Shipment::of(&parts.database, row, parts.server.is_ours()).await?;
    let arrived = match attempt::settle(parts, row, &shipment).await? {
        Some(arrived) => arrived,
        None => match session::lease(parts, &again(parts, row).await?).await? {
            Lease::Arrived(arrived) => arrived,
            Lease::Session(session) => send(parts, row, &session, &shipment, uplink).await?,
        },
    };
    accept(parts, row, &shipment, arrived).await
}

/// The row as it is now.
async fn again(parts: &Parts, row: &DepositRow) -> Result<DepositRow, Problem> {
    let row = parts.database.deposit(&row.deposit_id).await?;
    row.ok_or_else(removed)
}

/// Brings up part after part; the last one brings the receipt.
async fn send(
    parts: &Parts,
    row: &DepositRow,
    session: &SessionRow,
    shipment: &Shipment,
    uplink: &mut Uplink<'_>,
) -> Result<Arrived, Refusal> {
    let home = confirmed_home(parts, session)?;
    let row = again(parts, row).await?;
    let attempt = attempt::open(parts, &row, session, shipment).await?;
    let mut before = 0_u64;
    for parcel in &shipment.parcels {
        let upload = Upload {
            server: &home,
            database: &parts.database,
            row: &row,
            session,
            deposit_id: &attempt.deposit_id,
            parcel,
            is_last: u64::from(parcel.number).saturating_add(1) == shipment.parcels.len() as u64,
            progress: &|sent| {
                parts.progress(
                    &row.deposit_id,
                    before.saturating_add(sent),
                    shipment.size(),
                )
            },
        };
        let receipt = upload
            .run(uplink)
            .await
            .map_err(|refusal| named(refusal, &row, parcel))?;
        if let Some(receipt) = receipt {
            let deposit_id = attempt.deposit_id;
            return Ok(Arrived {
                deposit_id,
                receipt,
            });
        }
        before = before.saturating_add(parcel.size);
    }
    Err(no_receipt().into())
}

/// A refusal of a file says which.
fn named(refusal: Refusal, row: &DepositRow, parcel: &Parcel) -> Refusal {
    let file = parcel
        .file()
        .and_then(|id| row.parts.iter().find(|part| part.id == id));
    match file {
        Some(part) => refusal.about(&part.id, &part.name),
        None => refusal,
    }
}

fn no_receipt() -> Problem {
    Problem::new(
        "receipt_missing",
        "The server has all of the message but has not confirmed it yet.",
    )
}

/// The message is in the mailbox. Only if it is the one that was to go up does it leave this device.
async fn accept(
    parts: &Parts,
    row: &DepositRow,
    shipment: &Shipment,
    Arrived {
        deposit_id,
        receipt,
    }: Arrived,
) -> Result<(), Refusal> {
    let row = again(parts, row).await?;
    let known = row
        .attempts
        .iter()
        .rfind(|attempt| attempt.deposit_id == deposit_id);
    if let Some(earlier) = known.filter(|attempt| attempt.facts != shipment.facts) {
        session::use_up(parts, &earlier.session_id).await?;
        return Err(Refusal::Earlier);
    }
    let session = session::own(parts, &row).await?;
    let upload = session.and_then(|session| session.upload_url);
    let home = parts.server.home(upload.as_deref())?;
    let proven = proof::check(&receipt, &shipment.parts(), &home, &parts.database)
        .await
        .map_err(Refusal::Final)?;
    release(parts, &row, receipt, proven.message_id, shipment).await
}

/// A matching receipt is here: sound and files leave the device, row and receipt stay.
async fn release(
    parts: &Parts,
    row: &DepositRow,
    receipt: String,
    message_id: String,
    shipment: &Shipment,
) -> Result<(), Refusal> {
    let mut sent = shipment.parts().into_iter();
    parts
        .database
        .release_deposit(&row.deposit_id, |row| {
            let first = sent.next().unwrap_or_default();
            row.state = RowState::Deposited;
            row.sha256 = Some(first.sha256);
            row.size = first.size;
            row.sent = first.size;
            for part in row
                .parts
                .iter_mut()
                .filter(|part| part.removed_at.is_none())
            {
                part.sent = part.size;
            }
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
            later(parts, row, &problem, None, DepositRow::forget_uploads).await
        }
        Refusal::Session(problem) => {
            session::refuse(parts, row, &problem).await?;
            later(parts, row, &problem, None, |_| ()).await
        }
        Refusal::Final(problem) => {
            session::refuse(parts, row, &problem).await?;
            fail(parts, row, &problem, |_| ()).await
        }
        Refusal::File { id, problem } => {
            fail(parts, row, &problem, |row| {
                if let Some(part) = row.parts.iter_mut().find(|part| part.id == id) {
                    part.refusal = Some(problem.message.clone());
                }
            })
            .await
        }
        Refusal::Earlier => fail(parts, row, &earlier(), |row| row.attempts.clear()).await,
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

async fn fail(
    parts: &Parts,
    row: &DepositRow,
    problem: &Problem,
    change: impl FnOnce(&mut DepositRow),
) -> Result<(), Problem> {
    parts
        .change(&row.deposit_id, |row| {
            row.state = RowState::Failed;
            row.next_try_at = None;
            explain(row, problem);
            change(row);
        })
        .await?;
    parts.listener.problem(problem.clone());
    Ok(())
}

fn explain(row: &mut DepositRow, problem: &Problem) {
    row.reason_code = Some(problem.code.clone());
    row.reason_text = Some(problem.message.clone());
}

/// Sending it again would make a second message, which only its user may want.
fn earlier() -> Problem {
    Problem::new(
        EARLIER,
        "It had arrived already, as it was before your last change. The changed one is safe on this device; press Send to send it as another message.",
    )
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
