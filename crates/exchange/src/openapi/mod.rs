//! The description of the HTTP API (OpenAPI 3.1), served at `/openapi.json`.

use serde_json::{Value, json};

/// The document, for the deployment at this address.
#[must_use]
pub fn document(public_url: &str) -> Value {
    let mut document: Value =
        serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(object) = document.as_object_mut() {
        object.insert("servers".to_owned(), json!([{ "url": public_url }]));
    }
    document
}

#[cfg(test)]
mod tests;
