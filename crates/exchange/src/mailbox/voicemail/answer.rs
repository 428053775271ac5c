//! How the voicemail answers an INVITE: 180 without SDP, then 200 with every medium refused.

use sip::{
    NameAddr, Uri,
    call::{Call, Local},
    sdp,
};

use crate::{
    context::Context,
    flow::{hop, place::Place},
    mailbox::{address, greeting},
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
    call: &mut Call,
) -> Result<(), SqlError> {
    let description = match call.offer() {
        Some(offer) => sdp::refuse_all(offer).ok(),
        None => Some(sdp::empty_offer(u64::from(u32::from_be_bytes(
            context.entropy.bytes(),
        )))),
    };
    let Some(description) = description else {
        call.reject(400, "Bad Session Description", context.now_ms);
        return Ok(());
    };
    call.ring(context.now_ms);
    let url = greeting::current(sql, context)?.url;
    let info = url.map(|url| format!("<{url}>;purpose=afterbeep-greeting"));
    let headers: Vec<(&str, &str)> = info
        .iter()
        .map(|value| ("Call-Info", value.as_str()))
        .collect();
    call.answer(&description, &headers, context.now_ms);
    Ok(())
}
