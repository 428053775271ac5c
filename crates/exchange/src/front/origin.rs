//! Pages of other origins: CORS by the operator's list, and headers that every answer carries.

use serde_json::json;

use super::{REQUEST_ID, request_id};
use crate::{
    http::{Request, Response},
    json,
    settings::Settings,
};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "authorization, content-type, range, repr-digest, tus-resumable, upload-checksum, upload-concat, upload-defer-length, upload-length, upload-metadata, upload-offset, x-http-method-override, x-requested-with";
const EXPOSED: &str = "accept-ranges, afterbeep-caption, afterbeep-receipt, afterbeep-session, content-disposition, content-length, content-range, etag, location, retry-after, tus-checksum-algorithm, tus-extension, tus-max-size, tus-resumable, tus-version, upload-defer-length, upload-expires, upload-length, upload-metadata, upload-offset, x-request-id";

/// Whether the page that asks may use the API; a request without `Origin` does not come from a page.
pub(super) fn is_allowed(head: &Request, settings: &Settings) -> bool {
    head.header("origin")
        .is_none_or(|origin| settings.allows_origin(origin, head.header("host")))
}

/// The answer to an OPTIONS request, which needs no token.
pub(super) fn preflight(head: &Request, settings: &Settings) -> Option<Response> {
    if head.method != "OPTIONS" {
        return None;
    }
    let mut response = Response::status(204).with_header("allow", METHODS);
    if head.path == "/deposits" || head.path.starts_with("/deposits/") {
        let largest = settings.max_video_bytes.max(settings.max_voice_bytes);
        response
            .headers
            .extend(deposit::tus::option_headers(largest));
    }
    let asked = head.header("access-control-request-method").is_some();
    if asked && is_allowed(head, settings) {
        response = response
            .with_header("access-control-allow-methods", METHODS)
            .with_header("access-control-allow-headers", REQUEST_HEADERS)
            .with_header("access-control-max-age", "7200");
    }
    Some(response)
}

/// `GET /embed/check`: open to every origin, so that an element can say what is missing.
pub(super) fn check(head: &Request, settings: &Settings) -> Response {
    let origin = head.header("origin");
    json::answer(
        200,
        &json!({ "origin": origin, "allowed": is_allowed(head, settings) }),
    )
}

/// Completes an answer of the API: CORS, `nosniff`, request id.
#[must_use]
pub fn finish(head: &Request, settings: &Settings, mut response: Response) -> Response {
    set(&mut response, "x-content-type-options", "nosniff");
    set(&mut response, "referrer-policy", "no-referrer");
    if !request_id(head).is_empty() {
        set(&mut response, "x-request-id", request_id(head));
    }
    let open = head.path == "/embed/check" || head.path == "/.well-known/jwks.json";
    set(&mut response, "vary", "origin");
    let allowed = open || is_allowed(head, settings);
    if let Some(origin) = head.header("origin").filter(|_| allowed) {
        set(&mut response, "access-control-allow-origin", origin);
        set(&mut response, "access-control-expose-headers", EXPOSED);
    }
    response.headers.retain(|(name, _)| name != REQUEST_ID);
    response
}

fn set(response: &mut Response, name: &str, value: &str) {
    if !response.headers.iter().any(|(header, _)| header == name) {
        response.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// The peer's network for limits.
pub(super) fn network(head: &Request) -> String {
    crate::network::network(head.header("cf-connecting-ip").unwrap_or(""))
}
