//! The front: what happens to an HTTP request before any object sees it, and before a byte of its body
//! was read. It knows routes, tokens, origins and admin rights; it owns no state.
//!
//! The shell removes what only we may say ([`strip_internal`]), adds [`REQUEST_ID`], calls [`route`] with the
//! head, does what the [`Route`] says, and passes every answer through [`finish`].

mod address;
mod authority;
mod deposit;
mod document;
mod origin;
mod owner;
mod question;
mod record;

use serde_json::json;

pub use self::{
    address::{address, percent_decoded, percent_encoded},
    authority::is_revoked,
    origin::finish,
    question::{OWN_NUMBERS, Question, refusal},
    record::{masked, pattern, record},
};
use crate::{
    flow::absence,
    http::{Request, Response},
    json,
    object::Object,
    problem::{self, Problem, Refusal},
    settings::Settings,
    upstream::Standing,
};

/// Header in which the shell hands a random request id (32 hex digits) to [`route`].
pub const REQUEST_ID: &str = "afterbeep-request-id";
/// Header to objects: the peer's network, an IPv4 address or the /64 of an IPv6 address.
pub const NETWORK: &str = "afterbeep-network";
/// Header to objects: generation of the login token that was shown.
pub const GENERATION: &str = "afterbeep-generation";
/// Header to objects: `1` where the operator acts for the owner.
pub const ADMIN: &str = "afterbeep-admin";
/// Header to objects: the resource that a media token opens.
pub const RESOURCE: &str = "afterbeep-resource";
/// Header to objects: the deposit's id, the client's or else the request id.
pub const DEPOSIT_ID: &str = "afterbeep-deposit-id";

/// The largest JSON body that is read.
const JSON_BYTES: u64 = 16 << 10;
/// The largest body of `POST /probe`.
const PROBE_BYTES: u64 = 64 << 10;
/// What a POST may say that it means.
const OVERRIDES: [&str; 5] = ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The largest greeting.
pub const GREETING_BYTES: u64 = 4 << 20;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Answer at once; the body is not read.
    Answer(Response),
    /// Serve the static file of this path.
    Assets {
        /// Path of the file.
        path: String,
    },
    /// A WebSocket upgrade for `/sip`: hand the request to the `Flow` of this name, or draw one.
    Socket {
        /// Name of the connection that the client opens or comes back to.
        resumes: Option<String>,
    },
    /// Check that the bindings answer (`/readyz`), then answer [`ready`].
    Readiness,
    /// Ask every shard of the directory for its totals, and answer [`crate::directory::metrics`] of their sum.
    Metrics,
    /// Read the whole body, at most so many bytes (more is [`too_large`]), and ask [`route_body`].
    ReadBody {
        /// Limit in bytes.
        limit: u64,
    },
    /// Hand the request to an object.
    Forward(Box<Forward>),
}

/// A request on its way to an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Receiver.
    pub object: Object,
    /// The head as the object is to see it; it replaces the head that came in. From [`route`] its body is
    /// empty and the body that came in goes along by `body`; from [`route_body`] it is complete.
    pub request: Request,
    /// How the body goes along.
    pub body: BodyRule,
    /// If present: read this key of the session store first. A value for which [`is_revoked`] is true is
    /// refused with [`revoked`]; anything else, also a missing key or a failed read, goes on.
    pub session_key: Option<String>,
    /// Asked first, one after the other; where [`refusal`] of a reply is something, that is the answer.
    pub questions: Vec<Question>,
}

/// How a body goes along.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyRule {
    /// Read whole, at most so many bytes; more is 413 ([`too_large`]).
    Whole(u64),
    /// Passed on as it comes.
    Stream,
}

type Routed = Result<Route, Refusal>;

/// Decides where a request goes from its head alone.
#[must_use]
pub fn route(head: &Request, settings: &Settings, now_ms: i64) -> Route {
    let mut head = head.clone();
    override_method(&mut head);
    if let Some(answer) = origin::preflight(&head, settings) {
        return Route::Answer(answer);
    }
    let arrival = Arrival {
        head: &head,
        settings,
        now_ms,
    };
    settled(arrival.route())
}

/// Decides where a request goes whose whole body was read after [`Route::ReadBody`].
#[must_use]
pub fn route_body(request: &Request, settings: &Settings, now_ms: i64) -> Route {
    let arrival = Arrival {
        head: request,
        settings,
        now_ms,
    };
    settled(match request.path.as_str() {
        "/probe" => Ok(Route::Answer(Response::status(204))),
        "/login" => arrival.login(),
        _ => Err(arrival.refuse(problem::NOT_FOUND, "")),
    })
}

/// Removes what only we may say: header names that start with `afterbeep-`.
pub fn strip_internal(head: &mut Request) {
    head.headers
        .retain(|(name, _)| !name.starts_with("afterbeep-"));
}

/// The answer of `/readyz`. Where a foreign proxy is set, the standing there is told beside: a proxy that is away
/// takes neither calls within our own domain nor deposits with it.
#[must_use]
pub fn ready(ready: bool, upstream: Option<Standing>) -> Response {
    let (status, word) = if ready {
        (200, "ready")
    } else {
        (503, "unavailable")
    };
    let mut answer = json!({ "status": word });
    if let (Some(standing), Some(fields)) = (upstream, answer.as_object_mut()) {
        fields.insert("upstream".to_owned(), json!(standing));
    }
    json::answer(status, &answer)
}

/// The answer to a revoked session token.
#[must_use]
pub fn revoked(head: &Request) -> Response {
    let detail = "The owner of the mailbox has revoked this session.";
    problem::response(problem::SESSION_REVOKED, detail, request_id(head))
}

/// The answer to a body beyond [`BodyRule::Whole`].
#[must_use]
pub fn too_large(head: &Request, limit: u64) -> Response {
    let detail = format!("At most {limit} bytes are taken here.");
    problem::response(problem::TOO_LARGE, &detail, request_id(head))
}

/// How long a whole body of at most so many bytes may take. What is small by nature has ten seconds. Sound, and the
/// probe that measures a weak network, may come as slowly as 256 bytes a second, for at most ten minutes.
#[must_use]
pub const fn body_within(limit: u64) -> core::time::Duration {
    let slowest = if limit > JSON_BYTES { limit >> 8 } else { 0 };
    let seconds = 10_u64.saturating_add(slowest);
    core::time::Duration::from_secs(if seconds > 600 { 600 } else { seconds })
}

/// The answer to a body that took longer than [`body_within`].
#[must_use]
pub fn too_slow(head: &Request) -> Response {
    let detail = "The body did not arrive in time; the same request may be sent again.";
    problem::response(problem::REQUEST_TIMEOUT, detail, request_id(head))
}

/// The answer to a body whose connection broke.
#[must_use]
pub fn broken_body(head: &Request) -> Response {
    problem::response(
        problem::BAD_REQUEST,
        "The body is not whole.",
        request_id(head),
    )
}

/// The answer where there is neither a route nor a file.
#[must_use]
pub fn not_found(head: &Request) -> Response {
    problem::response(problem::NOT_FOUND, "", request_id(head))
}

/// The answer when an object or the storage failed.
#[must_use]
pub fn unavailable(head: &Request) -> Response {
    let detail = "Storage did not answer. Nothing was lost; the same request may be sent again.";
    problem::response(problem::UNAVAILABLE, detail, request_id(head))
        .with_header("retry-after", "2")
}

/// The decoded value of a name in a query.
#[must_use]
pub fn query_value(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| percent_decoded(value))
}

/// What was asked, where, and when.
struct Arrival<'a> {
    head: &'a Request,
    settings: &'a Settings,
    now_ms: i64,
}

impl Arrival<'_> {
    fn route(&self) -> Routed {
        let path = self.head.path.as_str();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match segments.as_slice() {
            ["sip"] => self.socket(),
            ["healthz"] => self.get(json::answer(200, &json!({ "status": "ok" }))),
            ["readyz"] => self.only("GET", Route::Readiness),
            ["metrics"] => {
                self.check_admin()?;
                self.only("GET", Route::Metrics)
            }
            ["openapi.json"] => self.get(document::openapi(self.settings)),
            [".well-known", "jwks.json"] => self.get(document::jwks(self.settings)),
            ["ice-servers"] => self.get(document::ice_servers(self.settings)),
            ["embed", "check"] => self.get(origin::check(self.head, self.settings)),
            ["probe"] => self.only("POST", Route::ReadBody { limit: PROBE_BYTES }),
            ["login"] => self.only("POST", Route::ReadBody { limit: JSON_BYTES }),
            ["account", "password"] => self.account(),
            ["greetings", token] => self.greeting(token),
            ["mailbox", rest @ ..] => self.mailbox(rest),
            ["admin", rest @ ..] => self.admin(rest),
            ["deposits"] => self.create_deposit(),
            ["deposits", upload] => self.upload(upload),
            ["sessions", "current"] | ["sessions", "current", "calls"] => self.session_status(),
            ["calls"] => self.calls(None),
            ["calls", id] => self.calls(Some(id)),
            _ => self.page(path),
        }
    }

    fn refuse(&self, problem: Problem, detail: &str) -> Refusal {
        Refusal::of(self.head, problem, detail)
    }

    /// This route, for this method only. A HEAD is served where a GET is.
    fn only(&self, method: &str, route: Route) -> Routed {
        let asked = self.head.method.as_str();
        if asked == method || (asked == "HEAD" && method == "GET") {
            return Ok(route);
        }
        let refusal = problem::response(
            problem::METHOD_NOT_ALLOWED,
            &format!("Use {method}."),
            request_id(self.head),
        );
        Ok(Route::Answer(refusal.with_header("allow", method)))
    }

    fn get(&self, response: Response) -> Routed {
        self.only("GET", Route::Answer(response))
    }

    fn socket(&self) -> Routed {
        let upgrade = self.head.header("upgrade").unwrap_or("");
        if !upgrade.eq_ignore_ascii_case("websocket") {
            let detail = "This is a WebSocket of subprotocol sip (RFC 7118).";
            return Err(self.refuse(problem::BAD_REQUEST, detail));
        }
        if !self.offers_sip() {
            let detail = "Offer the WebSocket subprotocol sip (RFC 7118).";
            return Err(self.refuse(problem::BAD_REQUEST, detail));
        }
        if !origin::is_allowed(self.head, self.settings) {
            let detail = "Add this origin to AFTERBEEP_ALLOWED_ORIGINS.";
            return Err(self.refuse(problem::FORBIDDEN, detail));
        }
        let Some(value) = query_value(&self.head.query, "flow") else {
            return Ok(Route::Socket { resumes: None });
        };
        match absence::name_of(&value) {
            Some(name) => Ok(Route::Socket {
                resumes: Some(name),
            }),
            None => Err(self.refuse(problem::BAD_REQUEST, "flow is 32 hexadecimal digits.")),
        }
    }

    fn offers_sip(&self) -> bool {
        let offers = self.head.header("sec-websocket-protocol").unwrap_or("");
        offers
            .split(',')
            .any(|offer| offer.trim() == sip::websocket::SUBPROTOCOL)
    }

    /// The head for an object, with what the front found out about it.
    fn forward(&self, object: Object, found: &[(&str, &str)]) -> Forward {
        let mut request = self.head.clone();
        let network = origin::network(self.head);
        for (name, value) in found.iter().chain(&[(NETWORK, network.as_str())]) {
            request.headers.retain(|(header, _)| header != name);
            request
                .headers
                .push(((*name).to_owned(), (*value).to_owned()));
        }
        Forward {
            object,
            request,
            body: BodyRule::Whole(JSON_BYTES),
            session_key: None,
            questions: Vec::new(),
        }
    }

    /// Everything else is a page or a file.
    fn page(&self, path: &str) -> Routed {
        let file = match path {
            "/" => "/index.html",
            "/inbox" | "/inbox/" => "/inbox.html",
            "/embed" | "/embed/" => "/embed.html",
            "/ladder" | "/ladder/" => "/ladder.html",
            other => other,
        };
        self.only(
            "GET",
            Route::Assets {
                path: file.to_owned(),
            },
        )
    }
}

fn forwarded(forward: Forward) -> Route {
    Route::Forward(Box::new(forward))
}

fn settled(routed: Routed) -> Route {
    match routed {
        Ok(route) => route,
        Err(Refusal::Answer(response)) => Route::Answer(*response),
        Err(Refusal::Storage(_)) => Route::Answer(Response::status(503)),
    }
}

fn request_id(head: &Request) -> &str {
    head.header(REQUEST_ID).unwrap_or("")
}

/// `X-HTTP-Method-Override`, for clients whose network lets only GET and POST through (tus 1.0.0). A word that
/// is none of those methods changes nothing.
fn override_method(head: &mut Request) {
    let word = head.header("x-http-method-override").unwrap_or("");
    let method = OVERRIDES
        .into_iter()
        .find(|method| method.eq_ignore_ascii_case(word));
    if let (Some(method), "POST") = (method, head.method.as_str()) {
        method.clone_into(&mut head.method);
    }
}

#[cfg(test)]
mod tests;
