//! HTTP errors (RFC 9457): one table of code, status and title. Clients branch on the code, never on prose.

use serde_json::json;

use crate::{
    effect::Effect,
    front,
    http::{Body, Request, Response},
    sql::SqlError,
};

/// One kind of error; its code is stable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short text, the same for every occurrence.
    pub title: &'static str,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Problem = Problem { code: $code, status: $status, title: $title };)*
        /// Every problem this module names.
        pub const ALL: &[Problem] = &[$($name),*];
    };
}

problems! {
    /// The request cannot be understood.
    BAD_REQUEST = 400 "bad_request" "The request cannot be understood";
    /// No or unusable `Authorization`.
    UNAUTHORIZED = 401 "unauthorized" "Sign-in is needed";
    /// Address and password do not belong together; the same for unknown addresses.
    BAD_CREDENTIALS = 401 "bad_credentials" "Address or password is wrong";
    /// A deposit needs a session token or the caller's login.
    SESSION_REQUIRED = 401 "session_required" "A session token is needed";
    /// A login token from before the last change of password.
    SIGNED_OUT = 401 "signed_out" "This sign-in has been ended";
    /// A token that does not look like one.
    TOKEN_MALFORMED = 401 "token_malformed" "This is not a token";
    /// A token whose signature is not ours.
    TOKEN_FORGED = 401 "token_forged" "The token was not signed here";
    /// A token signed with a key that is not, or no longer, in use.
    TOKEN_UNKNOWN_KEY = 401 "token_unknown_key" "The key of the token is not known here";
    /// A good token for another purpose or another mailbox.
    TOKEN_FOREIGN = 401 "token_foreign" "The token is for something else";
    /// A token past its end.
    TOKEN_EXPIRED = 401 "token_expired" "The token has expired";
    /// The present password is wrong.
    WRONG_PASSWORD = 403 "wrong_password" "The present password is wrong";
    /// A session that the owner of the mailbox took back.
    SESSION_REVOKED = 403 "session_revoked" "The session has been revoked";
    /// Not allowed.
    FORBIDDEN = 403 "forbidden" "This is not allowed";
    /// No such thing, or not for you.
    NOT_FOUND = 404 "not_found" "There is nothing here";
    /// The path exists, the method does not.
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "This method is not offered here";
    /// The body came too slowly.
    REQUEST_TIMEOUT = 408 "request_timeout" "The body of the request took too long";
    /// The content is there, but not in the container that was asked for.
    FORMAT_UNAVAILABLE = 406 "format_unavailable" "It is not to be had in this format";
    /// The content is too large to be put into another container.
    FORMAT_TOO_LARGE = 406 "format_too_large" "It is too large to be put into another format";
    /// The state of the thing does not allow it.
    CONFLICT = 409 "conflict" "The present state does not allow this";
    /// It was there and is gone for good.
    GONE = 410 "gone" "This is gone";
    /// The body is larger than allowed.
    TOO_LARGE = 413 "too_large" "The body is too large";
    /// The content is of a type that is not taken.
    UNSUPPORTED_TYPE = 415 "unsupported_type" "This content type is not taken";
    /// A byte range that does not exist.
    RANGE_NOT_SATISFIABLE = 416 "range_not_satisfiable" "The range lies outside the content";
    /// A field has a value that is not allowed.
    INVALID_FIELD = 422 "invalid_field" "A field has a value that is not allowed";
    /// A webhook URL that would be unsafe to call.
    UNSAFE_URL = 422 "unsafe_url" "The URL is not allowed as a target";
    /// Too many requests.
    RATE_LIMITED = 429 "rate_limited" "Too many requests";
    /// Storage or another part did not answer; the same request may succeed later.
    UNAVAILABLE = 503 "unavailable" "Please try again later";
}

/// Why a handler gives no ordinary answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// This is the answer instead.
    Answer(Box<Response>),
    /// Storage failed; the shell rolls back and answers 503.
    Storage(SqlError),
}

impl Refusal {
    /// A problem, for this request.
    #[must_use]
    pub fn of(request: &Request, problem: Problem, detail: &str) -> Self {
        let request_id = request.header(front::REQUEST_ID).unwrap_or("");
        Self::Answer(Box::new(response(problem, detail, request_id)))
    }
}

impl From<SqlError> for Refusal {
    fn from(error: SqlError) -> Self {
        Self::Storage(error)
    }
}

/// Turns a handler's result into what an object gives to the shell.
pub fn settle(
    result: Result<(Response, Vec<Effect>), Refusal>,
) -> Result<(Response, Vec<Effect>), SqlError> {
    match result {
        Ok(answer) => Ok(answer),
        Err(Refusal::Answer(response)) => Ok((*response, Vec::new())),
        Err(Refusal::Storage(error)) => Err(error),
    }
}

/// The answer for a problem, with what is special about this occurrence. `request_id` may be empty.
#[must_use]
pub fn response(problem: Problem, detail: &str, request_id: &str) -> Response {
    response_of(
        problem.status,
        problem.code,
        problem.title,
        detail,
        request_id,
    )
}

/// The same for a code that is not in this table (the upload protocol has its own).
#[must_use]
pub fn response_of(
    status: u16,
    code: &str,
    title: &str,
    detail: &str,
    request_id: &str,
) -> Response {
    let body = json!({
        "type": format!("/problems/{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    });
    let answer = Response {
        status,
        headers: vec![
            (
                "content-type".to_owned(),
                "application/problem+json".to_owned(),
            ),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ],
        body: Body::Bytes(body.to_string().into_bytes()),
    };
    if status == 401 {
        return answer.with_header("www-authenticate", "Bearer");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::{ALL, TOKEN_EXPIRED, response};
    use crate::http::Body;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        for (index, problem) in ALL.iter().enumerate() {
            assert!((400..600).contains(&problem.status), "{}", problem.code);
            assert!(ALL[..index].iter().all(|other| other.code != problem.code));
        }
    }

    #[test]
    fn an_answer_carries_code_status_and_request_id() {
        let answer = response(TOKEN_EXPIRED, "It ended yesterday", "r-1");
        assert_eq!(answer.status, 401);
        let Body::Bytes(bytes) = answer.body else {
            panic!("bytes expected");
        };
        let body: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(body["code"], "token_expired");
        assert_eq!(body["status"], 401);
        assert_eq!(body["request_id"], "r-1");
        assert_eq!(body["detail"], "It ended yesterday");
    }
}
