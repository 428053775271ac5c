//! Documents that need no object: the API's description, the receipt keys and the servers for calls.

use crate::{
    http::{Body, Response},
    openapi,
    settings::Settings,
};

/// `/openapi.json`.
pub(super) fn openapi(settings: &Settings) -> Response {
    document(openapi::document(&settings.public_url).to_string())
}

/// `/.well-known/jwks.json` (RFC 7517 section 5).
pub(super) fn jwks(settings: &Settings) -> Response {
    document(settings.receipt_keys.jwks())
}

/// `/ice-servers`: what helps calls through the network, as `RTCPeerConnection` takes it. A browser asks once an hour.
pub(super) fn ice_servers(settings: &Settings) -> Response {
    kept_for("public, max-age=3600", settings.ice_servers.clone())
}

fn document(text: String) -> Response {
    kept_for("public, max-age=300", text)
}

fn kept_for(cache_control: &str, text: String) -> Response {
    Response {
        status: 200,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cache-control".to_owned(), cache_control.to_owned()),
        ],
        body: Body::Bytes(text.into_bytes()),
    }
}
