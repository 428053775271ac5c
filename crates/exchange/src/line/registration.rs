//! The registrar (RFC 3261 section 10.3): who may be reached where.

use sip::{NameAddr, Request, Response};

use super::{
    authentication::{self, Asker, Verdict},
    binding::{self, Binding},
    summary,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::hop,
    sql::{Sql, SqlError},
};

/// Life of a binding in seconds: if nothing is said, at least, at most.
const DEFAULT_EXPIRES_S: u32 = 600;
const MIN_EXPIRES_S: u32 = 60;
const MAX_EXPIRES_S: u32 = 3_600;

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
    let wishes: Vec<Wish> = request
        .contacts()
        .iter()
        .map(|contact| Wish::of(contact, request))
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
    fn of(contact: &NameAddr, request: &Request) -> Self {
        let expires = contact
            .params
            .get("expires")
            .and_then(|value| value.parse().ok());
        let instance = contact.params.get("+sip.instance");
        let number = contact.params.get("reg-id").unwrap_or_default();
        Self {
            contact: contact.uri.to_string(),
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
    let mut effects = vec![success(sql, context, flow, request)?];
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
    }
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
    Ok(vec![success(sql, context, flow, request)?])
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
) -> Result<Effect, SqlError> {
    let tag = context.entropy.hex(6);
    let mut response = Response::reply_to(request, 200, "OK", Some(&tag));
    for binding in binding::current(sql, context.now_ms)? {
        if let Some(contact) = binding.print(context.now_ms) {
            response.add_header("Contact", &contact);
        }
    }
    response.add_header("Supported", crate::flow::SUPPORTED);
    Ok(hop::send(flow, response.to_bytes()))
}

/// A q-value (RFC 3261 20.10) in thousandths; 1000 where none is given or it cannot be read.
fn thousandths(q: Option<&str>) -> i64 {
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
