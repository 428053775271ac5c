//! The subscriptions to the state of a mailbox, as rows: they outlive connections and restarts.

use sip::{Request, dialog::Dialog};

use crate::{
    line::call::print,
    sql::{Row, Sql, SqlError},
};

/// The table of this module.
pub(in crate::line) const SCHEMA: &[&str] = &[
    "CREATE TABLE subscriptions (id TEXT PRIMARY KEY, flow TEXT NOT NULL, contact TEXT NOT NULL, event TEXT NOT NULL, dialog TEXT NOT NULL, asked INTEGER NOT NULL, waiting_since INTEGER, told INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
];

/// How many there may be; a new one takes the place of the one that expires first.
const MAX_SUBSCRIPTIONS: i64 = 16;

/// One subscription.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subscription {
    /// Our tag in its dialog.
    pub(super) id: String,
    /// The connection to its subscriber; empty while there is none.
    pub(super) flow: String,
    /// The subscriber's contact, by which a registration over another connection is recognised.
    pub(super) contact: String,
    /// The Event header of the SUBSCRIBE, with its `id` if it has one (RFC 6665 section 8.2.1).
    pub(super) event: String,
    pub(super) dialog: Dialog,
    /// Whether the mailbox was asked for its counts, and nothing was told since.
    pub(super) asked: bool,
    /// Since when the subscriber has not said that it knows the newest counts; Unix time in milliseconds.
    pub(super) waiting_since_ms: Option<i64>,
    /// CSeq of the newest NOTIFY.
    pub(super) told: u32,
    /// Unix time in milliseconds.
    pub(super) expires_ms: i64,
}

const COLUMNS: &str = "id, flow, contact, event, dialog, asked, waiting_since, told, expires";

/// The subscription of this name.
pub(super) fn find(sql: &dyn Sql, id: &str) -> Result<Option<Subscription>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM subscriptions WHERE id = ?"),
        &[id.into()],
    )?;
    Ok(rows.first().and_then(of_row))
}

/// The subscription in whose dialog this request comes.
pub(super) fn of_request(
    sql: &dyn Sql,
    request: &Request,
) -> Result<Option<Subscription>, SqlError> {
    let tag = request.to().tag().unwrap_or_default().to_owned();
    Ok(find(sql, &tag)?.filter(|subscription| subscription.dialog.owns_request(request)))
}

/// All subscriptions whose subscriber can be reached.
pub(super) fn reachable(sql: &dyn Sql) -> Result<Vec<Subscription>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM subscriptions WHERE flow <> '' ORDER BY id"),
        &[],
    )?;
    Ok(rows.iter().filter_map(of_row).collect())
}

/// Writes a subscription as it is now.
pub(super) fn put(sql: &dyn Sql, subscription: &Subscription) -> Result<(), SqlError> {
    sql.query(
        &format!(
            "INSERT OR REPLACE INTO subscriptions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        &[
            subscription.id.as_str().into(),
            subscription.flow.as_str().into(),
            subscription.contact.as_str().into(),
            subscription.event.as_str().into(),
            print(&subscription.dialog)?.into(),
            subscription.asked.into(),
            subscription.waiting_since_ms.into(),
            subscription.told.into(),
            subscription.expires_ms.into(),
        ],
    )?;
    Ok(())
}

/// Those that are too many, the ones that expire first.
pub(super) fn surplus(sql: &dyn Sql) -> Result<Vec<Subscription>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM subscriptions ORDER BY expires DESC LIMIT -1 OFFSET ?"),
        &[MAX_SUBSCRIPTIONS.into()],
    )?;
    Ok(rows.iter().filter_map(of_row).collect())
}

/// Removes a subscription.
pub(super) fn remove(sql: &dyn Sql, id: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM subscriptions WHERE id = ?", &[id.into()])?;
    Ok(())
}

/// The subscriber is here again, over another connection.
pub(in crate::line) fn rebind(sql: &dyn Sql, contact: &str, flow: &str) -> Result<(), SqlError> {
    sql.query(
        "UPDATE subscriptions SET flow = ? WHERE contact = ? AND flow <> ?",
        &[flow.into(), contact.into(), flow.into()],
    )?;
    Ok(())
}

/// A connection is gone. Its subscriptions stay: who comes back by a SUBSCRIBE in the dialog, or registers the
/// same contact, is told again.
pub(in crate::line) fn lose_flow(sql: &dyn Sql, flow: &str) -> Result<(), SqlError> {
    sql.query(
        "UPDATE subscriptions SET flow = '' WHERE flow = ?",
        &[flow.into()],
    )?;
    Ok(())
}

fn of_row(row: &Row) -> Option<Subscription> {
    Some(Subscription {
        id: row.text(0),
        flow: row.text(1),
        contact: row.text(2),
        event: row.text(3),
        dialog: serde_json::from_str(&row.text(4)).ok()?,
        asked: row.integer(5) != 0,
        waiting_since_ms: row.optional_integer(6),
        told: u32::try_from(row.integer(7)).unwrap_or(0),
        expires_ms: row.integer(8),
    })
}
