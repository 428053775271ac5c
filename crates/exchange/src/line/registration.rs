//! The registrar (RFC 3261 section 10.3): who may be reached where.

use sip::{NameAddr, Request, Response};

use super::{
    authentication::{self, Asker, Verdict},
    binding::{self, Binding},
    gruu, summary,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, supports},
    sql::{Sql, SqlError},
};

/// Life of a binding in seconds: if nothing is said, at least, at most.
const DEFAULT_EXPIRES_S: u32 = 600;
const MIN_EXPIRES_S: u32 = 60;
const MAX_EXPIRES_S: u32 = 3_600;
/// Within how many seconds a client shows that its connection lives (RFC 5626 section 4.4.1).
const FLOW_TIMER_S: u32 = 120;

/// A REGISTER for this line came on `flow`.
pub(super) fn register(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    network: Option<&str>,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    match authentication::check(sql, context, network, request)? {
        Verdict::Proven => {}
        Verdict::Unproven { stale } => {
            let challenge =
                authentication::challenge(context, flow, request, Asker::Registrar, stale);
            return Ok(challenge.into_iter().collect());
        }
        Verdict::Mismatch => return Ok(hop::refuse(context, flow, request, 403, "Forbidden")),
        Verdict::Limited => {
            let refusal = authentication::refuse_for_now(context, flow, request);
            return Ok(refusal.into_iter().collect());
        }
    }
    binding::sweep(sql, context.now_ms)?;
    if request.has_wildcard_contact() {
        return remove_all(sql, context, flow, request);
    }
    let known = binding::current(sql, context.now_ms)?;
    let wishes: Vec<Wish> = request
        .contacts()
        .iter()
        .map(|contact| Wish::of(contact, request, &known))
        .collect();
    if let Some(refusal) = refusal(sql, context, flow, request, &wishes)? {
        return Ok(refusal);
    }
    carry_out(sql, context, flow, request, &wishes)
}

/// What a REGISTER wants for one contact.
struct Wish {
    contact: String,
    instance: Option<String>,
    q: i64,
    expires_s: u32,
}

impl Wish {
    fn of(contact: &NameAddr, request: &Request, known: &[Binding]) -> Self {
        let expires = contact
            .params
            .get("expires")
            .and_then(|value| value.parse().ok());
        let instance = contact.params.get("+sip.instance");
        let number = contact.params.get("reg-id").unwrap_or_default();
        Self {
            contact: binding::registered_as(known, &contact.uri)
                .unwrap_or_else(|| contact.uri.to_string()),
            instance: instance.map(|instance| format!("{instance} {number}")),
            q: thousandths(contact.params.get("q")),
            expires_s: expires
                .or_else(|| request.expires())
                .unwrap_or(DEFAULT_EXPIRES_S),
        }
    }

    fn is_too_brief(&self) -> bool {
        self.expires_s > 0 && self.expires_s < MIN_EXPIRES_S
    }

    /// Whether it is for one of several flows of an instance (RFC 5626 section 6).
    fn is_outbound(&self) -> bool {
        let registration = self.instance.as_deref().unwrap_or(" ");
        self.expires_s > 0 && !registration.ends_with(' ')
    }
}

/// A REGISTER is taken whole or not at all (10.3, steps 6 and 7).
fn refusal(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    wishes: &[Wish],
) -> Result<Option<Vec<Effect>>, SqlError> {
    if wishes.iter().any(Wish::is_too_brief) {
        let least = MIN_EXPIRES_S.to_string();
        let headers = [("Min-Expires", least.as_str())];
        let answer = hop::answer_with(context, flow, request, 423, "Interval Too Brief", &headers);
        return Ok(Some(answer.into_iter().collect()));
    }
    let flows = wishes.iter().filter(|wish| wish.is_outbound()).count();
    let refused = match flows {
        0 => None,
        1 if !comes_directly(request) => Some((439, "First Hop Lacks Outbound Support")),
        1 => None,
        _ => Some((400, "One Flow At A Time")),
    };
    if let Some((status, reason)) = refused {
        return Ok(Some(hop::refuse(context, flow, request, status, reason)));
    }
    for wish in wishes {
        if is_out_of_order(binding::find(sql, &wish.contact)?, request) {
            return Ok(Some(hop::refuse(
                context,
                flow,
                request,
                500,
                "CSeq Out Of Order",
            )));
        }
    }
    Ok(None)
}

/// Whether whoever wants several flows has its own one to us, or one to a proxy that keeps it (`ob` in the last Path
/// value; RFC 5626 section 6). Whoever does not ask for outbound has it as RFC 3261 says.
fn comes_directly(request: &Request) -> bool {
    let first_hop = request.headers("Path").last();
    let keeps_flows = first_hop
        .and_then(|path| path.parse::<NameAddr>().ok())
        .is_some_and(|path| path.uri.params.has("ob"));
    !supports(request, "outbound") || request.vias().len() < 2 || keeps_flows
}

fn carry_out(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    wishes: &[Wish],
) -> Result<Vec<Effect>, SqlError> {
    let mut added = Vec::new();
    for wish in wishes {
        if wish.expires_s == 0 {
            binding::remove(sql, &wish.contact)?;
            continue;
        }
        let binding = bind(context, flow, request, wish);
        binding::put(sql, &binding)?;
        summary::rebind(sql, &binding.contact, flow)?;
        added.push(binding);
    }
    let mut effects = vec![success(sql, context, flow, request, wishes)?];
    effects.extend(added.iter().map(|binding| summary::ask(context, binding)));
    Ok(effects)
}

fn bind(context: &Context<'_>, flow: &str, request: &Request, wish: &Wish) -> Binding {
    let life = i64::from(wish.expires_s.min(MAX_EXPIRES_S)).saturating_mul(1000);
    Binding {
        contact: wish.contact.clone(),
        flow: flow.to_owned(),
        instance: wish.instance.clone(),
        call_id: request.call_id().to_owned(),
        cseq: i64::from(request.cseq().0),
        q: wish.q,
        expires_ms: context.now_ms.saturating_add(life),
        path: path(request),
    }
}

/// The Path of a REGISTER as one Route value (RFC 3327 section 5.3).
fn path(request: &Request) -> Option<String> {
    let proxies: Vec<&str> = request.headers("Path").collect();
    (!proxies.is_empty()).then(|| proxies.join(", "))
}

/// `Contact: *` stands alone and with `Expires: 0` (10.2.2).
fn remove_all(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    let alone = request.headers("Contact").count() == 1;
    if !alone || request.expires() != Some(0) {
        return Ok(hop::refuse(context, flow, request, 400, "Bad Wildcard"));
    }
    for binding in binding::current(sql, context.now_ms)? {
        if !is_out_of_order(Some(binding.clone()), request) {
            binding::remove(sql, &binding.contact)?;
        }
    }
    Ok(vec![success(sql, context, flow, request, &[])?])
}

fn is_out_of_order(binding: Option<Binding>, request: &Request) -> bool {
    binding.is_some_and(|binding| {
        binding.call_id == request.call_id() && binding.cseq >= i64::from(request.cseq().0)
    })
}

fn success(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    wishes: &[Wish],
) -> Result<Effect, SqlError> {
    let tag = context.entropy.hex(6);
    let mut response = Response::reply_to(request, 200, "OK", Some(&tag));
    for binding in binding::current(sql, context.now_ms)? {
        if let Some(contact) = binding.contact(context.now_ms) {
            let address = super::address(context);
            let contact = gruu::named(contact, address, &binding, request);
            response.add_header("Contact", &contact.to_string());
        }
    }
    if supports(request, "path") {
        for proxy in request.headers("Path") {
            response.add_header("Path", proxy);
        }
    }
    response.add_header("Supported", crate::flow::SUPPORTED);
    if supports(request, "outbound") && wishes.iter().any(Wish::is_outbound) {
        response.add_header("Require", "outbound");
        response.add_header("Flow-Timer", &FLOW_TIMER_S.to_string());
    }
    Ok(hop::send(flow, response.to_bytes()))
}

/// A q-value (RFC 3261 20.10) in thousandths; 1000 where none is given or it cannot be read.
pub(super) fn thousandths(q: Option<&str>) -> i64 {
    let Some((whole, fraction)) = q.map(|q| q.split_once('.').unwrap_or((q, ""))) else {
        return 1000;
    };
    if whole.trim() != "0" {
        return 1000;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn q_values_are_read_in_thousandths() {
        for (text, value) in [
            (None, 1000),
            (Some("1"), 1000),
            (Some("1.0"), 1000),
            (Some("0.5"), 500),
            (Some("0.125"), 125),
            (Some("0"), 0),
            (Some("0.x"), 1000),
        ] {
            assert_eq!(thousandths(text), value, "{text:?}");
        }
    }
}
