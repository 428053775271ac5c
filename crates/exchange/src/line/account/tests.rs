//! Accounts on a real SQLite: sign-in, passwords at rest, generations, and that nothing tells who exists.

use serde_json::Value as Json;

use super::{
    accepts_bearer, accepts_password, find, ha1, news, on_http, on_reply, on_wakeup,
    ring_timeout_ms,
};
use crate::{
    context::{Context, Entropy},
    effect::Effect,
    front,
    http::{Body, Request, Response},
    object::Object,
    settings::{
        Settings,
        tests::{settings, value},
    },
    signal::Signal,
    sql::{Sql, SqlError},
    testing::Memory,
    wakeup,
};

const BOB: &str = "sip:bob@localhost";

struct Line {
    sql: Memory,
    settings: Settings,
    now_ms: i64,
    events: std::cell::Cell<u8>,
}

impl Line {
    fn new() -> Self {
        let sql = Memory::new();
        sql.transaction(crate::line::migrate).expect("schema");
        Self {
            sql,
            settings: settings(),
            now_ms: 1_790_000_000_000,
            events: std::cell::Cell::new(0),
        }
    }

    fn with_bob() -> Self {
        let line = Self::new();
        let made = line.http(
            "PUT",
            "/admin/users/bob",
            r#"{"password":"bob-demo","display_name":"Bob"}"#,
        );
        assert_eq!(made.0.status, 201);
        line
    }

    fn event<T>(&self, rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>) -> T {
        self.events.set(self.events.get().wrapping_add(1));
        let context = Context {
            object: Object::Line(BOB.to_owned()),
            settings: &self.settings,
            now_ms: self.now_ms,
            entropy: Entropy::new([self.events.get(); 32]),
            trace: crate::trace::Notebook::default(),
        };
        self.sql
            .transaction(|sql| rule(sql, &context))
            .expect("storage")
    }

    fn http(&self, method: &str, path: &str, body: &str) -> (Response, Vec<Effect>) {
        self.http_with(method, path, body, &[])
    }

    fn http_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (Response, Vec<Effect>) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        };
        self.event(|sql, context| on_http(sql, context, &request))
    }

    fn login(&self, password: &str) -> (u16, Json) {
        let body = serde_json::json!({ "address": "bob", "password": password }).to_string();
        let response = self.http("POST", "/login", &body).0;
        (response.status, json(&response))
    }
}

fn json(response: &Response) -> Json {
    match &response.body {
        Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or(Json::Null),
        Body::Blob { .. } => Json::Null,
    }
}

#[test]
fn the_right_password_gives_a_sign_in_for_thirty_days() {
    let mut line = Line::with_bob();
    let (status, login) = line.login("bob-demo");
    assert_eq!(status, 200);
    assert_eq!(
        (login["address"].as_str(), login["display_name"].as_str()),
        (Some(BOB), Some("Bob"))
    );
    let token = login["token"].as_str().expect("token").to_owned();
    assert!(line.event(|sql, context| accepts_bearer(sql, context, &token)));
    line.now_ms += 30 * 86_400_000 - 1000;
    assert!(line.event(|sql, context| accepts_bearer(sql, context, &token)));
    line.now_ms += 1000;
    assert!(!line.event(|sql, context| accepts_bearer(sql, context, &token)));
}

#[test]
fn unknown_users_are_answered_like_known_ones_with_a_wrong_password() {
    let (known, unknown) = (Line::with_bob(), Line::new());
    let body = r#"{"address":"bob","password":"wrong"}"#;
    for _ in 0..25 {
        let answers = [&known, &unknown].map(|line| line.http("POST", "/login", body).0);
        assert_eq!(answers[0], answers[1]);
    }
    let answers =
        [&known, &unknown].map(|line| line.http("POST", "/login", r#"{"address":"bob"}"#).0);
    assert_eq!(answers[0], answers[1]);
    let hashes = [&known, &unknown].map(|line| line.event(ha1));
    assert_eq!(hashes[0].sha256.len(), hashes[1].sha256.len());
    assert_eq!(hashes[0].md5.len(), hashes[1].md5.len());
    assert_eq!(
        unknown.event(ha1),
        unknown.event(ha1),
        "the same at every question"
    );
}

#[test]
fn twenty_wrong_passwords_close_the_door_for_five_minutes_for_this_network() {
    let mut line = Line::with_bob();
    let attempt = |line: &Line, network: &str, password: &str| {
        let body = serde_json::json!({ "password": password }).to_string();
        line.http_with("POST", "/login", &body, &[(front::NETWORK, network)])
            .0
            .status
    };
    for _ in 0..20 {
        assert_eq!(attempt(&line, "203.0.113.7", "wrong"), 401);
    }
    assert_eq!(attempt(&line, "203.0.113.7", "bob-demo"), 429);
    assert_eq!(attempt(&line, "198.51.100.1", "bob-demo"), 200);
    line.now_ms += 300_000;
    assert_eq!(attempt(&line, "203.0.113.7", "bob-demo"), 200);
}

#[test]
fn guesses_at_an_address_without_an_account_are_forgotten_as_a_whole() {
    let mut line = Line::new();
    for _ in 0..2 {
        assert_eq!(line.login("bob-demo").0, 401);
        line.now_ms += 1000;
    }
    for _ in 0..2 {
        assert!(!crate::line::leaves_nothing(&line.sql).expect("a line"));
        let due = wakeup::next(&line.sql).expect("wake-ups");
        line.now_ms = due.expect("a wake-up");
        line.event(crate::line::on_wakeup);
        let rest = wakeup::next(&line.sql).expect("wake-ups");
        if rest.is_none() {
            break;
        }
    }
    assert!(crate::line::leaves_nothing(&line.sql).expect("a line"));

    let known = Line::with_bob();
    assert_eq!(known.login("wrong").0, 401);
    let guesses = wakeup::due(&known.sql, super::GUESSES, "").expect("wake-ups");
    assert_eq!(guesses, None, "an account's rows stay");
}

#[test]
fn passwords_are_neither_stored_nor_is_their_hash_in_the_clear() {
    let line = Line::with_bob();
    let rows = line.event(|sql, _| sql.query("SELECT ha1 FROM account", &[]));
    let stored = String::from_utf8_lossy(&rows[0].blob(0)).into_owned();
    let hashes = line.event(ha1);
    for secret in ["bob-demo", hashes.sha256.as_str(), hashes.md5.as_str()] {
        assert!(!stored.contains(secret));
    }
    // RFC 8760: H(user:realm:password).
    assert_eq!(
        hashes,
        sip::digest::Ha1::new("bob", "localhost", "bob-demo")
    );
}

#[test]
fn rotating_the_account_keys_locks_nobody_out_and_encrypts_anew() {
    let mut line = Line::with_bob();
    let old = value("AFTERBEEP_ACCOUNT_KEYS").expect("keys");
    let new = "a2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let with = |keys: String| {
        Settings::read(|name| {
            if name == "AFTERBEEP_ACCOUNT_KEYS" {
                Some(keys.clone())
            } else {
                value(name)
            }
        })
        .expect("settings")
    };
    line.settings = with(format!("{new},{old}"));
    assert_eq!(line.login("bob-demo").0, 200);
    let key =
        |line: &Line| line.event(|sql, _| sql.query("SELECT ha1_key FROM account", &[]))[0].text(0);
    assert_eq!(key(&line), "a2");
    line.settings = with(new.to_owned());
    assert_eq!(
        line.login("bob-demo").0,
        200,
        "the old key is no longer needed"
    );
}

#[test]
fn a_changed_password_ends_other_sign_ins_and_keeps_this_one() {
    let line = Line::with_bob();
    let before = line.login("bob-demo").1["token"]
        .as_str()
        .expect("token")
        .to_owned();
    let change = |old: &str, new: &str, generation: &str| {
        let body = serde_json::json!({ "old": old, "new": new }).to_string();
        let headers = [(front::GENERATION, generation)];
        let (response, effects) = line.http_with("POST", "/account/password", &body, &headers);
        (response.status, json(&response), effects)
    };
    assert_eq!(
        change("wrong", "another-password", "1").1["code"],
        "wrong_password"
    );
    assert_eq!(change("bob-demo", "short", "1").1["code"], "invalid_field");
    assert_eq!(
        change("bob-demo", "another-password", "7").1["code"],
        "signed_out"
    );
    let (status, answer, effects) = change("bob-demo", "another-password", "1");
    assert_eq!(status, 200);
    assert!(!line.event(|sql, context| accepts_bearer(sql, context, &before)));
    let token = answer["token"].as_str().expect("token").to_owned();
    assert!(line.event(|sql, context| accepts_bearer(sql, context, &token)));
    assert!(line.event(|sql, context| accepts_password(sql, context, "another-password")));
    assert!(!line.event(|sql, context| accepts_password(sql, context, "bob-demo")));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Signal { signal, .. }
        if **signal == Signal::AccountChanged { display_name: "Bob".to_owned(), generation: 2 }))
    );
}

#[test]
fn a_name_alone_changes_without_ending_sign_ins() {
    let line = Line::with_bob();
    let (response, _) = line.http("PUT", "/admin/users/bob", r#"{"display_name":"Robert"}"#);
    assert_eq!(response.status, 200);
    let account = line.event(|sql, _| find(sql)).expect("account");
    assert_eq!(
        (account.display_name.as_str(), account.generation),
        ("Robert", 1)
    );
    let refused = Line::new()
        .http("PUT", "/admin/users/bob", r#"{"display_name":"Nobody"}"#)
        .0;
    assert_eq!(refused.status, 422, "a new user needs a password");
    let two_lines = line
        .http(
            "PUT",
            "/admin/users/bob",
            r#"{"display_name":"Bob\r\nX: y"}"#,
        )
        .0;
    assert_eq!(two_lines.status, 422);
}

#[test]
fn an_operator_gets_a_sign_in_for_known_users_only() {
    let line = Line::with_bob();
    let given = line.http("POST", "/admin/users/bob/login", "").0;
    let token = json(&given)["token"].as_str().expect("token").to_owned();
    assert!(line.event(|sql, context| accepts_bearer(sql, context, &token)));
    assert_eq!(
        Line::new()
            .http("POST", "/admin/users/bob/login", "")
            .0
            .status,
        404
    );
}

#[test]
fn a_token_of_another_line_or_purpose_is_no_sign_in() {
    let line = Line::with_bob();
    let minted = |address: &str| {
        let claims = deposit::token::LoginClaims {
            generation: 1,
            expires_at_ms: line.now_ms + 1_000_000,
            address: address.to_owned(),
        };
        deposit::token::mint(
            &deposit::token::Token::Login(claims),
            &line.settings.token_keys,
        )
        .expect("token")
    };
    assert!(line.event(|sql, context| accepts_bearer(sql, context, &minted(BOB))));
    assert!(!line.event(|sql, context| accepts_bearer(
        sql,
        context,
        &minted("sip:carol@localhost")
    )));
    assert!(!line.event(|sql, context| accepts_bearer(sql, context, "nonsense")));
}

#[test]
fn news_are_told_again_until_taken() {
    let mut line = Line::new();
    let (_, effects) = line.http("PUT", "/admin/users/bob", r#"{"password":"bob-demo"}"#);
    let tags: Vec<String> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Signal { tag, .. } => tag.clone(),
            other => panic!("only signals: {other:?}"),
        })
        .collect();
    assert_eq!(tags.len(), 3, "mailbox, directory, first user");
    line.event(|sql, context| on_reply(sql, context, &tags[0], true));
    line.event(|sql, context| on_reply(sql, context, &tags[1], false));
    line.event(|sql, context| on_reply(sql, context, "account:directory:old", true));
    line.now_ms += 2_000;
    let again = line.event(crate::line::on_wakeup);
    assert_eq!(again.len(), 2);
    let told = line.event(|sql, context| on_wakeup(sql, context, "mailbox"));
    assert_eq!(told, Vec::new());
    assert!(tags.iter().all(|tag| tag.starts_with(news::TAG)));
}

#[test]
fn the_owner_chooses_how_long_to_ring_else_the_operator() {
    let line = Line::with_bob();
    assert_eq!(line.event(ring_timeout_ms), 20_000);
    let choose = |seconds| {
        let signal = Signal::RingTimeout { seconds };
        line.event(|sql, context| crate::line::on_signal(sql, context, signal));
        line.event(ring_timeout_ms)
    };
    assert_eq!(choose(Some(5)), 5_000);
    assert_eq!(choose(None), 20_000);
}
