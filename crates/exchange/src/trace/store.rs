//! The table of calls: what was seen of each, and how long it is kept.

use serde_json::Value as Json;

use super::{
    entry::{End, Note},
    made,
    sheet::{self, Sheet},
};
use crate::{
    context::Context,
    effect::Effect,
    signal::Caller,
    sql::{Row, Sql, SqlError, Value},
    upstream, wakeup,
};

/// The table of older versions.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE traces (id TEXT PRIMARY KEY, began INTEGER NOT NULL, call_id TEXT NOT NULL, session TEXT, summary TEXT NOT NULL, sheet TEXT NOT NULL) WITHOUT ROWID",
];

/// One row for each call, from its begin until a week later. While the voicemail has the call, its state stands in the
/// same row (see `mailbox::voicemail::row`), so that the ladder costs no row of its own. Keys begin with the time
/// ([`new_key`]). What a list shows stands apart from the messages; `origin` is whom the call counts for.
pub(crate) const SECOND_SCHEMA: &[&str] = &[
    "CREATE TABLE mailbox_calls (key TEXT PRIMARY KEY, id TEXT NOT NULL, began INTEGER NOT NULL, due INTEGER, call_id TEXT NOT NULL, origin TEXT NOT NULL, session TEXT, state TEXT, summary TEXT, sheet TEXT) WITHOUT ROWID",
    "INSERT INTO mailbox_calls SELECT printf('%012x', began) || id, id, began, NULL, call_id, '', session, NULL, json_set(summary, '$.way', 'received', '$.to', NULL), sheet FROM traces",
    "DELETE FROM traces",
];

/// Kind of the wake-up that sweeps.
pub(crate) const WAKEUP: &str = "traces";

/// How long a call is kept.
const KEPT_MS: i64 = 7 * 86_400_000;
/// A sweep takes all that ended in such a span at once.
const SPAN_MS: i64 = 6 * 3_600_000;
/// No mailbox keeps more calls; the oldest go first.
const MOST_CALLS: i64 = 200;
/// No more are kept of one origin, so that nobody's calls push out everybody else's.
const MOST_OF_ONE_ORIGIN: i64 = 50;
/// A call that rang longer than this before the voicemail took it has two rows.
const LONGEST_RING_MS: i64 = 600_000;

/// Name of a row that begins now. Keys of later calls are greater.
pub(crate) fn new_key(context: &Context<'_>) -> String {
    format!("{:012x}{}", context.now_ms, context.entropy.token())
}

/// The row of a call that has rung and that no voicemail took yet: its key, and what was seen. One with a session was
/// taken: whoever gets the next session does not see it.
pub(crate) fn rung(
    sql: &dyn Sql,
    context: &Context<'_>,
    call_id: &str,
    flow: &str,
    caller: &Caller,
) -> Result<Option<(String, Sheet)>, SqlError> {
    let rows = sql.query(
        "SELECT key, sheet FROM mailbox_calls WHERE id = ? AND state IS NULL AND session IS NULL AND sheet IS NOT NULL AND began > ? ORDER BY key DESC LIMIT 1",
        &[
            sheet::id(call_id, flow, caller).into(),
            context.now_ms.saturating_sub(LONGEST_RING_MS).into(),
        ],
    )?;
    Ok(rows
        .first()
        .and_then(|row| Some((row.text(0), read(&row.text(1))?))))
}

/// The stored call of this name.
pub(crate) fn find(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Option<Sheet>, SqlError> {
    Ok(row_of(sql, context, id)?.map(|(_, sheet)| sheet))
}

fn row_of(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Option<(String, Sheet)>, SqlError> {
    let rows = sql.query(
        "SELECT key, sheet FROM mailbox_calls WHERE id = ? AND sheet IS NOT NULL AND began > ? ORDER BY key DESC LIMIT 1",
        &[id.into(), oldest(context).into()],
    )?;
    Ok(rows
        .first()
        .and_then(|row| Some((row.text(0), read(&row.text(1))?))))
}

/// The stored calls of a session.
pub(crate) fn of_session(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: &str,
) -> Result<Vec<Sheet>, SqlError> {
    let rows = sql.query(
        "SELECT sheet FROM mailbox_calls WHERE session = ? AND began > ?",
        &[session.into(), oldest(context).into()],
    )?;
    Ok(rows.iter().filter_map(|row| read(&row.text(0))).collect())
}

/// All stored calls as a list says them, newest first.
pub(crate) fn summaries(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Json>, SqlError> {
    let rows = sql.query(
        "SELECT summary FROM mailbox_calls WHERE summary IS NOT NULL AND began > ? ORDER BY key DESC",
        &[oldest(context).into()],
    )?;
    let one = |row: &Row| serde_json::from_str(&row.text(0)).ok();
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
) -> Result<Vec<Effect>, SqlError> {
    let Some(call_id) = notes.first().map(|note| note.call_id.clone()) else {
        return Ok(Vec::new());
    };
    let (own, others): (Vec<Note>, Vec<Note>) =
        notes.into_iter().partition(|note| note.call_id == call_id);
    let known = match flow {
        Some(flow) => row_of(sql, context, &sheet::id(&call_id, flow, caller))?,
        None => of_ends(sql, &call_id, &own)?,
    };
    let told = match (known, flow) {
        (Some((key, sheet)), _) => change(sql, context, &key, sheet, own)?,
        (None, Some(flow)) => {
            let sheet = Sheet::new(&call_id, flow, caller);
            begin(sql, context, sheet, caller, own)?
        }
        (None, None) => None,
    };
    let mut effects = add(sql, context, flow, caller, others)?;
    effects.extend(told);
    Ok(effects)
}

/// A call that no voicemail has taken.
fn begin(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut sheet: Sheet,
    caller: &Caller,
    notes: Vec<Note>,
) -> Result<Option<Effect>, SqlError> {
    notes.into_iter().for_each(|note| sheet.add(note));
    let told = made::tell(context, &mut sheet);
    let [session, summary, printed] = columns(&sheet)?;
    let parameters: [Value; 8] = [
        new_key(context).into(),
        sheet.id().into(),
        context.now_ms.into(),
        sheet.call_id.as_str().into(),
        origin(caller).into(),
        session,
        summary,
        printed,
    ];
    sql.query(
        "INSERT INTO mailbox_calls (key, id, began, call_id, origin, session, summary, sheet) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    began(sql, context, &origin(caller))?;
    Ok(told)
}

pub(super) fn change(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
    mut sheet: Sheet,
    notes: Vec<Note>,
) -> Result<Option<Effect>, SqlError> {
    let before = sheet.measure();
    notes.into_iter().for_each(|note| sheet.add(note));
    if sheet.measure() == before {
        return Ok(None);
    }
    let told = made::tell(context, &mut sheet);
    let [session, summary, printed] = columns(&sheet)?;
    sql.query(
        "UPDATE mailbox_calls SET session = ?, summary = ?, sheet = ? WHERE key = ?",
        &[session, summary, printed, key.into()],
    )?;
    Ok(told)
}

/// The newest call with this Call-ID in which one of the ends of the notes takes part. All that comes by a foreign proxy
/// has one end: there it belongs to none as soon as it could be another's.
fn of_ends(
    sql: &dyn Sql,
    call_id: &str,
    notes: &[Note],
) -> Result<Option<(String, Sheet)>, SqlError> {
    let rows = sql.query(
        "SELECT key, sheet FROM mailbox_calls WHERE call_id = ? AND sheet IS NOT NULL ORDER BY key DESC",
        &[call_id.into()],
    )?;
    let sheets = rows
        .iter()
        .filter_map(|row| Some((row.text(0), read(&row.text(1))?)));
    let takes_part = |(_, sheet): &(String, Sheet)| {
        let ends = notes
            .iter()
            .flat_map(|note| [&note.entry.from, &note.entry.to]);
        ends.filter(|end| matches!(end, End::Flow(_)))
            .any(|end| sheet.knows(end))
    };
    let mut known = sheets.filter(takes_part);
    let newest = known.next();
    let by_proxy = |(_, sheet): &(String, Sheet)| sheet.flow == upstream::FLOW;
    let is_clear = !newest.as_ref().is_some_and(by_proxy) || known.next().is_none();
    Ok(newest.filter(|_| is_clear))
}

/// The columns `session`, `summary` and `sheet` of a call; nothing where nothing was noted.
pub(crate) fn columns(sheet: &Sheet) -> Result<[Value; 3], SqlError> {
    if sheet.entries.is_empty() {
        return Ok([Value::Null, Value::Null, Value::Null]);
    }
    let printed = serde_json::to_string(sheet).map_err(|error| SqlError(error.to_string()))?;
    Ok([
        sheet.session.clone().into(),
        super::show::summary(sheet).to_string().into(),
        printed.into(),
    ])
}

/// Whom a call counts for: whoever is proven, or else the network, or else, where a proxy hides that, whoever the caller
/// says to be. Nobody knows who the others are; such calls have no limit of their own.
pub(crate) fn origin(caller: &Caller) -> String {
    let known = caller.proven().or(caller.network.as_deref());
    match (known, &caller.address) {
        (Some(known), _) => known.to_owned(),
        (None, Some(address)) => format!("from {address}"),
        (None, None) => String::new(),
    }
}

/// A row of this origin was added: what is too much goes, and the sweep is planned.
pub(crate) fn began(sql: &dyn Sql, context: &Context<'_>, origin: &str) -> Result<(), SqlError> {
    let counts = sql.query(
        "SELECT COUNT(*), COUNT(CASE WHEN origin = ? THEN 1 END) FROM mailbox_calls",
        &[origin.into()],
    )?;
    let (all, own) = counts
        .first()
        .map_or((0, 0), |row| (row.integer(0), row.integer(1)));
    if own > MOST_OF_ONE_ORIGIN && !origin.is_empty() {
        sql.query(
            "DELETE FROM mailbox_calls WHERE state IS NULL AND origin = ?1 AND key NOT IN (SELECT key FROM mailbox_calls WHERE origin = ?1 ORDER BY key DESC LIMIT ?2)",
            &[origin.into(), MOST_OF_ONE_ORIGIN.into()],
        )?;
    } else if all > MOST_CALLS {
        sql.query(
            "DELETE FROM mailbox_calls WHERE state IS NULL AND key NOT IN (SELECT key FROM mailbox_calls ORDER BY key DESC LIMIT ?)",
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
        "DELETE FROM mailbox_calls WHERE began <= ?",
        &[oldest(context).into()],
    )?;
    let rows = sql.query("SELECT MIN(began) FROM mailbox_calls", &[])?;
    if let Some(began) = rows.first().and_then(|row| row.optional_integer(0)) {
        let due = began.saturating_add(KEPT_MS).saturating_add(SPAN_MS);
        wakeup::set(sql, WAKEUP, "", due)?;
    }
    Ok(Vec::new())
}

/// Forgets every call.
pub(crate) fn forget_all(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.query("DELETE FROM mailbox_calls WHERE state IS NULL", &[])?;
    sql.query(
        "UPDATE mailbox_calls SET session = NULL, summary = NULL, sheet = NULL",
        &[],
    )?;
    Ok(())
}

fn oldest(context: &Context<'_>) -> i64 {
    context.now_ms.saturating_sub(KEPT_MS)
}

fn read(text: &str) -> Option<Sheet> {
    serde_json::from_str(text).ok()
}
