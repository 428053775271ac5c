//! A deposit as the page shows it.

use serde::Serialize;

use crate::storage::{Cut, DepositRow, Gap, PartRow};

/// One row of the outbox.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OutboxItem {
    deposit_id: String,
    to: String,
    to_name: String,
    kind: String,
    content_type: String,
    state: &'static str,
    created_at: f64,
    duration_ms: f64,
    size: f64,
    waveform: Vec<u8>,
    silent_start_ms: f64,
    silent_end_ms: f64,
    trim_start_ms: f64,
    trim_end_ms: f64,
    gain_db: Option<f32>,
    gaps: Vec<Gap>,
    sent: f64,
    reason: Option<ItemReason>,
    session_expires_at: Option<f64>,
    /// Whether it goes up by a second call.
    second_call: bool,
    discarded: bool,
    receipt: Option<String>,
    deposited_at: Option<f64>,
    title: Option<String>,
    parts: Vec<ItemPart>,
    cut: Option<ItemCut>,
    /// Length of the whole recording, before any cut.
    recorded_ms: f64,
}

/// What its user keeps of the whole recording.
#[derive(Clone, Debug, Serialize)]
struct ItemCut {
    from_ms: f64,
    to_ms: f64,
}

/// One file that goes along.
#[derive(Clone, Debug, Serialize)]
struct ItemPart {
    id: String,
    name: String,
    content_type: String,
    size: f64,
    sent: f64,
    refusal: Option<String>,
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
        let (trim_start_ms, trim_end_ms) = row.sent_trim_ms();
        Self {
            deposit_id: row.deposit_id.clone(),
            to: row.to.clone(),
            to_name: row.to_name.clone(),
            kind: row.kind.clone(),
            content_type: row.content_type.clone(),
            state: row.state.word(),
            created_at: number(row.created_at),
            duration_ms: count(row.sent_duration_ms()),
            size: count(size(row)),
            waveform: row.sent_waveform(),
            silent_start_ms: count(row.silent_start_ms),
            silent_end_ms: count(row.silent_end_ms),
            trim_start_ms: count(trim_start_ms),
            trim_end_ms: count(trim_end_ms),
            gain_db: row.gain_db,
            sent: count(row.attached().map(|part| part.sent).sum::<u64>() + row.sent),
            gaps: row.gaps.clone(),
            reason: reason(row),
            session_expires_at: session_expires_at.map(number),
            second_call: row.second_call,
            discarded: row.discarded_at.is_some(),
            receipt: row.receipt.clone(),
            deposited_at: row.deposited_at.map(number),
            title: row.title.clone(),
            parts: row.attached().map(part).collect(),
            cut: row.cut.map(cut),
            recorded_ms: count(row.duration_ms),
        }
    }
}

fn cut(cut: Cut) -> ItemCut {
    ItemCut {
        from_ms: count(cut.from_ms),
        to_ms: count(cut.to_ms),
    }
}

fn part(part: &PartRow) -> ItemPart {
    ItemPart {
        id: part.id.clone(),
        name: part.name.clone(),
        content_type: part.content_type.clone(),
        size: count(part.size),
        sent: count(part.sent),
        refusal: part.refusal.clone(),
    }
}

/// Bytes of all parts. Before it is made, a cut recording is taken to have its share of the whole.
fn size(row: &DepositRow) -> u64 {
    let message = match row.cut.filter(|_| row.deposited_at.is_none()) {
        Some(_) => row.size.saturating_mul(row.sent_duration_ms()) / row.duration_ms.max(1),
        None => row.size,
    };
    row.attached().map(|part| part.size).sum::<u64>() + message
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
