//! A contact redirects a call (3xx): the exchange follows by itself, but only to its own addresses and their
//! voicemails. What it was for before goes along (RFC 7044, RFC 5806), and ends loops.

use sip::{NameAddr, Request, Response, Uri};

use super::{address, call::Call};
use crate::{
    context::Context,
    effect::Effect,
    flow::{self, own_address},
    object::Object,
    signal::Signal,
};

/// How often one call may be redirected.
const MOST: usize = 5;
const HISTORY: &str = "History-Info";
const DIVERSION: &str = "Diversion";

/// Where a redirection leads.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// The voicemail of this line's own address.
    OwnVoicemail,
    /// Another line of ours, or its voicemail.
    Line {
        /// Its address.
        address: String,
        /// What the contact named.
        uri: Uri,
    },
}

/// The first of the contacts, the preferred ones in front, that the exchange may follow.
pub(super) fn target(context: &Context<'_>, call: &Call, response: &Response) -> Option<Target> {
    if !(300..400).contains(&response.status()) {
        return None;
    }
    let invite = call.invite.request();
    let been = been(context, invite);
    let may_go_on = been.len() < MOST && invite.max_forwards() > 1;
    let mut contacts = response.contacts();
    contacts.sort_by_key(|contact| core::cmp::Reverse(preference(contact)));
    contacts.into_iter().find_map(|contact| {
        let target = of(context, contact.uri)?;
        let is_new = match &target {
            Target::OwnVoicemail => true,
            Target::Line { address, .. } => may_go_on && !been.contains(address),
        };
        is_new.then_some(target)
    })
}

fn of(context: &Context<'_>, uri: Uri) -> Option<Target> {
    let is_voicemail = flow::is_voicemail(&uri) && context.settings.is_own_domain(&uri.host);
    let own = address(context);
    let wanted = match uri.param("target").filter(|_| is_voicemail) {
        Some(target) => own_address(&target, context)?,
        None if is_voicemail => own.to_owned(),
        None => own_address(&uri.to_string(), context)?,
    };
    if wanted != own {
        return Some(Target::Line {
            address: wanted,
            uri,
        });
    }
    is_voicemail.then_some(Target::OwnVoicemail)
}

/// Hands a call to another line, which answers the caller from now on.
pub(super) fn hand_on(context: &Context<'_>, call: &Call, to: &str, uri: Uri) -> Effect {
    let mut invite = call.invite.request().clone();
    remember(context, &mut invite, &uri);
    invite.set_uri(uri);
    invite.set_max_forwards(invite.max_forwards().saturating_sub(1));
    Effect::Signal {
        to: Object::Line(to.to_owned()),
        signal: Box::new(Signal::Terminate {
            flow: call.flow.clone(),
            caller: call.caller.clone(),
            frame: invite.to_bytes(),
        }),
        tag: String::new(),
    }
}

/// Writes into the call whom it was for, and whom it is for now.
fn remember(context: &Context<'_>, invite: &mut Request, next: &Uri) {
    let own: Option<Uri> = address(context).parse().ok();
    let Some(own) = own else {
        return;
    };
    let last = last_index(invite);
    let here = last.clone().unwrap_or_else(|| "1".to_owned());
    if last.is_none() {
        let entry = NameAddr::new(own.clone()).with_param("index", "1");
        invite.add_header(HISTORY, &entry.to_string());
    }
    let entry = NameAddr::new(next.clone())
        .with_param("index", &format!("{here}.1"))
        .with_param("mp", &here);
    invite.add_header(HISTORY, &entry.to_string());
    let older: Vec<String> = invite.headers(DIVERSION).map(str::to_owned).collect();
    let diversion = NameAddr::new(own).with_param("reason", "deflection");
    invite.remove_header(DIVERSION);
    invite.add_header(DIVERSION, &diversion.to_string());
    for entry in older {
        invite.add_header(DIVERSION, &entry);
    }
}

/// Our addresses that the call has been at, as its history says; this one too.
fn been(context: &Context<'_>, invite: &Request) -> Vec<String> {
    let mut been: Vec<String> = entries(invite)
        .iter()
        .filter_map(|entry| own_address(&entry.uri.to_string(), context))
        .collect();
    been.push(address(context).to_owned());
    been
}

fn last_index(invite: &Request) -> Option<String> {
    let entries = entries(invite);
    let last = entries.last()?.params.get("index")?;
    let is_index = last.split('.').all(|part| part.parse::<u32>().is_ok());
    is_index.then(|| last.to_owned())
}

fn entries(invite: &Request) -> Vec<NameAddr> {
    let values = invite.headers(HISTORY);
    values.filter_map(|value| value.parse().ok()).collect()
}

/// The q of a contact in thousandths.
fn preference(contact: &NameAddr) -> i64 {
    super::registration::thousandths(contact.params.get("q"))
}
