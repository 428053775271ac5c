//! The document says what the front does, and the front does what the document says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document;
use crate::{
    context::{Context, Entropy},
    front::{Forward, REQUEST_ID, Route, route},
    http::{Body, Request, Response},
    object::Object,
    settings::tests::settings,
    testing::Memory,
};

const NOW: i64 = 1_790_000_000_000;

fn operations() -> Vec<(String, String, Value)> {
    let document = document("http://127.0.0.1:8787");
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            if method != "parameters" {
                operations.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    operations
}

/// A request of this operation with a fitting token and plausible names in the path.
fn request(method: &str, path: &str, operation: &Value) -> Request {
    use deposit::token::{LoginClaims, MediaClaims, SessionClaims, SessionType, Token, mint};
    let keys = settings().token_keys;
    let expires_at_ms = NOW + 3_600_000;
    let mailbox = "sip:bob@localhost".to_owned();
    let login = Token::Login(LoginClaims {
        generation: 1,
        expires_at_ms,
        address: mailbox.clone(),
    });
    let session = Token::Session(SessionClaims {
        session_id: [7; 16],
        session_type: SessionType::Voice,
        caller: [0; 8],
        size_limit: 1 << 24,
        expires_at_ms,
        mailbox: mailbox.clone(),
    });
    let media = Token::Media(MediaClaims {
        expires_at_ms,
        mailbox,
        resource: "greeting".to_owned(),
    });
    let mint = |token: &Token| mint(token, &keys).expect("token");
    let scheme = operation["security"][0]
        .as_object()
        .and_then(|scheme| scheme.keys().next().cloned());
    let token = match scheme.as_deref() {
        Some("login") => mint(&login),
        Some("session") => mint(&session),
        Some("admin") => "dev-admin-token".to_owned(),
        _ => String::new(),
    };
    let path = path
        .replace("{token}", &mint(&media))
        .replace("{upload}", "a.0")
        .replace("{address}", "bob")
        .replace("{number}", "+4930123456")
        .replace("{id}", "x");
    let mut headers = vec![
        (REQUEST_ID.to_owned(), "r".to_owned()),
        ("tus-resumable".to_owned(), "1.0.0".to_owned()),
        ("upload-length".to_owned(), "5".to_owned()),
    ];
    if !token.is_empty() {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    let for_whom = path.starts_with("/admin/calls");
    Request {
        method: method.to_owned(),
        path,
        query: if for_whom { "address=bob" } else { "" }.to_owned(),
        headers,
        ..Request::default()
    }
}

/// What a problem says of this occurrence.
fn detail(response: &Response) -> String {
    match &response.body {
        Body::Bytes(bytes) => {
            let problem: Value = serde_json::from_slice(bytes).unwrap_or_default();
            problem["detail"].as_str().unwrap_or("").to_owned()
        }
        Body::Blob { .. } => String::new(),
    }
}

/// The object's own answer to a forwarded request, on an empty database.
/// Uploads answer in several steps; their own tests play them.
fn answered(forward: &Forward) -> Option<Response> {
    if let Object::Upload(_) | Object::Flow(_) = forward.object {
        return None;
    }
    let settings = settings();
    let sql = Memory::new();
    let context = Context {
        object: forward.object.clone(),
        settings: &settings,
        now_ms: NOW,
        entropy: Entropy::new([1; 32]),
        trace: crate::trace::Notebook::default(),
    };
    let request = &forward.request;
    let (response, _) = sql
        .transaction(|sql| match &forward.object {
            Object::Line(_) => {
                crate::line::migrate(sql)?;
                crate::line::on_http(sql, &context, request)
            }
            Object::Mailbox(_) => {
                crate::mailbox::migrate(sql)?;
                crate::mailbox::on_http(sql, &context, request)
            }
            Object::Directory(_) => {
                crate::directory::migrate(sql)?;
                crate::directory::on_http(sql, &context, request)
            }
            Object::Flow(_) | Object::Upload(_) | Object::Network(_) | Object::Upstream => {
                Ok((Response::status(500), Vec::new()))
            }
        })
        .expect("storage");
    Some(response)
}

#[test]
fn every_documented_operation_is_routed_and_known_to_its_object() {
    for (method, path, operation) in operations() {
        let request = request(&method, &path, &operation);
        match route(&request, &settings(), NOW) {
            Route::Answer(response) => {
                assert!(response.status < 300, "{method} {path}: {response:?}")
            }
            Route::Assets { path: file } => panic!("{method} {path} leads to the file {file}"),
            Route::Forward(forward) => {
                let Some(response) = answered(&forward) else {
                    continue;
                };
                // A missing thing says what is missing; an unknown route says nothing.
                let unknown = response.status == 404 && detail(&response).is_empty();
                let is_known = !unknown || path.starts_with("/sessions/current");
                assert!(
                    is_known,
                    "{method} {path} is unknown to {:?}",
                    forward.object
                );
                let documented = &operation["responses"][response.status.to_string()];
                assert!(
                    documented.is_object(),
                    "{method} {path} answered {}",
                    response.status
                );
            }
            Route::Socket { .. } | Route::Readiness | Route::Metrics | Route::ReadBody { .. } => {}
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    let document = document("http://127.0.0.1:8787");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("pointer");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let names: Vec<String> = operations()
        .iter()
        .map(|(_, _, operation)| operation["operationId"].to_string())
        .collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:8787");
}

#[test]
fn parameters_in_paths_are_declared() {
    let document = document("http://127.0.0.1:8787");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let named = path.matches('{').count();
        let declared = methods["parameters"].as_array().map_or(0, Vec::len);
        assert_eq!(named, declared, "{path}");
    }
}
