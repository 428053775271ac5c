//! Calls out that have no answer yet, in the object's database. Their transactions end with the connection, because the
//! proxy answers over that one only (RFC 7118 section 5); so whoever calls is told, and as soon as the proxy can be
//! reached again, the call is cancelled there (RFC 3261 9.1): nobody rings for a caller who is not there any more.

use sip::{Message, Method, Request, Response, dialog::Dialog};

use super::{proof::PROOFS, sent::Sent, sequence};
use crate::{
    context::Context,
    flow::hop,
    sql::{Sql, SqlError, Value},
};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE calls (branch TEXT PRIMARY KEY, frame BLOB NOT NULL, attempt INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID",
];

/// A call that is older is over on every side.
const LONGEST_MS: i64 = 300_000;
/// Between the branch of a call and what makes it another.
const MARK: char = '.';
/// Random bytes of a branch.
const BRANCH_BYTES: usize = 8;
/// What a caller is told whose call ended with the connection.
const LOST: &str = "The connection to the SIP proxy was lost";

/// A call out without an answer, as it was sent the last time.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its INVITE, but for its number and branch, which are those that it has here.
    request: Request,
    branch: String,
    attempt: u32,
    cancelled: bool,
}

/// Writes a call, or its next attempt.
pub fn keep(sql: &dyn Sql, context: &Context<'_>, call: &Kept) -> Result<(), SqlError> {
    let mut request = call.request.clone();
    for name in PROOFS {
        request.remove_header(name);
    }
    let parameters: [Value; 4] = [
        call.branch.as_str().into(),
        request.to_bytes().into(),
        call.attempt.into(),
        context.now_ms.into(),
    ];
    sql.query(
        "INSERT INTO calls (branch, frame, attempt, since) VALUES (?, ?, ?, ?) ON CONFLICT (branch) DO UPDATE SET attempt = excluded.attempt",
        &parameters,
    )?;
    Ok(())
}

/// A call has its answer, or is cancelled.
pub fn forget(sql: &dyn Sql, branch: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM calls WHERE branch = ?", &[branch.into()])?;
    Ok(())
}

/// The calls that the process before left.
pub fn all(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Kept>, SqlError> {
    let since = context.now_ms.saturating_sub(LONGEST_MS);
    sql.query("DELETE FROM calls WHERE since <= ?", &[since.into()])?;
    let rows = sql.query("SELECT branch, frame, attempt FROM calls", &[])?;
    let calls = rows.iter().filter_map(|row| {
        let Some(Message::Request(request)) = hop::read(&row.blob(1)) else {
            return None;
        };
        Some(Kept {
            request,
            branch: row.text(0),
            attempt: u32::try_from(row.integer(2)).unwrap_or_default(),
            cancelled: false,
        })
    });
    Ok(calls.collect())
}

impl Kept {
    /// What is kept of a request: only calls that begin, and only until they are answered.
    pub(super) fn of(sent: &Sent) -> Option<Self> {
        let begins = *sent.request.method() == Method::Invite && sent.request.to().tag().is_none();
        (begins && !sent.is_settled()).then(|| Self {
            request: sent.request.clone(),
            branch: sent.branch.clone(),
            attempt: sent.attempt,
            cancelled: sent.cancelled,
        })
    }

    /// Under which it is written.
    pub(super) fn branch(&self) -> &str {
        &self.branch
    }

    /// What the caller hears, since the proxy's answer will not come.
    pub(super) fn answer(&self) -> Response {
        if self.cancelled {
            return Response::reply_to(&self.request, 487, "Request Terminated", None);
        }
        let warning = format!("399 afterbeep \"{LOST}\"");
        Response::reply_to(&self.request, 503, LOST, None).with_header("Warning", &warning)
    }

    /// The CANCEL of its newest attempt.
    pub(super) fn cancellation(&self) -> Option<Request> {
        let invite = &self.request;
        let mut cancel = Request::new(Method::Cancel, invite.uri().clone());
        cancel.push_via(&invite.top_via()?);
        cancel.set_max_forwards(70);
        for route in invite.headers("Route") {
            cancel.add_header("Route", route);
        }
        for name in ["From", "To", "Call-ID"] {
            cancel.add_header(name, invite.header(name)?);
        }
        cancel.set_cseq(invite.cseq().0, &Method::Cancel);
        sequence::leave(&mut cancel, self.attempt, 0);
        Some(cancel)
    }

    /// What a response to the call or its CANCEL wants, now that nobody waits for it: an INVITE that ended is
    /// acknowledged, and whoever has answered before the CANCEL came is hung up. Nothing for responses to anything else.
    pub(super) fn hear(&self, response: &Response, context: &Context<'_>) -> Option<Vec<Request>> {
        let origin = sequence::origin(response)?;
        let method = response.cseq().1;
        if method == Method::Bye && self.is_own_branch(&origin.branch) {
            return Some(Vec::new());
        }
        if origin.branch != self.branch || !matches!(method, Method::Invite | Method::Cancel) {
            return None;
        }
        if method == Method::Invite && response.is_success() {
            return self.hang_up(response, origin.attempt, context);
        }
        let ended = method == Method::Invite && response.status() >= 300;
        let sent = ended.then(|| Sent::new(&self.request, Vec::new()));
        let ack = sent.and_then(|sent| sent.acknowledgement(response, origin.attempt));
        Some(ack.into_iter().collect())
    }
    /// ACK and BYE of a call that was answered to nobody (RFC 3261 9.1 and 13.2.2.4).
    fn hang_up(
        &self,
        answer: &Response,
        attempt: u32,
        context: &Context<'_>,
    ) -> Option<Vec<Request>> {
        let via = self.request.top_via()?;
        let mut dialog = Dialog::of_caller(&self.request, answer);
        let ack = dialog.acknowledgement(self.request.cseq().0);
        let bye = dialog.request(Method::Bye);
        let requests = [(ack, attempt), (bye, 0)];
        let out = requests.map(|(mut request, attempt)| {
            let mut via = via.clone();
            let random = context.entropy.hex(BRANCH_BYTES);
            via.params
                .set("branch", format!("{}{MARK}{random}", self.branch));
            request.push_via(&via);
            sequence::leave(&mut request, attempt, 0);
            request
        });
        Some(out.into())
    }

    /// Whether a branch was made by [`Self::hang_up`].
    fn is_own_branch(&self, branch: &str) -> bool {
        let made = branch.rsplit_once(MARK);
        made.is_some_and(|(call, _)| call == self.branch)
    }
}
