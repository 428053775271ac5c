//! Whether a request comes from the owner of this line: digest (RFC 8760) or login token (RFC 8898).

use sip::{
    Request,
    digest::{Authorization, DigestResponse, NonceState, challenges, check_nonce, issue_nonce},
};

use super::account;
use crate::{
    context::Context,
    effect::Effect,
    flow::hop,
    sql::{Sql, SqlError},
};

/// How long a nonce serves, in milliseconds.
const NONCE_LIFETIME_MS: i64 = 300_000;

/// The table of this module: the last count of every nonce in use, so that no proof serves twice.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE nonces (nonce TEXT PRIMARY KEY, count INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
];

/// What a request proves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It comes from the owner.
    Proven,
    /// Nothing yet; `stale` where only the nonce was too old.
    Unproven { stale: bool },
    /// It proves to be somebody else.
    Mismatch,
    /// Its network guessed too often; passwords from there are not looked at for a while.
    Limited,
}

/// Who asks for the proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asker {
    /// The registrar: 401.
    Registrar,
    /// The proxy: 407.
    Proxy,
}

/// Checks every proof that a request carries; the first that is right counts. Each wrong password is one
/// guess of the `network`, as at a sign-in.
pub(super) fn check(
    sql: &dyn Sql,
    context: &Context<'_>,
    network: Option<&str>,
    request: &Request,
) -> Result<Verdict, SqlError> {
    let network = network.unwrap_or_default();
    let values = request
        .headers("Authorization")
        .chain(request.headers("Proxy-Authorization"));
    let mut verdict = Verdict::Unproven { stale: false };
    for value in values {
        let one = match Authorization::parse(value) {
            Authorization::Bearer(token) => check_token(sql, context, &token)?,
            Authorization::Digest(digest) => check_digest(sql, context, network, &digest, request)?,
            Authorization::Unknown => continue,
        };
        if one == Verdict::Proven {
            return Ok(one);
        }
        verdict = one;
    }
    Ok(verdict)
}

/// Asks for a proof: two challenges, SHA-256 first and MD5 last.
pub(super) fn challenge(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    asker: Asker,
    stale: bool,
) -> Option<Effect> {
    let (_, key) = context.settings.token_keys.newest();
    let nonce = issue_nonce(key, context.now_ms, context.entropy.bytes());
    let (status, reason, header) = match asker {
        Asker::Registrar => (401, "Unauthorized", "WWW-Authenticate"),
        Asker::Proxy => (407, "Proxy Authentication Required", "Proxy-Authenticate"),
    };
    let [first, last] = challenges(context.settings.domain(), &nonce, stale);
    let headers = [(header, first.as_str()), (header, last.as_str())];
    hop::answer_with(context, flow, request, status, reason, &headers)
}

/// The answer while a network has guessed too often.
pub(super) fn refuse_for_now(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
) -> Option<Effect> {
    let wait = [("Retry-After", "300")];
    hop::answer_with(
        context,
        flow,
        request,
        503,
        "Too Many Wrong Passwords",
        &wait,
    )
}

fn check_token(sql: &dyn Sql, context: &Context<'_>, token: &str) -> Result<Verdict, SqlError> {
    Ok(if account::accepts_bearer(sql, context, token)? {
        Verdict::Proven
    } else {
        Verdict::Unproven { stale: false }
    })
}

fn check_digest(
    sql: &dyn Sql,
    context: &Context<'_>,
    network: &str,
    digest: &DigestResponse,
    request: &Request,
) -> Result<Verdict, SqlError> {
    if digest.realm != context.settings.domain() {
        return Ok(Verdict::Unproven { stale: false });
    }
    if account::guessed_too_often(sql, context, network)? {
        return Ok(Verdict::Limited);
    }
    let right = digest.verify(&account::ha1(sql, context)?, request);
    let (_, key) = context.settings.token_keys.newest();
    let state = check_nonce(key, &digest.nonce, context.now_ms, NONCE_LIFETIME_MS);
    if state == NonceState::Foreign {
        return Ok(Verdict::Unproven { stale: false });
    }
    if !right {
        account::count_failure(sql, context, network)?;
        return Ok(wrong_proof(context, &digest.user));
    }
    let fresh = state == NonceState::Fresh && count(sql, context, digest)?;
    Ok(if fresh {
        Verdict::Proven
    } else {
        Verdict::Unproven { stale: true }
    })
}

/// A proof for another user is a mismatch; a wrong password is asked for again.
fn wrong_proof(context: &Context<'_>, user: &str) -> Verdict {
    let own = super::address(context);
    let own_user = own
        .strip_prefix("sip:")
        .and_then(|rest| rest.split_once('@'))
        .map_or("", |(user, _)| user);
    if user.eq_ignore_ascii_case(own_user) {
        Verdict::Unproven { stale: false }
    } else {
        Verdict::Mismatch
    }
}

/// Whether this use of the nonce is newer than every one seen (RFC 3261 22.3, `nc`).
fn count(sql: &dyn Sql, context: &Context<'_>, digest: &DigestResponse) -> Result<bool, SqlError> {
    sql.query(
        "DELETE FROM nonces WHERE expires <= ?",
        &[context.now_ms.into()],
    )?;
    let rows = sql.query(
        "SELECT count FROM nonces WHERE nonce = ?",
        &[digest.nonce.as_str().into()],
    )?;
    let count = i64::from(digest.nonce_count);
    if rows.first().is_some_and(|row| row.integer(0) >= count) {
        return Ok(false);
    }
    // A nonce may come from a clock ahead of this one; its count outlives it in any case.
    let expires = context
        .now_ms
        .saturating_add(NONCE_LIFETIME_MS.saturating_mul(2));
    sql.query(
        "INSERT INTO nonces (nonce, count, expires) VALUES (?, ?, ?) ON CONFLICT (nonce) DO UPDATE SET count = excluded.count, expires = excluded.expires",
        &[digest.nonce.as_str().into(), count.into(), expires.into()],
    )?;
    Ok(true)
}
