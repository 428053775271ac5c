//! What the caller is told: the session and where to deposit (interface section 2).

use sip::{
    call::{Call, event::Body},
    session_info::{MAX_BYTES, SessionInfo, SessionType},
};

use super::row::Row;
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{
        address,
        session::{self, IssueRefusal, Issued},
        settings::{GreetingChoice, Instruction, MailboxSettings},
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
    let issued = session::issue(sql, context, &row.caller, row.session_type.as_str())?;
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
    let mut info = SessionInfo {
        called_party: Some(address(context).to_owned()),
        upload: Some(issued.upload_url.clone()),
        greeting: issued.greeting_url.clone(),
        expires: Some(issued.expires.clone()),
        greeting_duration_ms: greeting.then(|| u64::from(issued.greeting_duration_ms)),
        max_size: Some(issued.max_size),
        max_duration_s: Some(u64::from(issued.max_duration_s)),
        max_video_size: Some(issued.max_video_size),
        forwarded_from: row.caller.forwarded_from.clone(),
        ..SessionInfo::new(row.session_type, &issued.token)
    };
    let body = info.print();
    if body.len() <= MAX_BYTES {
        return body;
    }
    // What is only to be shown gives way.
    info.forwarded_from = None;
    info.print()
}

/// Makes the session before the call is answered, where its token comes with the greeting (D7).
pub(super) fn issue_ahead(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &mut Row,
    choices: &MailboxSettings,
) -> Result<Vec<Effect>, SqlError> {
    if !by_greeting(choices) {
        return Ok(Vec::new());
    }
    match issue(sql, context, row)? {
        Ok(issued) => {
            row.body = Some(body(context, row, &issued));
            row.session = Some(issued.session_id);
            Ok(issued.effects)
        }
        // Said when the call stands, as ever.
        Err(_) => Ok(Vec::new()),
    }
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

/// Whether an INFO is sent: where the mailbox wants one, and where nothing else could bring the session.
pub(super) const fn by_info(choices: &MailboxSettings) -> bool {
    match choices.instruction {
        Instruction::Info | Instruction::Both => true,
        Instruction::Bye => false,
        Instruction::None => !by_greeting(choices),
    }
}

/// Whether the session comes with the greeting alone.
const fn by_greeting(choices: &MailboxSettings) -> bool {
    matches!(choices.instruction, Instruction::None)
        && !matches!(choices.greeting, GreetingChoice::None)
}

/// Whether the mailbox wants the body in the BYE.
pub(super) const fn by_bye(choices: &MailboxSettings) -> bool {
    matches!(choices.instruction, Instruction::Bye | Instruction::Both)
}

/// A call that offered video is asked for video.
pub(super) fn session_type(call: &Call) -> SessionType {
    let offer = call.offer().unwrap_or_default();
    let video = offer
        .lines()
        .any(|line| line.starts_with("m=video") && !line.starts_with("m=video 0 "));
    if video {
        SessionType::Video
    } else {
        SessionType::Voice
    }
}
