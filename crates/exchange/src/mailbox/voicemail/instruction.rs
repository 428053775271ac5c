//! What the caller is told: the session and where to deposit (interface section 2).

use sip::{
    call::event::Body,
    session_info::{SessionInfo, SessionType},
};

use super::row::Row;
use crate::{
    context::Context,
    mailbox::{
        address,
        session::{self, IssueRefusal, Issued},
        settings::{Instruction, MailboxSettings},
    },
    sql::{Sql, SqlError},
};

/// The media type of session information.
const TEXT: &str = "text/plain";

/// Makes the session, or gives the `Reason` of the BYE that ends a call without one.
pub(super) fn issue(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &Row,
) -> Result<Result<Issued, &'static str>, SqlError> {
    let kind = session_type(row);
    let issued = session::issue(sql, context, &row.caller, kind.as_str())?;
    Ok(issued.map_err(|refusal| match refusal {
        IssueRefusal::Full => "SIP;cause=480;text=\"mailbox full\"",
        IssueRefusal::Blocked => "SIP;cause=403;text=\"not accepted\"",
        IssueRefusal::Unnameable => "SIP;cause=480;text=\"address too long\"",
        IssueRefusal::Limited => "SIP;cause=480;text=\"too many messages\"",
    }))
}

/// The body that names the session.
pub(super) fn body(context: &Context<'_>, row: &Row, issued: &Issued) -> String {
    let greeting = issued.greeting_url.is_some();
    SessionInfo {
        called_party: Some(address(context).to_owned()),
        upload: Some(issued.upload_url.clone()),
        greeting: issued.greeting_url.clone(),
        expires: Some(issued.expires.clone()),
        greeting_duration_ms: greeting.then(|| u64::from(issued.greeting_duration_ms)),
        max_size: Some(issued.max_size),
        max_duration_s: Some(u64::from(issued.max_duration_s)),
        max_video_size: Some(issued.max_video_size),
        ..SessionInfo::new(session_type(row), &issued.token)
    }
    .print()
}

/// Sends the body by INFO.
pub(super) fn send_info(row: &mut Row, now_ms: i64) {
    if let Some(body) = &row.body {
        row.call.send_info(TEXT, body.as_bytes(), now_ms);
    }
}

/// The body as a BYE carries it.
pub(super) fn as_body(text: String) -> Body {
    Body {
        content_type: TEXT.to_owned(),
        bytes: text.into_bytes(),
    }
}

/// Whether the mailbox wants an INFO.
pub(super) const fn by_info(choices: &MailboxSettings) -> bool {
    matches!(choices.instruction, Instruction::Info | Instruction::Both)
}

/// Whether the mailbox wants the body in the BYE.
pub(super) const fn by_bye(choices: &MailboxSettings) -> bool {
    matches!(choices.instruction, Instruction::Bye | Instruction::Both)
}

/// A call that offered video is asked for video.
fn session_type(row: &Row) -> SessionType {
    let offer = row.call.offer().unwrap_or_default();
    let video = offer
        .lines()
        .any(|line| line.starts_with("m=video") && !line.starts_with("m=video 0 "));
    if video {
        SessionType::Video
    } else {
        SessionType::Voice
    }
}
