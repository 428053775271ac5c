//! The front: what happens to an HTTP request before any object sees it, and before a byte of its body
//! was read. It knows routes, tokens, origins and admin rights; it owns no state.
//!
//! The shell calls [`route`] with the head of the request, does what the [`Route`] says, and passes every
//! answer through [`finish`].

use crate::{
    http::{Request, Response},
    object::Object,
    settings::Settings,
};

/// Header in which the shell hands a random request id (32 hex digits) to [`route`]. Whatever a client sent
/// under a name that starts with `afterbeep-` is removed first: use [`strip_internal`].
pub const REQUEST_ID: &str = "afterbeep-request-id";

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Answer at once; the body is not read.
    Answer(Response),
    /// Serve the static file of this path (pages without extension are mapped already, `/inbox` to `/inbox.html`).
    Assets {
        /// Path of the file.
        path: String,
    },
    /// A WebSocket upgrade for `/sip`: draw a flow name and hand the request to that `Flow`.
    Socket,
    /// Check that the bindings answer (`/readyz`), then 200 or 503.
    Readiness,
    /// Hand the request to an object.
    Forward(Box<Forward>),
}

/// A request on its way to an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Receiver.
    pub object: Object,
    /// The head as the object is to see it; it replaces the head that came in. The body goes along.
    pub request: Request,
    /// How the body goes along.
    pub body: BodyRule,
    /// If present: read this key of the session store first. A value for which [`is_revoked`] is true is
    /// refused with [`revoked`]; anything else, also a missing key or a failed read, goes on.
    pub session_key: Option<String>,
}

/// How a body goes along.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyRule {
    /// Read whole, at most so many bytes; more is 413 ([`too_large`]).
    Whole(u64),
    /// Passed on as it comes.
    Stream,
}

/// Decides where a request goes from its head alone.
#[must_use]
pub fn route(_head: &Request, _settings: &Settings, _now_ms: i64) -> Route {
    Route::Answer(Response::status(404))
}

/// Removes what only we may say: header names that start with `afterbeep-`.
pub fn strip_internal(head: &mut Request) {
    head.headers
        .retain(|(name, _)| !name.starts_with("afterbeep-"));
}

/// Completes an answer to a request of the API: CORS, `nosniff`, tus version, request id.
#[must_use]
pub fn finish(_head: &Request, _settings: &Settings, response: Response) -> Response {
    response
}

/// Whether a value of the session store says that the session was revoked.
#[must_use]
pub fn is_revoked(value: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(value)
        .is_ok_and(|value| value.get("state").is_some_and(|state| state == "revoked"))
}

/// The answer to a revoked session token.
#[must_use]
pub fn revoked(head: &Request) -> Response {
    crate::problem::response(
        crate::problem::TOKEN_REVOKED,
        "The owner of the mailbox has revoked this session.",
        head.header(REQUEST_ID).unwrap_or(""),
    )
}

/// The answer to a body beyond [`BodyRule::Whole`].
#[must_use]
pub fn too_large(head: &Request, limit: u64) -> Response {
    crate::problem::response(
        crate::problem::TOO_LARGE,
        &format!("At most {limit} bytes are taken here."),
        head.header(REQUEST_ID).unwrap_or(""),
    )
}

/// The answer when an object or the storage failed.
#[must_use]
pub fn unavailable(head: &Request) -> Response {
    crate::problem::response(
        crate::problem::UNAVAILABLE,
        "Storage did not answer. Nothing was lost; the same request may be sent again.",
        head.header(REQUEST_ID).unwrap_or(""),
    )
    .with_header("retry-after", "2")
}
