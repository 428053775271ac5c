//! How the voicemail answers an INVITE: 180 without SDP, then 200 with every medium refused. The 200 says whose voicemail
//! it is where the call was for somebody else.

use sip::{NameAddr, Request, Uri, call::Local, sdp};

use super::row::Row;
use crate::{
    context::Context,
    flow::{hop, place::Place},
    mailbox::{account, address, greeting},
    sql::{Sql, SqlError},
};

/// The voicemail's own end. Its contact only names it: the way back is the flow token in the route.
pub(super) fn local(context: &Context<'_>) -> Local {
    let own = address(context);
    let uri: Uri = own
        .parse()
        .unwrap_or_else(|_| Uri::sip_host(context.settings.domain()));
    Local {
        contact: NameAddr::new(uri.with_param("transport", "ws")),
        via: hop::via(context, &Place::Mailbox(own.to_owned()), ""),
    }
}

/// Rings once and answers; an offer that cannot be read is refused.
pub(super) fn answer(
    sql: &dyn Sql,
    context: &Context<'_>,
    invite: &Request,
    row: &mut Row,
) -> Result<(), SqlError> {
    let description = match row.call.offer() {
        Some(offer) => sdp::refuse_all(offer).ok(),
        None => Some(sdp::empty_offer(u64::from(u32::from_be_bytes(
            context.entropy.bytes(),
        )))),
    };
    let Some(description) = description else {
        row.call
            .reject(400, "Bad Session Description", context.now_ms);
        return Ok(());
    };
    row.call.ring(context.now_ms);
    let info = greeting_info(sql, context, row)?;
    let identity = identity(sql, context, invite)?;
    let info = info.iter().map(|value| ("Call-Info", value.as_str()));
    let identity = identity.iter().map(|value| (hop::ASSERTED, value.as_str()));
    let headers: Vec<(&str, &str)> = info.chain(identity).collect();
    row.call.answer(&description, &headers, context.now_ms);
    Ok(())
}

/// Whose voicemail it is, where the caller dialled somebody else.
pub(super) fn identity(
    sql: &dyn Sql,
    context: &Context<'_>,
    invite: &Request,
) -> Result<Option<String>, SqlError> {
    if !hop::is_sent_on(context, address(context), invite) {
        return Ok(None);
    }
    let name = account::display_name(sql)?;
    Ok(hop::identity(address(context), &name))
}

/// Where the greeting plays from, as `Call-Info` says it.
pub(super) fn greeting_info(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &Row,
) -> Result<Option<String>, SqlError> {
    let greeting = greeting::current_with(sql, context, row.session.as_deref())?;
    Ok(greeting
        .url
        .map(|url| format!("<{url}>;purpose=afterbeep-greeting")))
}
