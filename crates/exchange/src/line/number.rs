//! Telephone numbers of people (D23), besides those of the dial plan. The line of a number knows whose it is and hands
//! over every call to it; the line of a person lists the numbers. So a number belongs to at most one person, and no
//! call asks more than the two.

use serde_json::json;

use super::account;
use crate::{
    context::{Context, Outcome},
    effect::Effect,
    front::{self, OWN_NUMBERS},
    http::{Request, Response},
    json,
    object::Object,
    problem::{self, Refusal, settle},
    signal::{Reply, Signal},
    sql::{Sql, SqlError, Value},
};

/// The tables of this module; the line's newest migration.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE number_owner (id INTEGER PRIMARY KEY CHECK (id = 0), owner TEXT NOT NULL, since INTEGER NOT NULL)",
    "CREATE TABLE numbers (number TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID",
];

/// So many numbers lead to one person.
const MOST_NUMBERS: usize = 100;

/// Whose number this line is, if it is one.
pub(super) fn owner(sql: &dyn Sql) -> Result<Option<String>, SqlError> {
    let rows = sql.query("SELECT owner FROM number_owner", &[])?;
    Ok(rows.first().map(|row| row.text(0)))
}

/// What concerns a call to a number goes to its owner's line as it came, notes included.
pub(super) fn follow(sql: &dyn Sql, signal: &Signal) -> Result<Option<Outcome>, SqlError> {
    if !is_of_a_call(signal) {
        return Ok(None);
    }
    Ok(owner(sql)?.map(|owner| {
        Outcome::done(vec![Effect::Signal {
            to: Object::Line(owner),
            signal: Box::new(signal.clone()),
            tag: String::new(),
        }])
    }))
}

fn is_of_a_call(signal: &Signal) -> bool {
    match signal {
        Signal::Traced { inner, .. } => is_of_a_call(inner),
        Signal::Terminate { .. }
        | Signal::Receive { .. }
        | Signal::Recover { .. }
        | Signal::FlowClosed { .. } => true,
        _ => false,
    }
}

/// A number becomes somebody's, unless it is somebody else's or is itself the address of a user. The reply says whose
/// it is now.
pub(super) fn claim(
    sql: &dyn Sql,
    context: &Context<'_>,
    wanted: &str,
) -> Result<Outcome, SqlError> {
    let user = account::find(sql)?.map(|_| super::address(context).to_owned());
    let owner = match user.or(owner(sql)?) {
        Some(owner) => owner,
        None => {
            let parameters: [Value; 2] = [wanted.into(), context.now_ms.into()];
            sql.query(
                "INSERT INTO number_owner (id, owner, since) VALUES (0, ?, ?)",
                &parameters,
            )?;
            wanted.to_owned()
        }
    };
    Ok(Outcome {
        reply: Reply::Value { value: owner },
        effects: Vec::new(),
    })
}

/// A number is nobody's any more, if it was this owner's.
pub(super) fn release(sql: &dyn Sql, owner: &str) -> Result<Outcome, SqlError> {
    sql.query("DELETE FROM number_owner WHERE owner = ?", &[owner.into()])?;
    Ok(Outcome::done(Vec::new()))
}

/// The list of a person's numbers, and what is to be in it, under the path [`OWN_NUMBERS`]. The front has asked the
/// line of the number before.
pub(super) fn on_http(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    let number = request.path.strip_prefix(OWN_NUMBERS).unwrap_or_default();
    let number = number.strip_prefix('/').unwrap_or_default();
    settle(match (request.method.as_str(), number) {
        ("GET", "") => list(sql, request),
        ("PUT", number) if !number.is_empty() => put(sql, context, request, number),
        ("DELETE", number) if !number.is_empty() => remove(sql, request, number),
        _ => Err(Refusal::of(request, problem::NOT_FOUND, "")),
    })
}

type Answered = Result<(Response, Vec<Effect>), Refusal>;

fn list(sql: &dyn Sql, request: &Request) -> Answered {
    account::known(sql, request)?;
    let rows = sql.query("SELECT number, since FROM numbers ORDER BY number", &[])?;
    let numbers = rows
        .iter()
        .map(|row| shown(&row.text(0), row.integer(1)))
        .collect::<Vec<_>>();
    Ok((
        json::answer(200, &json!({ "numbers": numbers })),
        Vec::new(),
    ))
}

fn put(sql: &dyn Sql, context: &Context<'_>, request: &Request, number: &str) -> Answered {
    account::known(sql, request)?;
    let known = sql.query(
        "SELECT since FROM numbers WHERE number = ?",
        &[number.into()],
    )?;
    if let Some(row) = known.first() {
        let content = shown(number, row.integer(0));
        return Ok((json::answer(200, &content), Vec::new()));
    }
    let parameters: [Value; 2] = [number.into(), context.now_ms.into()];
    sql.query(
        "INSERT INTO numbers (number, since) VALUES (?, ?)",
        &parameters,
    )?;
    let count = sql.query("SELECT 1 FROM numbers", &[])?.len();
    if count > MOST_NUMBERS {
        sql.query("DELETE FROM numbers WHERE number = ?", &[number.into()])?;
        let detail = format!("A user has at most {MOST_NUMBERS} numbers.");
        let request_id = request.header(front::REQUEST_ID).unwrap_or("");
        let refusal = problem::response(problem::CONFLICT, &detail, request_id);
        return Ok((refusal, given_back(context, number)));
    }
    let content = shown(number, context.now_ms);
    Ok((json::answer(201, &content), Vec::new()))
}

/// A number that the front has claimed for this person is nobody's again.
fn given_back(context: &Context<'_>, number: &str) -> Vec<Effect> {
    let Ok(address) = context.settings.address(number) else {
        return Vec::new();
    };
    vec![Effect::Signal {
        to: Object::Line(address.as_str().to_owned()),
        signal: Box::new(Signal::ReleaseNumber {
            owner: super::address(context).to_owned(),
        }),
        tag: String::new(),
    }]
}

fn remove(sql: &dyn Sql, request: &Request, number: &str) -> Answered {
    let removed = sql.query(
        "DELETE FROM numbers WHERE number = ? RETURNING 1",
        &[number.into()],
    )?;
    if removed.is_empty() {
        let detail = "This is not a number of this user.";
        return Err(Refusal::of(request, problem::NOT_FOUND, detail));
    }
    Ok((Response::status(204), Vec::new()))
}

fn shown(number: &str, since_ms: i64) -> serde_json::Value {
    json!({ "number": number, "since": deposit::time::rfc3339(since_ms) })
}
