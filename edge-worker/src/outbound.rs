//! Requests to strangers' servers (webhooks), and the socket to the operator's own proxy. Resolved addresses are the runtime's business: the outbound
//! binding reaches public ones only, and loopback goes through a second one that exists in development.

use std::time::Duration;

use exchange::http;
use worker::{Env, Fetch, Fetcher, Response, Result, WebSocket};

use crate::{clock, message};

const LIMIT: Duration = Duration::from_secs(15);

/// What came back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Outcome {
    /// HTTP status; 0 when there was no answer.
    pub(crate) status: u16,
    /// `Retry-After` in seconds, if given as a number.
    pub(crate) retry_after_s: Option<u32>,
}

/// POSTs once, follows no redirect, reads no body.
pub(crate) async fn post(
    env: &Env,
    url: &str,
    headers: Vec<(String, String)>,
    body: &[u8],
) -> Outcome {
    let answer = clock::within(LIMIT, send(env, url, headers, body)).await;
    match answer {
        Some(Ok(response)) => Outcome {
            status: response.status_code(),
            retry_after_s: retry_after(&response),
        },
        Some(Err(_)) | None => Outcome::default(),
    }
}

async fn send(
    env: &Env,
    url: &str,
    headers: Vec<(String, String)>,
    body: &[u8],
) -> Result<Response> {
    let head = http::Request {
        method: "POST".to_owned(),
        headers,
        ..http::Request::default()
    };
    let request = message::outgoing(url, &head, Some(message::bytes(body)))?;
    match service(env, url) {
        Some(service) => service.fetch_request(request).await,
        None => Fetch::Request(request).send().await,
    }
}

/// Opens a WebSocket (RFC 7118) to a `ws:` or `wss:` address, and follows no redirect.
pub(crate) async fn open_socket(env: &Env, url: &str) -> Result<WebSocket> {
    // The platform opens sockets by requests: `ws:` is asked as `http:`, `wss:` as `https:`.
    let url = url.replacen("ws", "http", 1);
    let headers = [("upgrade", "websocket"), ("sec-websocket-protocol", "sip")];
    let head = http::Request {
        method: "GET".to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..http::Request::default()
    };
    let request = message::outgoing(&url, &head, None)?;
    let response = match service(env, &url) {
        Some(service) => service.fetch_request(request).await?,
        None => Fetch::Request(request).send().await?,
    };
    let status = response.status_code();
    response
        .websocket()
        .ok_or_else(|| worker::Error::RustError(format!("no WebSocket but status {status}")))
}

/// The binding that such a URL goes through; without one, the runtime's own way out.
fn service(env: &Env, url: &str) -> Option<Fetcher> {
    let name = if is_loopback(url) {
        "LOOPBACK"
    } else {
        "OUTBOUND"
    };
    let service = env.service(name).ok();
    service.or_else(|| env.service("OUTBOUND").ok())
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        let after = authority.strip_prefix(host);
        after.is_some_and(|after| after.is_empty() || after.starts_with(':'))
    })
}

fn retry_after(response: &Response) -> Option<u32> {
    let value = response.headers().get("retry-after").ok()??;
    value.trim().parse().ok()
}
