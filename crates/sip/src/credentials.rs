//! What a user agent proves its identity with, and how it does so.

use crate::{
    digest::{self, Login, Signed},
    method::Method,
    request::Request,
    response::Response,
};

/// How to prove who one is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// A login token (RFC 8898), sent at once: it is only ever given to the server that issued it.
    Bearer(String),
    /// User name and password, for a digest challenge (RFC 8760).
    Password {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
}

/// Shows a login token at once; it was made by the very server the request goes to.
pub(crate) fn introduce(request: &mut Request, credentials: &Credentials) {
    if let Credentials::Bearer(token) = credentials {
        request.set_header(header_for(request), &format!("Bearer {token}"));
    }
}

/// The same request with an answer to the challenges of a 401 or 407 (RFC 3261 22.2); nothing where there
/// is no challenge that we can answer. Branch and CSeq are still the old ones.
pub(crate) fn answer(
    request: &Request,
    response: &Response,
    credentials: &Credentials,
    cnonce: &str,
) -> Option<Request> {
    let (challenge, header) = match response.status() {
        401 => ("WWW-Authenticate", "Authorization"),
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => return None,
    };
    let Credentials::Password { user, password } = credentials else {
        return None;
    };
    let uri = request.uri().to_string();
    let signed = Signed {
        method: request.method().as_str(),
        uri: &uri,
        cnonce,
        nonce_count: 1,
        body: request.body(),
    };
    let proof = digest::answer(
        response.headers(challenge),
        &Login { user, password },
        &signed,
    )?;
    let mut again = request.clone();
    again.set_header(header, &proof);
    Some(again)
}

/// Makes a request that is sent again a new one: next CSeq, own branch.
pub(crate) fn renew(request: &mut Request, branch: &str) {
    let (number, method) = request.cseq();
    request.set_cseq(number.saturating_add(1), &method);
    set_branch(request, branch);
}

/// Gives a request that is sent again a branch of its own.
pub(crate) fn set_branch(request: &mut Request, branch: &str) {
    if let Some(mut via) = request.pop_via() {
        via.params.set("branch", branch);
        request.push_via(&via);
    }
}

/// A registrar is the end point of its request, a proxy is not.
fn header_for(request: &Request) -> &'static str {
    if *request.method() == Method::Register {
        "Authorization"
    } else {
        "Proxy-Authorization"
    }
}
