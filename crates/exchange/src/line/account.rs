//! The account of one address: who it is, its password as encrypted HA1s, and its login generation. It
//! answers for unknown users exactly as for known ones.

mod guess;
mod http;
mod news;
mod secret;

use deposit::token::{LoginClaims, Token};
use sip::digest::Ha1;
use subtle::ConstantTimeEq;

pub(super) use self::{
    guess::{GUESSES, count_failure, forget_guesses, guessed_too_often},
    http::known,
};
pub use self::{
    http::on_http,
    news::{TAG, WAKEUP, on_reply, on_wakeup},
};
use crate::{
    context::Context,
    flow::hop,
    object::Object,
    sql::{Row, Sql, SqlError, Value},
};

/// The tables of this module; part of the line's first migration.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 0), display_name TEXT NOT NULL, generation INTEGER NOT NULL, ha1_key TEXT NOT NULL, ha1 BLOB NOT NULL, created_at INTEGER NOT NULL)",
    "CREATE TABLE account_news (receiver TEXT PRIMARY KEY, version TEXT NOT NULL, tries INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE login_failures (network TEXT PRIMARY KEY, failures INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID",
];

/// The line's second migration: the owner's choice of how long to ring.
pub const SECOND_SCHEMA: &[&str] = &["ALTER TABLE account ADD COLUMN ring_timeout_s INTEGER"];

/// How long a sign-in lasts.
pub const LOGIN_TTL_MS: i64 = 30 * 86_400_000;

/// The stored account, without its secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Name for people.
    pub display_name: String,
    /// Login tokens of an older generation are void.
    pub generation: u32,
    /// When it was made, Unix time in milliseconds.
    pub created_at_ms: i64,
}

/// The account of this line, if there is one.
pub fn find(sql: &dyn Sql) -> Result<Option<Account>, SqlError> {
    let rows = sql.query(
        "SELECT display_name, generation, created_at FROM account",
        &[],
    )?;
    Ok(rows.first().map(|row| Account {
        display_name: row.text(0),
        generation: u32::try_from(row.integer(1)).unwrap_or(0),
        created_at_ms: row.integer(2),
    }))
}

/// Says in an answer whose it is, to a caller who was sent on here.
pub fn vouch(
    sql: &dyn Sql,
    context: &Context<'_>,
    invite: &sip::Request,
    answer: &mut sip::Response,
) -> Result<(), SqlError> {
    if !hop::is_sent_on(context, address(context), invite) {
        return Ok(());
    }
    let name = find(sql)?.map_or_else(String::new, |account| account.display_name);
    if let Some(identity) = hop::identity(address(context), &name) {
        answer.add_header(hop::ASSERTED, &identity);
    }
    Ok(())
}

/// How long contacts ring before the voicemail answers: the owner's choice, else the operator's.
pub fn ring_timeout_ms(sql: &dyn Sql, context: &Context<'_>) -> Result<i64, SqlError> {
    let rows = sql.query("SELECT ring_timeout_s FROM account", &[])?;
    let chosen = rows.first().and_then(|row| row.optional_integer(0));
    Ok(chosen.map_or(context.settings.ring_timeout_ms, |seconds| {
        seconds.saturating_mul(1000)
    }))
}

/// The mailbox says what its owner chose.
pub fn set_ring_timeout(sql: &dyn Sql, seconds: Option<u32>) -> Result<(), SqlError> {
    let seconds = seconds.map(i64::from);
    sql.query("UPDATE account SET ring_timeout_s = ?", &[seconds.into()])?;
    Ok(())
}

/// The digest hashes of the account, for the realm `settings.domain()`. For a line without an account they
/// are hashes that no password gives, so that its answers take the same way as any other's.
pub fn ha1(sql: &dyn Sql, context: &Context<'_>) -> Result<Ha1, SqlError> {
    let rows = sql.query("SELECT ha1_key, ha1 FROM account", &[])?;
    match rows.first() {
        Some(row) => stored_ha1(sql, context, row),
        None => Ok(secret::nobody(context)),
    }
}

/// Whether this is the account's password; false for a line without an account.
pub fn accepts_password(
    sql: &dyn Sql,
    context: &Context<'_>,
    password: &str,
) -> Result<bool, SqlError> {
    let stored = ha1(sql, context)?;
    let given = hashes(context, password);
    Ok(stored
        .sha256
        .as_bytes()
        .ct_eq(given.sha256.as_bytes())
        .into())
}

/// Whether a `Bearer` token is a login of this line's account, of its present generation and not expired.
pub fn accepts_bearer(sql: &dyn Sql, context: &Context<'_>, token: &str) -> Result<bool, SqlError> {
    let keys = &context.settings.token_keys;
    let Ok(claims) = deposit::token::verify_login(token, keys, context.now_ms) else {
        return Ok(false);
    };
    let account = find(sql)?;
    Ok(claims.address == address(context)
        && account.is_some_and(|account| account.generation == claims.generation))
}

/// Name of the line: the normalised address of the account.
fn address<'a>(context: &'a Context<'_>) -> &'a str {
    match &context.object {
        Object::Line(address) => address,
        _ => "",
    }
}

/// The digest hashes that a password gives. The user name is the user part of the address.
fn hashes(context: &Context<'_>, password: &str) -> Ha1 {
    let address = address(context);
    let bare = address.strip_prefix("sip:").unwrap_or(address);
    let user = bare.split_once('@').map_or(bare, |(user, _)| user);
    Ha1::new(user, context.settings.domain(), password)
}

/// Decrypts; what an old key encrypted is encrypted again with the newest.
fn stored_ha1(sql: &dyn Sql, context: &Context<'_>, row: &Row) -> Result<Ha1, SqlError> {
    let key = row.text(0);
    let Some(ha1) = secret::open(context, &key, &row.blob(1)) else {
        return Ok(secret::nobody(context));
    };
    if key != context.settings.account_keys.newest().0 {
        let (newest, sealed) = secret::seal(context, &ha1);
        let parameters: [Value; 2] = [newest.into(), sealed.into()];
        sql.query("UPDATE account SET ha1_key = ?, ha1 = ?", &parameters)?;
    }
    Ok(ha1)
}

/// Writes a first or another password; all sign-ins of before end.
fn set_password(sql: &dyn Sql, context: &Context<'_>, password: &str) -> Result<(), SqlError> {
    let (key, sealed) = secret::seal(context, &hashes(context, password));
    sql.query(
        "INSERT INTO account (id, display_name, generation, ha1_key, ha1, created_at) VALUES (0, '', 1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET generation = generation + 1, ha1_key = excluded.ha1_key, ha1 = excluded.ha1",
        &[key.into(), sealed.into(), context.now_ms.into()],
    )?;
    Ok(())
}

/// A login token for this account, and when it ends.
fn sign_in(context: &Context<'_>, account: &Account) -> Option<(String, i64)> {
    let expires_at_ms = context.now_ms.saturating_add(LOGIN_TTL_MS);
    let claims = LoginClaims {
        generation: account.generation,
        expires_at_ms,
        address: address(context).to_owned(),
    };
    let token = deposit::token::mint(&Token::Login(claims), &context.settings.token_keys).ok()?;
    Some((token, expires_at_ms))
}

#[cfg(test)]
mod tests;
