//! Where the owner wants it, the voicemail does not take the caller's call: that one ends with 480, and the mailbox
//! calls the caller's contact itself (D3), over the connection that the call came on.

use sip::{
    NameAddr, Request, Uri,
    call::{Call, Placing},
    credentials::Credentials,
};

use super::{
    answer,
    row::{Row, Stage},
};
use crate::{
    context::Context,
    flow::{hop, place::Place},
    mailbox::{
        account, address,
        settings::{Answer, MailboxSettings},
    },
    sql::{Sql, SqlError},
    trace,
};

/// So long the caller's end may ring.
const RINGS_MS: i64 = 30_000;

/// Whether this call is answered by another one. Who asks for the voicemail itself (RFC 4458) gets it at once, and so
/// does a caller who cannot be called.
pub(super) fn is_wanted(choices: &MailboxSettings, invite: &Request, flow: &str) -> bool {
    choices.answer == Answer::CallBack
        && invite.uri().param("target").is_none()
        && !invite.contacts().is_empty()
        && !flow.is_empty()
}

/// Ends the caller's call, and says who will call where that is somebody else than was dialled.
pub(super) fn refuse(
    sql: &dyn Sql,
    context: &Context<'_>,
    invite: &Request,
    row: &mut Row,
) -> Result<(), SqlError> {
    let identity = answer::identity(sql, context, invite)?;
    let identity = identity.iter().map(|who| (hop::ASSERTED, who.as_str()));
    let headers: Vec<(&str, &str)> = identity.collect();
    row.call
        .reject_with(480, "Temporarily Unavailable", &headers, context.now_ms);
    Ok(())
}

/// The call to the caller, instead of the one that `refused` was.
pub(super) fn place(
    sql: &dyn Sql,
    context: &Context<'_>,
    invite: &Request,
    refused: &Row,
) -> Result<Row, SqlError> {
    let contact = invite.contacts().into_iter().next();
    let placing = Placing {
        to: contact.map_or_else(|| invite.from().uri, |contact| contact.uri),
        from: NameAddr::new(dialled(context, invite))
            .with_display_name(&account::display_name(sql)?),
        local: answer::local(context),
        offer: None,
        credentials: Credentials::None,
    };
    let call = Call::place(placing, context.entropy.bytes(), context.now_ms);
    Ok(Row {
        key: trace::new_key(context),
        stage: Stage::Calling,
        end_ms: Some(context.now_ms.saturating_add(RINGS_MS)),
        call,
        ..refused.clone()
    })
}

/// The owner's address as the caller wrote it, by which the caller's end knows who calls back.
fn dialled(context: &Context<'_>, invite: &Request) -> Uri {
    let own = address(context);
    let to = invite.to().uri;
    let is_own = |uri: &Uri| {
        let known = context.settings.address(&uri.to_string());
        known.is_ok_and(|known| known.as_str() == own)
    };
    let canonical = || {
        let own = own.parse();
        own.unwrap_or_else(|_| Uri::sip_host(context.settings.domain()))
    };
    Some(to).filter(is_own).unwrap_or_else(canonical)
}

/// The INVITE as it goes out: the way back through the exchange, and where the greeting plays from.
pub(super) fn complete(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &Row,
    invite: &mut Request,
) -> Result<(), SqlError> {
    let caller = Place::Flow(row.flow.clone());
    let voicemail = Place::Mailbox(address(context).to_owned());
    invite.push_record_route(&hop::record_route(context, &caller, &voicemail));
    if let Some(info) = answer::greeting_info(sql, context, row)? {
        invite.add_header("Call-Info", &info);
    }
    Ok(())
}
