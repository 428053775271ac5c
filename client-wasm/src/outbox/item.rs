//! A deposit as the page shows it.

use serde::Serialize;

use crate::storage::DepositRow;

/// One row of the outbox.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OutboxItem {
    deposit_id: String,
    to: String,
    to_name: String,
    kind: String,
    state: &'static str,
    created_at: f64,
    duration_ms: f64,
    size: f64,
    waveform: Vec<u8>,
    sent: f64,
    reason: Option<ItemReason>,
    session_expires_at: Option<f64>,
    discarded: bool,
    receipt: Option<String>,
}

/// Why it waits or failed, in words and numbers.
#[derive(Clone, Debug, Serialize)]
struct ItemReason {
    code: String,
    text: String,
    measured_bytes_per_second: Option<f64>,
    threshold_bytes_per_second: Option<f64>,
    failures: u32,
    next_try_at: Option<f64>,
}

impl OutboxItem {
    /// From its row and the end of its session, where known.
    pub(super) fn new(row: &DepositRow, session_expires_at: Option<i64>) -> Self {
        Self {
            deposit_id: row.deposit_id.clone(),
            to: row.to.clone(),
            to_name: row.to_name.clone(),
            kind: row.kind.clone(),
            state: row.state.word(),
            created_at: number(row.created_at),
            duration_ms: count(row.duration_ms),
            size: count(row.size),
            waveform: row.waveform.clone(),
            sent: count(row.sent),
            reason: reason(row),
            session_expires_at: session_expires_at.map(number),
            discarded: row.discarded_at.is_some(),
            receipt: row.receipt.clone(),
        }
    }
}

fn reason(row: &DepositRow) -> Option<ItemReason> {
    let code = row.reason_code.clone()?;
    Some(ItemReason {
        code,
        text: row.reason_text.clone().unwrap_or_default(),
        measured_bytes_per_second: row.measured_bytes_per_second.map(count),
        threshold_bytes_per_second: row.threshold_bytes_per_second.map(count),
        failures: row.failures,
        next_try_at: row.next_try_at.map(number),
    })
}

/// Times and sizes are far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn number(value: i64) -> f64 {
    value as f64
}

/// As [`number`], for counts.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn count(value: u64) -> f64 {
    value as f64
}
