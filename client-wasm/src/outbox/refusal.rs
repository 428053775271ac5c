//! Why an attempt brought no receipt, and what that means for the recording.

use crate::clock;
use crate::http::Answer;
use crate::problem::Problem;
use crate::storage::StorageError;

/// The outcome of an attempt without a receipt.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// It may work later: no answer, overload, a server error.
    Later {
        /// Why.
        problem: Problem,
        /// What the server asked for.
        retry_after_ms: Option<i64>,
    },
    /// The upload is gone at the server; begin again.
    Gone(Problem),
    /// The session's time is over; a new one is needed.
    Session(Problem),
    /// It can never work like this; the recording stays here.
    Final(Problem),
    /// It can never work with this file.
    File {
        /// The file's id.
        id: String,
        /// Why.
        problem: Problem,
    },
    /// The message has arrived as it was before its user changed it.
    Earlier,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Later {
            problem,
            retry_after_ms: None,
        }
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Problem::from(error).into()
    }
}

impl Refusal {
    /// A refusal for good that is about a file names it.
    pub(super) fn about(self, id: &str, name: &str) -> Self {
        const ABOUT_FILES: [&str; 6] = [
            "attachment_type",
            "part_empty",
            "too_large",
            "upload_too_large",
            "unsupported_type",
            "mailbox_full",
        ];
        let Self::Final(problem) = self else {
            return self;
        };
        if !ABOUT_FILES.contains(&problem.code.as_str()) {
            return Self::Final(problem);
        }
        let cause = match problem.code.as_str() {
            "mailbox_full" => "the mailbox has no room for it",
            "attachment_type" | "unsupported_type" => "files of this type are not taken",
            "part_empty" => "it is empty",
            _ => "it is larger than the mailbox takes",
        };
        let words = format!(
            "“{name}” cannot go along: {cause}. Remove it and press Send. All the rest is safe on this device."
        );
        let problem = Problem::new(&problem.code, words);
        Self::File {
            id: id.to_owned(),
            problem,
        }
    }

    /// From the server's answer.
    pub(super) async fn of(answer: &Answer) -> Self {
        let status = answer.status();
        let retry_after_ms = answer.header("retry-after").and_then(|text| wait_of(&text));
        let problem = answer.problem().await;
        match (status, problem.code.as_str()) {
            (
                401 | 403 | 410,
                "token_expired" | "token_unknown_key" | "session_expired" | "session_used",
            ) => Self::Session(problem),
            (404 | 410, _) => Self::Gone(problem),
            (409, "upload_offset_mismatch" | "upload_superseded") => problem.into(),
            (408 | 423 | 425 | 429 | 500..=506 | 508..=599, _) => Self::Later {
                problem,
                retry_after_ms,
            },
            _ => Self::Final(in_plain_words(problem)),
        }
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), in milliseconds from now.
#[allow(clippy::cast_possible_truncation)]
fn wait_of(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<i64>() {
        return Some(seconds.max(0).saturating_mul(1000));
    }
    let date = js_sys::Date::parse(text);
    (!date.is_nan()).then(|| (date as i64).saturating_sub(clock::now_ms()).max(0))
}

/// What a refusal for good means, for somebody who has just spoken a message.
fn in_plain_words(problem: Problem) -> Problem {
    let cause = match problem.code.as_str() {
        "token_forged" | "token_malformed" | "token_too_long" => {
            "The server did not accept the permission to leave this message: it is not genuine."
        }
        "token_wrong_purpose" => {
            "The server did not accept the permission: it is not one to leave a message."
        }
        "token_foreign" | "session_foreign" => {
            "The server did not accept the permission: it belongs to somebody else's mailbox."
        }
        "token_revoked" | "session_revoked" => {
            "The mailbox no longer accepts this message: its owner withdrew the permission."
        }
        "mailbox_full" | "quota_exceeded" => "The mailbox is full.",
        "too_large" | "upload_too_large" => "The message is larger than the mailbox takes.",
        _ => return keeping(&problem.code, &problem.message),
    };
    keeping(&problem.code, cause)
}

fn keeping(code: &str, cause: &str) -> Problem {
    let cause = cause.trim_end_matches('.');
    Problem::new(
        code,
        format!(
            "{cause}. Your recording is safe on this device; call again, or press Send to try with a new permission."
        ),
    )
}
