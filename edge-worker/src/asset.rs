//! Static files with the headers that keep their pages safe.

use exchange::settings::Settings;
use worker::{Env, Request, Response, Result};

use crate::{binding, message};

/// Serves the file of this path; nothing if there is none.
pub(crate) async fn serve(
    env: &Env,
    settings: &Settings,
    request: &Request,
    path: &str,
) -> Result<Option<Response>> {
    let head = message::head(request);
    let url = format!("https://assets.internal{path}");
    let inner = message::outgoing(&url, &conditional(head), None)?;
    let answer = binding::assets(env)?.fetch_request(inner).await?;
    let (mut response, body) = message::split(answer);
    if response.status == 404 {
        return Ok(None);
    }
    for (name, value) in safety(settings, path) {
        response.headers.retain(|(header, _)| header != name);
        response.headers.push((name.to_owned(), value));
    }
    message::build(response.status, &response.headers, body).map(Some)
}

/// Only what the file server needs to know of the request.
fn conditional(mut head: exchange::http::Request) -> exchange::http::Request {
    const KEPT: [&str; 4] = ["accept", "accept-encoding", "if-none-match", "range"];
    head.headers
        .retain(|(name, _)| KEPT.contains(&name.as_str()));
    head
}

fn safety(settings: &Settings, path: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        // The loader, its modules and sounds are meant for pages of other origins too.
        ("access-control-allow-origin", "*".to_owned()),
        ("cross-origin-resource-policy", "cross-origin".to_owned()),
    ];
    if settings.public_url.starts_with("https:") {
        headers.push(("strict-transport-security", "max-age=31536000".to_owned()));
    }
    if path.ends_with(".html") {
        headers.push((
            "content-security-policy",
            content_security_policy(&settings.public_url),
        ));
        headers.push((
            "permissions-policy",
            "microphone=(self), camera=(self)".to_owned(),
        ));
        headers.push(("x-frame-options", "DENY".to_owned()));
    }
    headers
}

/// `public_url` is named because a page may be opened under an alias of the same server.
fn content_security_policy(public_url: &str) -> String {
    let socket = public_url.replacen("http", "ws", 1);
    [
        "default-src 'self'".to_owned(),
        "script-src 'self' 'wasm-unsafe-eval'".to_owned(),
        format!("connect-src 'self' {public_url} {socket}"),
        format!("media-src 'self' blob: {public_url}"),
        "worker-src 'self' blob:".to_owned(),
        "style-src 'self'".to_owned(),
        "img-src 'self' data: blob:".to_owned(),
        "object-src 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
        "form-action 'self'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}
