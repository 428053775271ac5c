//! The greeting that callers hear: the owner's own, or the system's. Its address carries a media token, so
//! that it tells nothing and ends.

use deposit::token::{MediaClaims, Token};

use serde::Deserialize;

use super::{
    Answered,
    account::{self, Counters},
    address,
    media::{self, Medium},
    media_type::{media_type, ogg_opus_duration_ms},
    opened_resource, session,
    settings::{self, GreetingChoice},
};
use crate::{
    context::Context,
    front,
    http::{Request, Response},
    json,
    problem::{self, Refusal},
    sql::{Row, Sql, SqlError, Value},
};

/// The table of this module; the sound itself is in the media chunks under `media_id`.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE greeting (id INTEGER PRIMARY KEY CHECK (id = 0), media_id TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, duration_ms INTEGER NOT NULL, changed_at INTEGER NOT NULL)",
];

/// What came later: words for callers who cannot hear it.
pub const SECOND_SCHEMA: &[&str] =
    &["ALTER TABLE greeting ADD COLUMN caption TEXT NOT NULL DEFAULT ''"];

/// What plays where the owner has none: the file that the pages are built with.
const SYSTEM: &[u8] = include_bytes!("../../../../www/src/greeting-system.ogg");
const RESOURCE: &str = "greeting";
const SYSTEM_RESOURCE: &str = "greeting-system";
/// How long the address of a greeting is good.
const TTL_MS: i64 = 600_000;
const LONGEST_MS: u32 = 180_000;
/// Header of the answer with the sound: what is spoken there, percent-encoded.
const CAPTION: &str = "afterbeep-caption";
/// Header of the answer with the sound: the token of the caller's session, where no INFO carries it.
const SESSION: &str = "afterbeep-session";
const LONGEST_CAPTION: usize = 500;
const SYSTEM_CAPTION: &str = "A recorded voice asks you to leave a message.";

/// What a caller is to hear.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting {
    /// Absolute address, good for ten minutes; nothing where the mailbox plays no greeting.
    pub url: Option<String>,
    /// How long it plays; 0 without a greeting.
    pub duration_ms: u32,
    /// Whether it is the owner's own.
    pub personal: bool,
    /// Its words, for those who cannot hear it; empty where nobody wrote them down.
    pub caption: String,
}

/// The greeting at this moment.
pub fn current(sql: &dyn Sql, context: &Context<'_>) -> Result<Greeting, SqlError> {
    current_with(sql, context, None)
}

/// The same; where it plays from, the token of this session comes with it (D7).
pub(super) fn current_with(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: Option<&str>,
) -> Result<Greeting, SqlError> {
    let choice = settings::load(sql)?.greeting;
    let own = match choice {
        GreetingChoice::Personal => stored(sql)?,
        GreetingChoice::System | GreetingChoice::None => None,
    };
    Ok(match (choice, own) {
        (GreetingChoice::None, _) => Greeting {
            url: None,
            duration_ms: 0,
            personal: false,
            caption: String::new(),
        },
        (_, Some(own)) => Greeting {
            url: url(context, RESOURCE, session),
            duration_ms: own.duration_ms,
            personal: true,
            caption: own.caption,
        },
        (_, None) => Greeting {
            url: url(context, SYSTEM_RESOURCE, session),
            duration_ms: ogg_opus_duration_ms(SYSTEM).unwrap_or(0),
            personal: false,
            caption: SYSTEM_CAPTION.to_owned(),
        },
    })
}

/// `GET /greetings/{token}` and `GET /mailbox/greeting`.
pub(super) fn play(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let opened = opened_resource(request);
    let (resource, session) = match opened.and_then(|opened| opened.split_once('/')) {
        Some((resource, session)) => (Some(resource), Some(session)),
        None => (opened, None),
    };
    let system = match resource {
        Some(SYSTEM_RESOURCE) => true,
        Some(RESOURCE) | None => false,
        Some(_) => return Err(Refusal::of(request, problem::TOKEN_FOREIGN, "")),
    };
    let (response, caption) = match stored(sql)?.filter(|_| !system) {
        Some(own) => (media::serve(sql, request, &own.medium)?, own.caption),
        // A greeting that was removed while its address was still good is followed by the system's.
        None => (play_system(request), SYSTEM_CAPTION.to_owned()),
    };
    let response = match caption.as_str() {
        "" => response,
        words => response.with_header(CAPTION, front::percent_encoded(words)),
    };
    let token = match session {
        Some(session) => session::token(sql, context, session)?,
        None => None,
    };
    Ok((with_session(response, token), Vec::new()))
}

/// The answer with the session token that its caller gets in no other way (D7); nobody else may keep it.
fn with_session(mut response: Response, token: Option<String>) -> Response {
    let Some(token) = token else {
        return response;
    };
    response.headers.retain(|(name, _)| name != "cache-control");
    response
        .with_header("cache-control", "no-store")
        .with_header(SESSION, token)
}

/// `PUT /mailbox/greeting`: the bytes, with their media type. The duration is read from the sound where we
/// can (Ogg Opus), else taken from `?duration_ms=`. `?caption=` says in words what is spoken.
pub(super) fn put(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let content_type = check_type(request)?;
    let duration_ms = check_duration(request, content_type)?;
    let caption = front::query_value(&request.query, "caption").unwrap_or_default();
    let caption = check_caption(request, &caption)?;
    let freed = discard(sql)?;
    let media_id = context.entropy.token();
    media::store(sql, &media_id, &request.body)?;
    let size = i64::try_from(request.body.len()).unwrap_or(i64::MAX);
    let parameters: [Value; 6] = [
        media_id.into(),
        content_type.into(),
        size.into(),
        duration_ms.into(),
        context.now_ms.into(),
        caption.into(),
    ];
    sql.query(
        "INSERT INTO greeting (id, media_id, content_type, size, duration_ms, changed_at, caption) VALUES (0, ?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    let bytes_used = size.saturating_sub(freed);
    count(sql, context, bytes_used)?;
    Ok((Response::status(204), Vec::new()))
}

#[derive(Deserialize)]
struct Description {
    caption: String,
}

/// `PATCH /mailbox/greeting`: other words, the same sound.
pub(super) fn describe(sql: &dyn Sql, request: &Request) -> Answered {
    let body: Description = json::read(request)?;
    let caption = check_caption(request, &body.caption)?;
    let changed = sql.query(
        "UPDATE greeting SET caption = ? RETURNING 1",
        &[caption.into()],
    )?;
    if changed.is_empty() {
        let detail = "There is no greeting of your own.";
        return Err(Refusal::of(request, problem::NOT_FOUND, detail));
    }
    Ok((Response::status(204), Vec::new()))
}

/// `DELETE /mailbox/greeting`: back to the system's.
pub(super) fn remove(sql: &dyn Sql, context: &Context<'_>) -> Answered {
    let freed = discard(sql)?;
    count(sql, context, freed.saturating_neg())?;
    Ok((Response::status(204), Vec::new()))
}

fn count(sql: &dyn Sql, context: &Context<'_>, bytes_used: i64) -> Result<(), SqlError> {
    let change = Counters {
        bytes_used,
        ..Counters::default()
    };
    account::count(sql, context, change)
}

/// Removes the present greeting and says how many bytes that frees.
pub(super) fn discard(sql: &dyn Sql) -> Result<i64, SqlError> {
    let rows = sql.query("DELETE FROM greeting RETURNING media_id, size", &[])?;
    for row in &rows {
        media::remove(sql, &row.text(0))?;
    }
    Ok(rows.iter().map(|row| row.integer(1)).sum())
}

/// The owner's own.
struct Own {
    medium: Medium,
    duration_ms: u32,
    caption: String,
}

fn stored(sql: &dyn Sql) -> Result<Option<Own>, SqlError> {
    let rows = sql.query(
        "SELECT media_id, content_type, size, duration_ms, caption FROM greeting",
        &[],
    )?;
    Ok(rows.first().map(own))
}

fn own(row: &Row) -> Own {
    let content_type = row.text(1);
    let medium = Medium {
        media_id: row.text(0),
        blob_key: None,
        file_name: media::file_name("greeting", &content_type),
        is_file: false,
        content_type,
        size: row.integer(2).unsigned_abs(),
        etag: row.text(0),
    };
    Own {
        medium,
        duration_ms: u32::try_from(row.integer(3)).unwrap_or(0),
        caption: row.text(4),
    }
}

fn play_system(request: &Request) -> Response {
    let medium = Medium {
        media_id: String::new(),
        blob_key: None,
        content_type: "audio/ogg".to_owned(),
        size: SYSTEM.len() as u64,
        etag: "system".to_owned(),
        file_name: "greeting.ogg".to_owned(),
        is_file: false,
    };
    media::serve_bytes(request, &medium, SYSTEM)
}

fn url(context: &Context<'_>, resource: &str, session: Option<&str>) -> Option<String> {
    let resource = match session {
        Some(session) => format!("{resource}/{session}"),
        None => resource.to_owned(),
    };
    let claims = MediaClaims {
        expires_at_ms: context.now_ms.saturating_add(TTL_MS),
        mailbox: address(context).to_owned(),
        resource,
    };
    let token = deposit::token::mint(&Token::Media(claims), &context.settings.token_keys).ok()?;
    Some(format!("{}/greetings/{token}", context.settings.public_url))
}

/// The declared type must be one that browsers play, and the bytes must be of it.
fn check_type(request: &Request) -> Result<&'static str, Refusal> {
    let declared = request.header("content-type").unwrap_or("");
    let declared = declared
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_lowercase();
    let found = media_type(request.body.get(..64).unwrap_or(&request.body));
    match found {
        Some(found @ ("audio/ogg" | "audio/webm" | "audio/mp4")) if found == declared => Ok(found),
        _ => {
            let detail =
                "Send audio/ogg (Opus), audio/webm or audio/mp4, and say which in Content-Type.";
            Err(Refusal::of(request, problem::UNSUPPORTED_TYPE, detail))
        }
    }
}

/// One text in lines; other characters that nobody sees become spaces.
fn check_caption(request: &Request, text: &str) -> Result<String, Refusal> {
    let seen = |character: char| match character {
        '\n' => '\n',
        other if other.is_control() => ' ',
        other => other,
    };
    let caption: String = text.trim().chars().map(seen).collect();
    if caption.chars().count() > LONGEST_CAPTION {
        let detail = format!("A caption has at most {LONGEST_CAPTION} characters.");
        return Err(Refusal::of(request, problem::INVALID_FIELD, &detail));
    }
    Ok(caption)
}

fn check_duration(request: &Request, content_type: &str) -> Result<u32, Refusal> {
    let measured = if content_type == "audio/ogg" {
        ogg_opus_duration_ms(&request.body)
    } else {
        front::query_value(&request.query, "duration_ms").and_then(|text| text.parse().ok())
    };
    let fits = measured.filter(|duration| (1..=LONGEST_MS).contains(duration));
    fits.ok_or_else(|| {
        let detail =
            format!("The duration must be known (?duration_ms=) and at most {LONGEST_MS} ms.");
        Refusal::of(request, problem::INVALID_FIELD, &detail)
    })
}
