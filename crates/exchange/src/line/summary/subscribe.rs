//! SUBSCRIBE to the state of the owner's mailbox (RFC 6665, RFC 3842): only the owner may. A NOTIFY follows every
//! SUBSCRIBE as soon as the mailbox has said its counts, and every change of them, until the subscriber has
//! said 200: what the process forgets on the way, a wake-up makes up for.

use sip::{
    Method, Request, Response,
    dialog::Dialog,
    message_summary::{self, MessageSummary},
};

use super::{
    counts, print_counts,
    subscription::{self, Subscription},
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place},
    line::authentication::{self, Asker, Verdict},
    object::Object,
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
    wakeup,
};

/// Wake-up: a subscription has run out, or its subscriber still waits for a NOTIFY.
pub(in crate::line) const WAKEUP: &str = "subscription";
/// Beginning of the tags under which the mailbox says its counts; the subscription follows.
pub(in crate::line) const TAG: &str = "subscription ";

/// Life of a subscription in seconds: if nothing is said (RFC 3842 section 3.4) and at most, and at least.
const MAX_EXPIRES_S: u32 = 3_600;
const MIN_EXPIRES_S: u32 = 60;
/// How long mailbox and subscriber may take together before everything is tried again, in milliseconds.
const ANSWER_MS: i64 = 5_000;
/// A subscriber who says nothing for so long has none any more (RFC 6665 section 4.2.2), in milliseconds.
const PATIENCE_MS: i64 = 60_000;

/// A SUBSCRIBE for this line came on `flow`.
pub(in crate::line) fn subscribe(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    network: Option<&str>,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    if let Some(refusal) = unacceptable(context, flow, request) {
        return Ok(refusal);
    }
    let asked = match authentication::check(sql, context, network, request)? {
        Verdict::Proven => return accept(sql, context, flow, request),
        Verdict::Unproven { stale } => {
            authentication::challenge(context, flow, request, Asker::Registrar, stale)
        }
        Verdict::Mismatch => hop::answer(context, flow, request, 403, "Forbidden"),
        Verdict::Limited => authentication::refuse_for_now(context, flow, request),
    };
    Ok(asked.into_iter().collect())
}

/// The counts that the mailbox was asked for; no news where a change was told meanwhile.
pub(in crate::line) fn on_reply(
    sql: &dyn Sql,
    context: &Context<'_>,
    tag: &str,
    reply: &Reply,
) -> Result<Vec<Effect>, SqlError> {
    let id = tag.strip_prefix(TAG).unwrap_or_default();
    let found = subscription::find(sql, id)?.filter(|subscription| subscription.asked);
    match (found, counts(reply)) {
        (Some(subscription), Some((new, old))) => {
            super::remember(sql, new, old)?;
            let summary = print_counts(context, new, old);
            let told = tell(sql, context, subscription, &summary)?;
            Ok(told.into_iter().collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// What the subscriber said to a NOTIFY: it knows the counts, or it does not know the dialog, which has ended then
/// (RFC 6665 section 4.2.2).
pub(in crate::line) fn on_response(
    sql: &dyn Sql,
    flow: &str,
    response: &Response,
) -> Result<(), SqlError> {
    let id = response.from().tag().unwrap_or_default().to_owned();
    let found = subscription::find(sql, &id)?
        .filter(|own| own.flow == flow && own.dialog.owns_response(response));
    let Some(mut subscription) = found else {
        return Ok(());
    };
    if matches!(
        response.status(),
        404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604
    ) {
        return end(sql, &id);
    }
    if !response.is_provisional() && response.cseq().0 == subscription.told {
        subscription.waiting_since_ms = None;
        subscription::put(sql, &subscription)?;
        wakeup::set(sql, WAKEUP, &id, subscription.expires_ms)?;
    }
    Ok(())
}

/// A wake-up of this module.
pub(in crate::line) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Vec<Effect>, SqlError> {
    let Some(mut subscription) = subscription::find(sql, id)? else {
        return Ok(Vec::new());
    };
    let waited = subscription
        .waiting_since_ms
        .map(|since| context.now_ms.saturating_sub(since));
    if waited.is_some_and(|waited| waited >= PATIENCE_MS) && !subscription.flow.is_empty() {
        end(sql, id)?;
        return Ok(Vec::new());
    }
    if waited.is_some() && !subscription.flow.is_empty() {
        subscription.asked = true;
        subscription::put(sql, &subscription)?;
        wakeup::set(sql, WAKEUP, id, context.now_ms.saturating_add(ANSWER_MS))?;
        return Ok(vec![ask(context, id)]);
    }
    if subscription.expires_ms <= context.now_ms {
        return dismiss(sql, context, subscription, "timeout");
    }
    wakeup::set(sql, WAKEUP, id, subscription.expires_ms)?;
    Ok(Vec::new())
}

/// Tells a subscriber the counts; one whose subscription has run out hears them for the last time.
pub(super) fn tell(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut subscription: Subscription,
    summary: &MessageSummary,
) -> Result<Option<Effect>, SqlError> {
    let left = subscription.expires_ms.saturating_sub(context.now_ms);
    let state = if left > 0 {
        format!("active;expires={}", left.saturating_add(999) / 1000)
    } else {
        "terminated;reason=timeout".to_owned()
    };
    let effect = notify(context, &mut subscription, &state, Some(summary));
    if left <= 0 {
        end(sql, &subscription.id)?;
        return Ok(effect);
    }
    subscription.asked = false;
    if effect.is_some() {
        subscription.waiting_since_ms.get_or_insert(context.now_ms);
        let again = context.now_ms.saturating_add(ANSWER_MS);
        wakeup::set(sql, WAKEUP, &subscription.id, again)?;
    }
    subscription::put(sql, &subscription)?;
    Ok(effect)
}

/// What is refused whoever asks: other events (RFC 6665 section 4.2.1.1), and readers of other bodies.
fn unacceptable(context: &Context<'_>, flow: &str, request: &Request) -> Option<Vec<Effect>> {
    let event = request.header("Event").unwrap_or_default();
    let package = event.split(';').next().unwrap_or_default().trim();
    if package != message_summary::EVENT {
        let known = [("Allow-Events", message_summary::EVENT)];
        let answer = hop::answer_with(context, flow, request, 489, "Bad Event", &known);
        return Some(answer.into_iter().collect());
    }
    if !reads_summaries(request) {
        let accepted = [("Accept", message_summary::CONTENT_TYPE)];
        let answer = hop::answer_with(context, flow, request, 406, "Not Acceptable", &accepted);
        return Some(answer.into_iter().collect());
    }
    None
}

/// Nothing said means the body of the package (RFC 6665 section 3.1.3).
fn reads_summaries(request: &Request) -> bool {
    let mut ranges = request
        .headers("Accept")
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            [message_summary::CONTENT_TYPE, "application/*", "*/*"]
                .iter()
                .any(|good| good.eq_ignore_ascii_case(range))
        })
}

/// The owner's own SUBSCRIBE: a new subscription, another period of an old one, or its end.
fn accept(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    let expires_s = request
        .expires()
        .unwrap_or(MAX_EXPIRES_S)
        .min(MAX_EXPIRES_S);
    if (1..MIN_EXPIRES_S).contains(&expires_s) {
        let least = MIN_EXPIRES_S.to_string();
        let headers = [("Min-Expires", least.as_str())];
        let answer = hop::answer_with(context, flow, request, 423, "Interval Too Brief", &headers);
        return Ok(answer.into_iter().collect());
    }
    let mut subscription = match wanted(sql, context, request)? {
        Ok(subscription) => subscription,
        Err((status, reason)) => return Ok(hop::refuse(context, flow, request, status, reason)),
    };
    let life = i64::from(expires_s).saturating_mul(1000);
    flow.clone_into(&mut subscription.flow);
    subscription.asked = true;
    subscription.waiting_since_ms = Some(context.now_ms);
    subscription.expires_ms = context.now_ms.saturating_add(life);
    subscription::put(sql, &subscription)?;
    let again = context.now_ms.saturating_add(ANSWER_MS);
    wakeup::set(sql, WAKEUP, &subscription.id, again)?;
    let id = &subscription.id;
    let mut effects = vec![success(context, flow, request, id, expires_s)];
    effects.push(ask(context, id));
    for surplus in subscription::surplus(sql)? {
        effects.extend(dismiss(sql, context, surplus, "giveup")?);
    }
    Ok(effects)
}

/// The subscription that a SUBSCRIBE begins or means, or why there is none.
fn wanted(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<Result<Subscription, (u16, &'static str)>, SqlError> {
    if request.to().tag().is_none() {
        return Ok(begin(context, request).ok_or((400, "Contact Is Missing")));
    }
    let Some(mut subscription) = subscription::of_request(sql, request)? else {
        return Ok(Err((481, "Subscription Does Not Exist")));
    };
    let in_order = subscription.dialog.advance(request);
    Ok(in_order
        .then_some(subscription)
        .ok_or((500, "CSeq Out Of Order")))
}

/// A subscription from its first SUBSCRIBE; nothing without a contact.
fn begin(context: &Context<'_>, request: &Request) -> Option<Subscription> {
    let contact = request.contacts().first()?.uri.to_string();
    let id = context.entropy.hex(10);
    Some(Subscription {
        flow: String::new(),
        contact,
        event: request.header("Event")?.to_owned(),
        dialog: Dialog::of_answerer(request, &id),
        asked: true,
        waiting_since_ms: None,
        told: 0,
        expires_ms: context.now_ms,
        id,
    })
}

fn success(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    tag: &str,
    expires_s: u32,
) -> Effect {
    let mut response = Response::reply_to(request, 200, "OK", Some(tag));
    response.add_header("Contact", &format!("<{}>", crate::line::address(context)));
    response.add_header("Expires", &expires_s.to_string());
    hop::send(flow, response.to_bytes())
}

fn ask(context: &Context<'_>, id: &str) -> Effect {
    Effect::Signal {
        to: Object::Mailbox(crate::line::address(context).to_owned()),
        signal: Box::new(Signal::Counts {}),
        tag: format!("{TAG}{id}"),
    }
}

/// Ends a subscription and says why, without counts.
fn dismiss(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut subscription: Subscription,
    reason: &str,
) -> Result<Vec<Effect>, SqlError> {
    end(sql, &subscription.id)?;
    let state = format!("terminated;reason={reason}");
    let last = notify(context, &mut subscription, &state, None);
    Ok(last.into_iter().collect())
}

fn end(sql: &dyn Sql, id: &str) -> Result<(), SqlError> {
    wakeup::clear(sql, WAKEUP, id)?;
    subscription::remove(sql, id)
}

/// The next NOTIFY of a subscription; none where its subscriber is not connected.
fn notify(
    context: &Context<'_>,
    subscription: &mut Subscription,
    state: &str,
    summary: Option<&MessageSummary>,
) -> Option<Effect> {
    if subscription.flow.is_empty() {
        return None;
    }
    let own = crate::line::address(context);
    let mut request = subscription.dialog.request(Method::Notify);
    subscription.told = request.cseq().0;
    let here = Place::Line(own.to_owned());
    request.push_via(&hop::via(context, &here, &hop::branch(context)));
    request.add_header("Contact", &format!("<{own}>"));
    request.add_header("Event", &subscription.event);
    request.add_header("Subscription-State", state);
    if let Some(summary) = summary {
        let body = summary.to_string();
        request.set_body(message_summary::CONTENT_TYPE, body.as_bytes());
    }
    Some(hop::send_or_tell(
        &subscription.flow,
        request.to_bytes(),
        "",
    ))
}
