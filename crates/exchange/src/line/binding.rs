//! The contacts under which the owner of a line can be reached, and the connections to them.

use sip::{NameAddr, Request, Uri};

use crate::sql::{Row, Sql, SqlError};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE bindings (contact TEXT PRIMARY KEY, flow TEXT NOT NULL, instance TEXT, call_id TEXT NOT NULL, cseq INTEGER NOT NULL, q INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX bindings_by_flow ON bindings (flow)",
];

/// The fourth migration of the line: the proxies between us and a contact.
pub(super) const PATH_SCHEMA: &[&str] = &["ALTER TABLE bindings ADD COLUMN path TEXT"];

/// How many contacts one address may have; a new one takes the place of the one that expires first.
const MAX_BINDINGS: i64 = 16;

/// One contact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binding {
    /// The contact URI as registered.
    pub(super) contact: String,
    /// The connection it came on.
    pub(super) flow: String,
    /// `+sip.instance` and `reg-id` (RFC 5626), if given: a newer registration of the same takes its place.
    pub(super) instance: Option<String>,
    /// Call-ID and CSeq of the REGISTER.
    pub(super) call_id: String,
    pub(super) cseq: i64,
    /// Preference in thousandths.
    pub(super) q: i64,
    /// Unix time in milliseconds.
    pub(super) expires_ms: i64,
    /// The proxies on the way to the contact, nearest first, as one Route value (RFC 3327); none mostly.
    pub(super) path: Option<String>,
}

const COLUMNS: &str = "contact, flow, instance, call_id, cseq, q, expires, path";

impl Binding {
    fn of_row(row: &Row) -> Self {
        Self {
            contact: row.text(0),
            flow: row.text(1),
            instance: row.optional_text(2),
            call_id: row.text(3),
            cseq: row.integer(4),
            q: row.integer(5),
            expires_ms: row.integer(6),
            path: row.optional_text(7),
        }
    }

    /// The contact as a URI.
    pub(super) fn uri(&self) -> Option<Uri> {
        self.contact.parse().ok()
    }

    /// The instance that registered the contact (`+sip.instance`, RFC 5626), if it has a name.
    pub(super) fn instance_id(&self) -> Option<&str> {
        self.registration().map(|(instance, _)| instance)
    }

    /// Instance and `reg-id`; empty where the instance has only one flow.
    fn registration(&self) -> Option<(&str, &str)> {
        self.instance.as_deref()?.rsplit_once(' ')
    }

    /// Sends a request that is for this contact on its way: by the proxies that it came by.
    pub(super) fn route(&self, request: &mut Request) {
        if let Some(path) = &self.path {
            request.set_header("Route", path);
        }
    }

    /// As it stands in the answer to a REGISTER.
    pub(super) fn contact(&self, now_ms: i64) -> Option<NameAddr> {
        let left = self.expires_ms.saturating_sub(now_ms);
        let seconds = left.saturating_add(999).checked_div(1000)?;
        let mut contact = NameAddr::new(self.uri()?).with_param("expires", &seconds.to_string());
        if self.q < 1000 {
            contact = contact.with_param("q", &format!("0.{:03}", self.q));
        }
        if let Some((instance, number)) = self.registration() {
            contact = contact.with_param("+sip.instance", instance);
            if !number.is_empty() {
                contact = contact.with_param("reg-id", number);
            }
        }
        Some(contact)
    }
}

/// The contacts that have not expired, the preferred ones first.
pub(super) fn current(sql: &dyn Sql, now_ms: i64) -> Result<Vec<Binding>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM bindings WHERE expires > ? ORDER BY q DESC, contact"),
        &[now_ms.into()],
    )?;
    Ok(rows.iter().map(Binding::of_row).collect())
}

/// The contact under which this URI is registered: two that name the same are one (RFC 3261 10.3 step 7).
pub(super) fn registered_as(known: &[Binding], uri: &Uri) -> Option<String> {
    let same = |binding: &&Binding| binding.uri().is_some_and(|own| own.equivalent(uri));
    known
        .iter()
        .find(same)
        .map(|binding| binding.contact.clone())
}

/// The binding of this contact, expired or not.
pub(super) fn find(sql: &dyn Sql, contact: &str) -> Result<Option<Binding>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM bindings WHERE contact = ?"),
        &[contact.into()],
    )?;
    Ok(rows.first().map(Binding::of_row))
}

/// Writes a binding; what it replaces goes.
pub(super) fn put(sql: &dyn Sql, binding: &Binding) -> Result<(), SqlError> {
    if let Some(instance) = &binding.instance {
        sql.query(
            "DELETE FROM bindings WHERE instance = ?",
            &[instance.as_str().into()],
        )?;
    }
    sql.query(
        &format!(
            "INSERT INTO bindings ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (contact) DO UPDATE SET flow = excluded.flow, instance = excluded.instance, call_id = excluded.call_id, cseq = excluded.cseq, q = excluded.q, expires = excluded.expires, path = excluded.path"
        ),
        &[
            binding.contact.as_str().into(),
            binding.flow.as_str().into(),
            binding.instance.clone().into(),
            binding.call_id.as_str().into(),
            binding.cseq.into(),
            binding.q.into(),
            binding.expires_ms.into(),
            binding.path.clone().into(),
        ],
    )?;
    sql.query(
        "DELETE FROM bindings WHERE contact NOT IN (SELECT contact FROM bindings ORDER BY expires DESC LIMIT ?)",
        &[MAX_BINDINGS.into()],
    )?;
    Ok(())
}

/// Removes one contact.
pub(super) fn remove(sql: &dyn Sql, contact: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM bindings WHERE contact = ?", &[contact.into()])?;
    Ok(())
}

/// Removes every contact of a connection that is gone.
pub(super) fn remove_flow(sql: &dyn Sql, flow: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM bindings WHERE flow = ?", &[flow.into()])?;
    Ok(())
}

/// Removes what has expired.
pub(super) fn sweep(sql: &dyn Sql, now_ms: i64) -> Result<(), SqlError> {
    sql.query("DELETE FROM bindings WHERE expires <= ?", &[now_ms.into()])?;
    Ok(())
}
