//! Requests that come to a user agent outside of its calls.

use super::{UserAgent, event::Event};
use crate::{
    asserted,
    call::{ALLOW, Call, greeting_url},
    message::Message,
    message_summary::MessageSummary,
    method::Method,
    request::Request,
    response::Response,
    uri::Uri,
};

impl UserAgent {
    pub(super) fn receive_request(&mut self, request: Request, now_ms: i64) {
        let message = Message::Request(request.clone());
        if let Some(handle) = self.owner(&message) {
            return self.with_call(handle, |call| call.receive(&message, now_ms));
        }
        let in_dialog = request.to().tag().is_some();
        match request.method() {
            Method::Ack => {}
            Method::Options => self.answer_options(&request),
            Method::Notify => self.receive_notify(&request),
            Method::Invite if !in_dialog => self.receive_invite(&request, now_ms),
            Method::Invite | Method::Update | Method::Bye | Method::Cancel | Method::Info => {
                self.reply(&request, 481, "Call/Transaction Does Not Exist");
            }
            method if method.is_known() => self.reply(&request, 405, "Method Not Allowed"),
            _ => self.reply(&request, 501, "Not Implemented"),
        }
    }

    fn receive_invite(&mut self, request: &Request, now_ms: i64) {
        if self.calls.iter().any(|(_, call)| is_merged(call, request)) {
            return self.reply(request, 482, "Loop Detected");
        }
        let mut call = Call::incoming(request, self.local(), self.seed.next_bytes());
        let handle = self.next_handle();
        if !call.negotiate(now_ms) {
            self.calls.push((handle, call));
            return self.with_call(handle, |_| {});
        }
        let from = request.from();
        self.push(Event::Incoming {
            call: handle,
            from: from.uri.to_string(),
            asserted: asserted::identity(request.headers(asserted::HEADER))
                .map(|identity| identity.uri.to_string()),
            display_name: from.display_name,
            sdp: call.offer().map(ToOwned::to_owned),
            greeting_url: greeting_url(request.headers("Call-Info")),
        });
        self.calls.push((handle, call));
    }

    /// Unsolicited message summaries (RFC 3842 section 3) are the only news we take.
    fn receive_notify(&mut self, request: &Request) {
        let event = request.header("Event").unwrap_or_default();
        if event.split(';').next().map(str::trim) != Some("message-summary") {
            return self.reply(request, 489, "Bad Event");
        }
        self.reply(request, 200, "OK");
        if let Ok(summary) = MessageSummary::parse(request.body()) {
            self.push(Event::MessageSummary {
                new: summary.new,
                old: summary.old,
            });
        }
    }

    fn answer_options(&mut self, request: &Request) {
        let tag = self.seed.hex();
        let response = Response::reply_to(request, 200, "OK", Some(&tag))
            .with_header("Allow", ALLOW)
            .with_header("Accept", "application/sdp, text/plain")
            .with_header("Supported", "outbound, path, timer");
        self.send(response.to_bytes());
    }

    fn reply(&mut self, request: &Request, status: u16, reason: &str) {
        let tag = self.seed.hex();
        let mut response = Response::reply_to(request, status, reason, Some(&tag));
        if status == 405 {
            response.add_header("Allow", ALLOW);
        }
        self.send(response.to_bytes());
    }
}

/// Whether a request is this call once more (RFC 3261 8.2.2.2). Anybody who was called as well could repeat it; nobody
/// else is whom the server vouches for, or comes by the connection that the server names in its Record-Route.
fn is_merged(call: &Call, request: &Request) -> bool {
    let known = call.invite_request();
    call.has_merged(request)
        && vouched_for(known) == vouched_for(request)
        && way(known) == way(request)
}

/// Whom the server asserts.
fn vouched_for(request: &Request) -> Option<Uri> {
    asserted::identity(request.headers(asserted::HEADER)).map(|identity| identity.uri)
}

/// The Record-Route of the server next to us, without parameters, which may belong to one of several branches.
fn way(request: &Request) -> Option<(String, Option<String>)> {
    let next = request.record_routes().into_iter().next()?;
    Some((next.uri.host, next.uri.user))
}
