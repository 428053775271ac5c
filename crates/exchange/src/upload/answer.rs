//! What an upload answers.

use deposit::{
    tus::{Metadata, TusError, VERSION, progress_headers},
    upload::Progress,
};

use super::Step;
use crate::{
    front,
    http::{Request, Response},
    mailbox::deposit::{PartName, PartRefusal},
    problem,
};

/// The receipt's header.
pub(crate) const RECEIPT: &str = "afterbeep-receipt";

/// Where the upload of a part is, relative to the server.
pub(crate) fn location(name: &PartName) -> String {
    format!("/deposits/{}.{}", name.deposit_id, name.part)
}

/// An answer that says where the upload stands, with the receipt once there is one.
pub(crate) fn progress(
    status: u16,
    progress: Progress,
    expires_at_ms: Option<i64>,
    receipt: Option<&str>,
) -> Response {
    let mut response = Response::status(status);
    response.headers = progress_headers(&progress, expires_at_ms);
    match receipt {
        Some(receipt) => response.with_header(RECEIPT, receipt),
        None => response,
    }
}

/// The answer to a POST.
pub(crate) fn created(response: Response, name: &PartName) -> Response {
    response.with_header("location", location(name))
}

/// The answer to a HEAD.
pub(super) fn described(response: Response, metadata: &Metadata) -> Response {
    let header = metadata.to_header();
    if header.is_empty() {
        return response;
    }
    response.with_header("upload-metadata", header)
}

/// The answer to a breach of the upload protocol.
pub(crate) fn tus(head: &Request, error: &TusError) -> Response {
    let mut response = problem::response_of(
        error.status(),
        error.code(),
        "The upload protocol was not followed",
        &error.to_string(),
        request_id(head),
    );
    response.headers.extend(error.headers());
    response
}

/// The answer when the mailbox says no.
pub(crate) fn refused(head: &Request, refusal: &PartRefusal) -> Response {
    let response = problem::response_of(
        refusal.status,
        &refusal.code,
        "The deposit is not taken",
        &refusal.detail,
        request_id(head),
    )
    .with_header("tus-resumable", VERSION);
    match refusal.status {
        503 => response.with_header("retry-after", "2"),
        _ => response,
    }
}

/// A refusal by the upload itself.
pub(super) fn refuse(head: &Request, status: u16, code: &str, detail: &str) -> Step {
    let refusal = PartRefusal {
        status,
        code: code.to_owned(),
        detail: detail.to_owned(),
    };
    Step::Answer(Box::new(refused(head, &refusal)))
}

/// No such upload.
pub(super) fn unknown(head: &Request) -> Step {
    refuse(head, 404, "upload_unknown", "There is no such upload.")
}

/// There was one.
pub(super) fn gone(head: &Request) -> Step {
    refuse(
        head,
        410,
        "upload_gone",
        "This upload was taken back or has run out of time.",
    )
}

/// The mailbox or the storage did not answer.
pub(super) fn unavailable(head: &Request) -> Step {
    Step::Answer(Box::new(
        front::unavailable(head).with_header("tus-resumable", VERSION),
    ))
}

fn request_id(head: &Request) -> &str {
    head.header(front::REQUEST_ID).unwrap_or("")
}
