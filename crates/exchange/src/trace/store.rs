//! The table of calls that are over, and of what lines and connections tell about calls that go on.

use serde_json::Value as Json;

use super::{
    entry::{End, Note},
    sheet::{self, Sheet},
};
use crate::{
    context::Context,
    effect::Effect,
    signal::Caller,
    sql::{Row, Sql, SqlError, Value},
    wakeup,
};

/// The table of this module. What a list shows stands apart from the messages.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE traces (id TEXT PRIMARY KEY, began INTEGER NOT NULL, call_id TEXT NOT NULL, session TEXT, summary TEXT NOT NULL, sheet TEXT NOT NULL) WITHOUT ROWID",
];

/// Kind of the wake-up that sweeps.
pub(crate) const WAKEUP: &str = "traces";

/// How long a call is kept.
const KEPT_MS: i64 = 7 * 86_400_000;
/// A sweep takes all that ended in such a span at once.
const SPAN_MS: i64 = 6 * 3_600_000;
/// No mailbox keeps more calls; the oldest go first.
const MOST_CALLS: i64 = 200;

/// The stored call of this name.
pub(crate) fn find(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Option<Sheet>, SqlError> {
    let rows = sql.query(
        "SELECT sheet FROM traces WHERE id = ? AND began > ?",
        &[id.into(), oldest(context).into()],
    )?;
    Ok(rows.first().and_then(|row| read(&row.text(0))))
}

/// The stored calls of a session.
pub(crate) fn of_session(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: &str,
) -> Result<Vec<Sheet>, SqlError> {
    let rows = sql.query(
        "SELECT sheet FROM traces WHERE session = ? AND began > ?",
        &[session.into(), oldest(context).into()],
    )?;
    Ok(rows.iter().filter_map(|row| read(&row.text(0))).collect())
}

/// All stored calls as a list says them: name and summary.
pub(crate) fn summaries(
    sql: &dyn Sql,
    context: &Context<'_>,
) -> Result<Vec<(String, Json)>, SqlError> {
    let rows = sql.query(
        "SELECT id, summary FROM traces WHERE began > ?",
        &[oldest(context).into()],
    )?;
    let one = |row: &Row| Some((row.text(0), serde_json::from_str(&row.text(1)).ok()?));
    Ok(rows.iter().filter_map(one).collect())
}

/// Adds notes to the call to which they belong. `flow` is the caller's connection where it is known; notes of a
/// call that never began here belong to none.
pub(super) fn add(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: Option<&str>,
    caller: &Caller,
    notes: Vec<Note>,
) -> Result<(), SqlError> {
    let Some(call_id) = notes.first().map(|note| note.call_id.clone()) else {
        return Ok(());
    };
    let (own, others): (Vec<Note>, Vec<Note>) =
        notes.into_iter().partition(|note| note.call_id == call_id);
    let known = match flow {
        Some(flow) => {
            let found = find(sql, context, &sheet::id(&call_id, flow))?;
            Some(found.unwrap_or_else(|| Sheet::new(&call_id, flow, caller)))
        }
        None => of_ends(sql, &call_id, &own)?,
    };
    if let Some(mut sheet) = known {
        let before = sheet.measure();
        for note in own {
            sheet.add(note);
        }
        if sheet.measure() != before {
            put(sql, context, &sheet)?;
        }
    }
    add(sql, context, flow, caller, others)
}

/// The newest call with this Call-ID in which one of the ends of the notes takes part.
fn of_ends(sql: &dyn Sql, call_id: &str, notes: &[Note]) -> Result<Option<Sheet>, SqlError> {
    let rows = sql.query(
        "SELECT sheet FROM traces WHERE call_id = ? ORDER BY began DESC",
        &[call_id.into()],
    )?;
    let sheets = rows.iter().filter_map(|row| read(&row.text(0)));
    let takes_part = |sheet: &Sheet| {
        let ends = notes
            .iter()
            .flat_map(|note| [&note.entry.from, &note.entry.to]);
        ends.filter(|end| matches!(end, End::Flow(_)))
            .any(|end| sheet.knows(end))
    };
    Ok(sheets.into_iter().find(takes_part))
}

/// Writes a call; what is stored of it already stays.
pub(super) fn put(sql: &dyn Sql, context: &Context<'_>, sheet: &Sheet) -> Result<(), SqlError> {
    if sheet.entries.is_empty() {
        return Ok(());
    }
    let printed = serde_json::to_string(sheet).map_err(|error| SqlError(error.to_string()))?;
    let parameters: [Value; 6] = [
        sheet.id().into(),
        sheet.began_ms().into(),
        sheet.call_id.as_str().into(),
        sheet.session.clone().into(),
        super::show::summary(sheet).to_string().into(),
        printed.into(),
    ];
    sql.query(
        "INSERT OR REPLACE INTO traces (id, began, call_id, session, summary, sheet) VALUES (?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    let count = sql.query("SELECT COUNT(*) FROM traces", &[])?;
    if count.first().is_some_and(|row| row.integer(0) > MOST_CALLS) {
        sql.query(
            "DELETE FROM traces WHERE id NOT IN (SELECT id FROM traces ORDER BY began DESC LIMIT ?)",
            &[MOST_CALLS.into()],
        )?;
    }
    let due = context
        .now_ms
        .saturating_add(KEPT_MS)
        .saturating_add(SPAN_MS);
    wakeup::no_later_than(sql, WAKEUP, "", due)
}

/// Forgets what was kept long enough.
pub(crate) fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    sql.query(
        "DELETE FROM traces WHERE began <= ?",
        &[oldest(context).into()],
    )?;
    let rows = sql.query("SELECT MIN(began) FROM traces", &[])?;
    if let Some(began) = rows.first().and_then(|row| row.optional_integer(0)) {
        let due = began.saturating_add(KEPT_MS).saturating_add(SPAN_MS);
        wakeup::set(sql, WAKEUP, "", due)?;
    }
    Ok(Vec::new())
}

/// Forgets every call.
pub(crate) fn forget_all(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.query("DELETE FROM traces", &[])?;
    wakeup::clear(sql, WAKEUP, "")
}

fn oldest(context: &Context<'_>) -> i64 {
    context.now_ms.saturating_sub(KEPT_MS)
}

fn read(text: &str) -> Option<Sheet> {
    serde_json::from_str(text).ok()
}
