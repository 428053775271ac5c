//! The log: one line of JSON per event, for people and for machines. Addresses in it are masked, and a request's line
//! has the id that its client was shown.

use exchange::{front, http::Request, object::Object};
use serde_json::json;

/// A request was answered.
pub(crate) fn request(head: &Request, whose: Option<&Object>, status: u16, took_ms: i64) {
    worker::console_log!("{}", front::record(head, whose, status, took_ms));
}

/// Something went wrong that an operator should see; `request` is what it was about, if anything.
pub(crate) fn trouble(what: &str, request: Option<&Request>) {
    let id = request.and_then(|head| head.header(front::REQUEST_ID));
    let what = front::masked(what);
    let line = json!({ "event": "trouble", "what": what, "request_id": id });
    worker::console_error!("{line}");
}
