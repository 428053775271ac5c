//! What other objects are asked before a request goes to its own: whether the network may sign in so often, and whose
//! a telephone number is.

use super::{Arrival, REQUEST_ID, percent_decoded, unavailable};
use crate::{
    http::{Request, Response},
    network::Deed,
    object::Object,
    problem::{self, Refusal},
    signal::{Reply, Signal},
};

/// Path under which the line of a user lists its numbers.
pub const OWN_NUMBERS: &str = "/numbers";

/// E.164 has at most so many digits.
const MOST_DIGITS: usize = 15;
/// Fewer digits are no telephone number.
const FEWEST_DIGITS: usize = 3;

/// Asked in front of a request; [`refusal`] says what the reply means for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Who is asked.
    pub object: Object,
    /// What.
    pub signal: Signal,
}

/// The answer in place of the request, if the reply forbids it. No reply counts where only a limit is asked for.
#[must_use]
pub fn refusal(head: &Request, question: &Question, reply: Option<&Reply>) -> Option<Response> {
    let problem = |problem, detail: &str| {
        let id = head.header(REQUEST_ID).unwrap_or_default();
        Some(problem::response(problem, detail, id))
    };
    match (&question.signal, reply) {
        (Signal::Count { .. }, Some(Reply::Failed { .. })) => {
            let detail = "Too many sign-ins from this network; wait a minute.";
            problem(problem::RATE_LIMITED, detail)
                .map(|response| response.with_header("retry-after", "60"))
        }
        (Signal::Count { .. }, _)
        | (Signal::CheckAccount {}, Some(Reply::Value { .. }))
        | (Signal::ReleaseNumber { .. }, Some(Reply::Done)) => None,
        (Signal::CheckAccount {}, Some(Reply::Failed { code })) if code == "not_found" => {
            problem(problem::NOT_FOUND, "There is no such user.")
        }
        (Signal::ClaimNumber { owner }, Some(Reply::Value { value })) if value == owner => None,
        (Signal::ClaimNumber { .. }, Some(Reply::Value { value })) => {
            let detail = format!("This number is of {value}.");
            problem(problem::CONFLICT, &detail)
        }
        _ => Some(unavailable(head)),
    }
}

impl Arrival<'_> {
    /// Whether the network of this request may sign in once more.
    pub(super) fn may_sign_in(&self, network: &str) -> Vec<Question> {
        if self.settings.limit_invites_per_minute == 0 || network.is_empty() {
            return Vec::new();
        }
        vec![Question {
            object: Object::Network(network.to_owned()),
            signal: Signal::Count { deed: Deed::Login },
        }]
    }

    /// What a change of a user's number needs first, and the number's one form.
    pub(super) fn about_number(
        &self,
        user: &str,
        text: &str,
    ) -> Result<(Vec<Question>, String), Refusal> {
        let (number, line) = self.number(text)?;
        let owner = user.to_owned();
        let line = Object::Line(line);
        let questions = match self.head.method.as_str() {
            "PUT" => vec![
                Question {
                    object: Object::Line(owner.clone()),
                    signal: Signal::CheckAccount {},
                },
                Question {
                    object: line,
                    signal: Signal::ClaimNumber { owner },
                },
            ],
            "DELETE" => vec![Question {
                object: line,
                signal: Signal::ReleaseNumber { owner },
            }],
            _ => Vec::new(),
        };
        Ok((questions, number))
    }

    /// A number as it is dialled here, E.164 where the dial plan says how, and its address.
    fn number(&self, text: &str) -> Result<(String, String), Refusal> {
        let no_number = || {
            let detail = "This is not a telephone number: write +4930123456.";
            self.refuse(problem::INVALID_FIELD, detail)
        };
        let text = percent_decoded(text).ok_or_else(no_number)?;
        let plan = &self.settings.dial_plan;
        let text = text.trim();
        let dialled = text.strip_prefix("tel:").unwrap_or(text);
        let number = plan.canonical(dialled).ok_or_else(no_number)?;
        let digits = number.trim_start_matches('+').len();
        if !(FEWEST_DIGITS..=MOST_DIGITS).contains(&digits) {
            return Err(no_number());
        }
        if let Some(owner) = plan.alias(&number) {
            let detail = format!("AFTERBEEP_DIAL_PLAN leads this number to {owner}.");
            return Err(self.refuse(problem::CONFLICT, &detail));
        }
        let address = self.settings.address(&number).map_err(|_| no_number())?;
        Ok((number, address.as_str().to_owned()))
    }
}
