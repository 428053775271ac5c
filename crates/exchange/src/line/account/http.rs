//! Sign-in, change of password, and what an operator may do with one account.

use serde::Deserialize;
use serde_json::json;

use super::{
    Account, accepts_password, address, count_failure, find, guessed_too_often, news::spread,
    set_password, sign_in,
};
use crate::{
    context::Context,
    effect::Effect,
    front,
    http::{Request, Response},
    json,
    line::number,
    problem::{self, Refusal, settle},
    sql::{Sql, SqlError},
};

const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 1024;
const LONGEST_NAME: usize = 120;

type Answered = Result<(Response, Vec<Effect>), Refusal>;

/// `POST /login`, `POST /account/password`, `GET` and `PUT /admin/users/{address}` and
/// `POST /admin/users/{address}/login`. The front has checked tokens and the admin's right.
pub fn on_http(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    let admin = request.path.starts_with("/admin/users/");
    settle(match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/login") => login(sql, context, request),
        ("POST", "/account/password") => change_password(sql, context, request),
        ("POST", path) if admin && path.ends_with("/login") => login_for(sql, context, request),
        ("PUT", _) if admin => put_user(sql, context, request),
        ("GET", _) if admin => show(sql, context, request),
        _ => Err(Refusal::of(request, problem::NOT_FOUND, "")),
    })
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    password: String,
}

fn login(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let body: Login = json::read(request)?;
    let right = is_right(sql, context, request, &body.password)?;
    match find(sql)?.filter(|_| right) {
        Some(account) => signed_in(context, request, &account),
        None => Err(Refusal::of(request, problem::BAD_CREDENTIALS, "")),
    }
}

/// Whether the password is right; a wrong one is one guess of the request's network, and after too many
/// none is looked at.
fn is_right(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    password: &str,
) -> Result<bool, Refusal> {
    let network = request.header(front::NETWORK).unwrap_or("");
    if guessed_too_often(sql, context, network)? {
        let detail = "Too many wrong passwords; wait five minutes.";
        return Err(Refusal::of(request, problem::RATE_LIMITED, detail));
    }
    let right = accepts_password(sql, context, password)?;
    if !right {
        count_failure(sql, context, network)?;
    }
    Ok(right)
}

fn login_for(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    signed_in(context, request, &known(sql, request)?)
}

fn signed_in(context: &Context<'_>, request: &Request, account: &Account) -> Answered {
    let (token, expires_at_ms) = sign_in(context, account)
        .ok_or_else(|| Refusal::of(request, problem::INVALID_FIELD, "The address is too long."))?;
    let content = json!({
        "token": token,
        "expires_at": deposit::time::rfc3339(expires_at_ms),
        "address": address(context),
        "display_name": account.display_name,
    });
    Ok((json::answer(200, &content), Vec::new()))
}

#[derive(Deserialize)]
struct PasswordChange {
    old: String,
    new: String,
}

fn change_password(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let body: PasswordChange = json::read(request)?;
    let account = known(sql, request)?;
    let generation = request
        .header(front::GENERATION)
        .and_then(|text| text.parse().ok());
    if generation != Some(account.generation) {
        return Err(Refusal::of(request, problem::SIGNED_OUT, ""));
    }
    check_password(request, &body.new)?;
    if !is_right(sql, context, request, &body.old)? {
        return Err(Refusal::of(request, problem::WRONG_PASSWORD, ""));
    }
    set_password(sql, context, &body.new)?;
    let (response, _) = signed_in(context, request, &known(sql, request)?)?;
    Ok((response, spread(sql, context)?))
}

#[derive(Deserialize)]
struct User {
    password: Option<String>,
    display_name: Option<String>,
}

fn put_user(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let body: User = json::read(request)?;
    let before = find(sql)?;
    if let Some(name) = &body.display_name {
        check_name(request, name)?;
    }
    if let (None, Some(owner)) = (&before, number::owner(sql)?) {
        let detail = format!("This is a number of {owner}; take it from there first.");
        return Err(Refusal::of(request, problem::CONFLICT, &detail));
    }
    match &body.password {
        Some(password) => {
            check_password(request, password)?;
            set_password(sql, context, password)?;
        }
        None if before.is_none() => {
            let detail = "A new user needs a password.";
            return Err(Refusal::of(request, problem::INVALID_FIELD, detail));
        }
        None => {}
    }
    if let Some(name) = body.display_name {
        sql.query("UPDATE account SET display_name = ?", &[name.into()])?;
    }
    let status = if before.is_none() { 201 } else { 200 };
    let content = shown(context, &known(sql, request)?);
    Ok((json::answer(status, &content), spread(sql, context)?))
}

fn show(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let content = shown(context, &known(sql, request)?);
    Ok((json::answer(200, &content), Vec::new()))
}

fn shown(context: &Context<'_>, account: &Account) -> serde_json::Value {
    json!({
        "address": address(context),
        "display_name": account.display_name,
        "created_at": deposit::time::rfc3339(account.created_at_ms),
    })
}

/// The account of this line, or that there is none.
pub(in crate::line) fn known(sql: &dyn Sql, request: &Request) -> Result<Account, Refusal> {
    find(sql)?.ok_or_else(|| Refusal::of(request, problem::NOT_FOUND, "There is no such user."))
}

fn check_password(request: &Request, password: &str) -> Result<(), Refusal> {
    if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&password.len()) {
        return Ok(());
    }
    let detail = format!("A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} bytes.");
    Err(Refusal::of(request, problem::INVALID_FIELD, &detail))
}

fn check_name(request: &Request, name: &str) -> Result<(), Refusal> {
    if name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("A display name has at most {LONGEST_NAME} characters and is one line.");
    Err(Refusal::of(request, problem::INVALID_FIELD, &detail))
}
