//! JSON bodies: reading what clients send, printing what they get.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    http::{Body, Request, Response},
    problem::{self, Refusal},
};

/// Reads the body as JSON of this shape. An empty body counts as an empty object.
pub fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    let bytes: &[u8] = if request.body.is_empty() {
        b"{}"
    } else {
        &request.body
    };
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::of(request, problem::BAD_REQUEST, &error.to_string()))
}

/// An answer with a JSON body that nobody may keep.
#[must_use]
pub fn answer(status: u16, content: &impl Serialize) -> Response {
    Response {
        status,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: Body::Bytes(serde_json::to_vec(content).unwrap_or_default()),
    }
}
