//! Talking to an object: signals as JSON, requests as they are. Every call has a time limit.

use std::time::Duration;

use exchange::{
    http,
    object::Object,
    signal::{Reply, Signal},
};
use wasm_bindgen::JsValue;
use worker::{Env, Request, Response, Result};

use crate::{binding, clock, message};

/// Host of signals between objects; requests from outside never carry it.
pub(crate) const SIGNAL_HOST: &str = "signal.internal";
/// Host of the question whether an object's storage works.
pub(crate) const PING_HOST: &str = "ping.internal";
/// Names the connection that a signal comes from.
pub(crate) const FLOW: &str = "afterbeep-flow";
/// Says that the client gave its connection the name, and may come back to it.
pub(crate) const RESUMES: &str = "afterbeep-resumes";
/// Host of requests that came from outside.
const REQUEST_HOST: &str = "request.internal";

const SIGNAL_LIMIT: Duration = Duration::from_secs(10);
const PING_LIMIT: Duration = Duration::from_secs(3);
/// How long a request may take to be answered; a streamed body of a slow client is part of it.
const REQUEST_LIMIT: Duration = Duration::from_secs(600);

fn stub(env: &Env, object: &Object) -> Result<worker::Stub> {
    binding::namespace(env, object)?.get_by_name(&object.name())
}

async fn send(env: &Env, object: &Object, request: Request, limit: Duration) -> Result<Response> {
    let stub = stub(env, object)?;
    let answer = clock::within(limit, stub.fetch_with_request(request)).await;
    answer.unwrap_or_else(|| {
        Err(worker::Error::RustError(
            "an object did not answer".to_owned(),
        ))
    })
}

/// Hands a signal to an object and gives back what it says.
pub(crate) async fn signal(env: &Env, to: &Object, signal: &Signal) -> Result<Reply> {
    send_signal(env, to, signal, Vec::new()).await
}

/// The same from a connection, which takes frames for itself with the reply.
pub(crate) async fn signal_from(
    env: &Env,
    flow: &str,
    to: &Object,
    signal: &Signal,
) -> Result<Reply> {
    let headers = vec![(FLOW.to_owned(), flow.to_owned())];
    send_signal(env, to, signal, headers).await
}

async fn send_signal(
    env: &Env,
    to: &Object,
    signal: &Signal,
    headers: Vec<(String, String)>,
) -> Result<Reply> {
    let head = http::Request {
        method: "POST".to_owned(),
        headers,
        ..http::Request::default()
    };
    let body = JsValue::from_str(&serde_json::to_string(signal)?);
    let request = message::outgoing(&format!("https://{SIGNAL_HOST}/"), &head, Some(body))?;
    let mut answer = send(env, to, request, SIGNAL_LIMIT).await?;
    if answer.status_code() != 200 {
        let status = answer.status_code();
        return Err(worker::Error::RustError(format!(
            "an object answered {status}"
        )));
    }
    Ok(serde_json::from_str(&answer.text().await?)?)
}

/// Hands a request to an object.
pub(crate) async fn request(
    env: &Env,
    to: &Object,
    head: &http::Request,
    body: Option<JsValue>,
) -> Result<Response> {
    let separator = if head.query.is_empty() { "" } else { "?" };
    let url = format!(
        "https://{REQUEST_HOST}{}{separator}{}",
        head.path, head.query
    );
    let request = message::outgoing(&url, &message::with_length(head.clone()), body)?;
    send(env, to, request, REQUEST_LIMIT).await
}

/// Whether the object's storage answers.
pub(crate) async fn ping(env: &Env, object: &Object) -> Result<()> {
    let request = Request::new(&format!("https://{PING_HOST}/"), worker::Method::Get)?;
    send(env, object, request, PING_LIMIT).await.map(drop)
}
