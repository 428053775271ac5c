//! Documents that need no object: the API's description and the receipt keys.

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

fn document(text: String) -> Response {
    Response {
        status: 200,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cache-control".to_owned(), "public, max-age=300".to_owned()),
        ],
        body: Body::Bytes(text.into_bytes()),
    }
}
