//! `GET /metrics`: what all shards of the directory know together, as Prometheus reads it (text format 0.0.4).

use serde::{Deserialize, Serialize};

use crate::{
    http::{Body, Response},
    sql::{Sql, SqlError},
};

/// What one shard, or all of them, add up to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Totals {
    users: i64,
    new: i64,
    old: i64,
    bytes_used: i64,
    waiting: i64,
    failed: i64,
}

impl Totals {
    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            users: self.users.saturating_add(other.users),
            new: self.new.saturating_add(other.new),
            old: self.old.saturating_add(other.old),
            bytes_used: self.bytes_used.saturating_add(other.bytes_used),
            waiting: self.waiting.saturating_add(other.waiting),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

/// What the users of this shard add up to.
pub(super) fn totals(sql: &dyn Sql) -> Result<Totals, SqlError> {
    let rows = sql.query(
        "SELECT COUNT(*), \
         IFNULL(SUM(json_extract(facts, '$.new')), 0), \
         IFNULL(SUM(json_extract(facts, '$.old')), 0), \
         IFNULL(SUM(json_extract(facts, '$.bytes_used')), 0), \
         IFNULL(SUM(json_extract(facts, '$.notifications.waiting')), 0), \
         IFNULL(SUM(json_extract(facts, '$.notifications.failed')), 0) FROM users",
        &[],
    )?;
    Ok(rows.first().map_or_else(Totals::default, |row| Totals {
        users: row.integer(0),
        new: row.integer(1),
        old: row.integer(2),
        bytes_used: row.integer(3),
        waiting: row.integer(4),
        failed: row.integer(5),
    }))
}

/// The answer of `/metrics`.
#[must_use]
pub fn metrics(totals: Totals) -> Response {
    let Totals {
        users,
        new,
        old,
        bytes_used,
        waiting,
        failed,
    } = totals;
    let text = format!(
        "# HELP afterbeep_users Addresses with an account.
# TYPE afterbeep_users gauge
afterbeep_users {users}
# HELP afterbeep_messages Messages in all mailboxes, by whether they were heard.
# TYPE afterbeep_messages gauge
afterbeep_messages{{state=\"new\"}} {new}
afterbeep_messages{{state=\"old\"}} {old}
# HELP afterbeep_storage_bytes Bytes of all messages and greetings.
# TYPE afterbeep_storage_bytes gauge
afterbeep_storage_bytes {bytes_used}
# HELP afterbeep_notifications Notifications to webhooks that still wait, or were given up after ten tries.
# TYPE afterbeep_notifications gauge
afterbeep_notifications{{state=\"waiting\"}} {waiting}
afterbeep_notifications{{state=\"failed\"}} {failed}
"
    );
    Response {
        status: 200,
        headers: vec![
            (
                "content-type".to_owned(),
                "text/plain; version=0.0.4; charset=utf-8".to_owned(),
            ),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: Body::Bytes(text.into_bytes()),
    }
}
