//! Between the platform's requests and answers and the plain values of `exchange`.

use exchange::{
    front,
    http::{self, Body},
};
use futures_util::StreamExt;
use wasm_bindgen::JsValue;
use worker::{Headers, Request, Response, ResponseBody, Result};

use crate::clock;

/// Tells the front which blob follows an answer's head: `key`, first byte and length as JSON.
pub(crate) const BLOB: &str = "afterbeep-blob";

/// The head of a request, without a byte of its body.
pub(crate) fn head(request: &Request) -> http::Request {
    let url = request.inner().url();
    let (path, query) = path_and_query(&url);
    http::Request {
        method: request.inner().method(),
        path,
        query,
        headers: request.headers().entries().collect(),
        body: Vec::new(),
    }
}

/// Carries `Content-Length` to an object: the platform drops it where a body is streamed.
const LENGTH: &str = "afterbeep-body-length";

/// The head of a request that the front passed on, as it came in.
pub(crate) fn forwarded_head(request: &Request) -> http::Request {
    let mut head = head(request);
    head.headers.retain(|(name, _)| name != "content-length");
    for (name, _) in &mut head.headers {
        if name == LENGTH {
            "content-length".clone_into(name);
        }
    }
    head
}

/// The same headers for an object, with the length under a name that survives.
pub(crate) fn with_length(mut head: http::Request) -> http::Request {
    for (name, _) in &mut head.headers {
        if name == "content-length" {
            LENGTH.clone_into(name);
        }
    }
    head
}

fn path_and_query(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = location.split_once('/').map_or("", |(_, path)| path);
    (format!("/{path}"), query.to_owned())
}

/// Why a body was not read.
pub(crate) enum BodyFailure {
    /// It is longer than allowed, which is so many bytes.
    TooLarge(u64),
    /// It took longer than allowed.
    TooSlow,
    /// The client went away or the stream broke.
    Broken,
}

/// Reads a whole body of at most `limit` bytes, in the time that the front allows for it.
pub(crate) async fn whole_body(
    request: &mut Request,
    limit: u64,
) -> std::result::Result<Vec<u8>, BodyFailure> {
    let read = clock::within(front::body_within(limit), read_body(request, limit)).await;
    read.unwrap_or(Err(BodyFailure::TooSlow))
}

async fn read_body(request: &mut Request, limit: u64) -> std::result::Result<Vec<u8>, BodyFailure> {
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = request.stream().map_err(|_| BodyFailure::Broken)?;
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| BodyFailure::Broken)?);
        if u64::try_from(body.len()).unwrap_or(u64::MAX) > limit {
            return Err(BodyFailure::TooLarge(limit));
        }
    }
    Ok(body)
}

/// A request for an object, as `head` says, with bytes or a stream as its body.
pub(crate) fn outgoing(url: &str, head: &http::Request, body: Option<JsValue>) -> Result<Request> {
    let init = web_sys::RequestInit::new();
    init.set_method(&head.method);
    init.set_headers(&headers(&head.headers)?.into());
    init.set_redirect(web_sys::RequestRedirect::Manual);
    if let Some(body) = body.filter(|_| head.method != "GET" && head.method != "HEAD") {
        init.set_body(&body);
    }
    let request = web_sys::Request::new_with_str_and_init(url, &init)?;
    Ok(Request::from(request))
}

/// Bytes as a JavaScript body.
pub(crate) fn bytes(body: &[u8]) -> JsValue {
    js_sys::Uint8Array::from(body).into()
}

fn headers(list: &[(String, String)]) -> Result<web_sys::Headers> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in list {
        headers.append(name, value)?;
    }
    Ok(headers)
}

/// An answer of `exchange` on its way out of an object: a blob goes as a name, and the front streams it.
pub(crate) fn from_object(response: http::Response) -> Result<Response> {
    let mut headers = response.headers;
    let body = match response.body {
        Body::Bytes(bytes) => bytes,
        Body::Blob {
            key,
            offset,
            length,
        } => {
            let value = serde_json::json!([key, offset, length]);
            headers.push((BLOB.to_owned(), value.to_string()));
            Vec::new()
        }
    };
    build(response.status, &headers, ResponseBody::Body(body))
}

/// A platform answer from its parts.
pub(crate) fn build(
    status: u16,
    headers: &[(String, String)],
    body: ResponseBody,
) -> Result<Response> {
    let fields = Headers::new();
    for (name, value) in headers {
        fields.append(name, value)?;
    }
    let empty = matches!(status, 101 | 204 | 205 | 304)
        || matches!(&body, ResponseBody::Body(bytes) if bytes.is_empty());
    if status == 204 && !fields.has("content-type")? {
        // An answer without a type is declared gzip by the runtime, even where there is nothing to compress.
        fields.set("content-type", "application/octet-stream")?;
    }
    let body = if empty { ResponseBody::Empty } else { body };
    Ok(Response::builder()
        .with_status(status)
        .with_headers(fields)
        .body(body))
}

/// The head of an answer as a plain value, its body apart.
pub(crate) fn split(response: Response) -> (http::Response, ResponseBody) {
    let head = http::Response {
        status: response.status_code(),
        headers: response.headers().entries().collect(),
        body: Body::Bytes(Vec::new()),
    };
    let (_, body) = response.into_parts();
    (head, body)
}
