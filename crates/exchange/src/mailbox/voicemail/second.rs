//! A second call about a session that is there already (D16): the caller names it by INFO, possibly with another
//! type (D17), and deposits then.

use deposit::token::{SessionType, verify_session};
use sip::session_info::{CONTENT_TYPE, SessionInfo};

use crate::{
    context::Context,
    mailbox::{
        address,
        session::{self, SessionState},
    },
    sql::{Sql, SqlError},
};

/// The status of the answer to a caller's INFO; nothing if it is not about a session.
pub(super) fn take(
    sql: &dyn Sql,
    context: &Context<'_>,
    content_type: &str,
    body: &[u8],
) -> Result<Option<u16>, SqlError> {
    if content_type != CONTENT_TYPE {
        return Ok(None);
    }
    match SessionInfo::parse(body) {
        Ok(info) => confirm(sql, context, &info).map(Some),
        Err(_) => Ok(Some(400)),
    }
}

/// 200 where the session may be deposited into, 403 where it is not of this mailbox or was taken back, 410 where its
/// time is over.
fn confirm(sql: &dyn Sql, context: &Context<'_>, info: &SessionInfo) -> Result<u16, SqlError> {
    let Ok(claims) = verify_session(&info.id, &context.settings.token_keys) else {
        return Ok(403);
    };
    if claims.mailbox != address(context) {
        return Ok(403);
    }
    let session = match session::find(sql, &claims.session())? {
        Some(session) if session.state == SessionState::Revoked => return Ok(403),
        Some(session) if session.expires_at_ms > context.now_ms => session,
        _ => return Ok(410),
    };
    let wanted = SessionType::read(info.session_type.as_str());
    let differs = wanted.filter(|wanted| wanted.as_str() != session.session_type);
    if let (Some(wanted), SessionState::Pending) = (differs, session.state) {
        session::retype(sql, &session.id, wanted)?;
    }
    Ok(200)
}
