//! The ways on which a call was sent on: one row for each contact, and one for the voicemail.

use serde::{Deserialize, Serialize};
use sip::{NameAddr, Request, Uri, transaction::ClientTransaction};

use super::{
    binding::Binding,
    call::{Call, Stage, print},
    fork,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place},
    object::Object,
    signal::Signal,
    sql::{Row, Sql, SqlError},
};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE branches (branch TEXT PRIMARY KEY, call TEXT NOT NULL, flow TEXT, ending TEXT NOT NULL, request TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX branches_by_call ON branches (call)",
    "CREATE INDEX branches_by_flow ON branches (flow)",
];

/// Beginning of the keys and tags by which an undelivered branch is told to the line.
pub(super) const BRANCH_KEY: &str = "branch ";

/// Why a telephone need not ring any more: somebody else has answered.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// One way on which a call was sent on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    /// The branch of our Via.
    pub(super) branch: String,
    /// Key of the call.
    pub(super) call: String,
    /// The contact's connection; nothing for the voicemail.
    pub(super) flow: Option<String>,
    pub(super) ending: Ending,
    pub(super) request: ClientTransaction,
}

/// How a branch ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// Nobody wants it to.
    Open,
    /// To be cancelled as soon as a provisional response allows it (RFC 3261 9.1).
    Wanted,
    /// CANCEL was sent.
    Cancelled,
    /// It was answered.
    Done,
    /// It failed with this status.
    Failed(u16),
}

impl Branch {
    /// Where the branch leads.
    pub(super) fn place(&self, context: &Context<'_>) -> Place {
        self.flow.clone().map_or_else(
            || Place::Mailbox(super::address(context).to_owned()),
            Place::Flow,
        )
    }

    /// Whether it leads to the voicemail.
    pub(super) const fn is_voicemail(&self) -> bool {
        self.flow.is_none()
    }

    /// Whether its final response is still to come.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.ending, Ending::Done | Ending::Failed(_))
    }

    /// Whether it leads to this contact.
    pub(super) fn is_to(&self, contact: &Binding) -> bool {
        self.flow.as_ref() == Some(&contact.flow)
            && contact.uri().as_ref() == Some(self.request.request().uri())
    }

    /// The status with which it failed.
    pub(super) const fn failure(&self) -> Option<u16> {
        match self.ending {
            Ending::Failed(status) => Some(status),
            Ending::Open | Ending::Wanted | Ending::Cancelled | Ending::Done => None,
        }
    }

    /// Ends the branch: CANCEL now, or as soon as it may be sent. Where somebody else has answered, it says so, so that
    /// no telephone tells of a missed call (RFC 3326 section 2).
    pub(super) fn cancel(&mut self, context: &Context<'_>, stage: &Stage) -> Option<Effect> {
        if !matches!(self.ending, Ending::Open | Ending::Wanted) {
            return None;
        }
        if !self.request.is_proceeding() {
            self.ending = Ending::Wanted;
            return None;
        }
        self.ending = Ending::Cancelled;
        let mut cancel = self.request.cancel();
        if *stage == Stage::Answered {
            cancel.add_header("Reason", ELSEWHERE);
        }
        Some(self.place(context).deliver("", cancel.to_bytes(), None))
    }
}

/// Sends a call on to one of `count` contacts, with the address that the caller proved.
pub(super) fn ring(
    context: &Context<'_>,
    call: &Call,
    binding: &Binding,
    count: usize,
) -> Option<(Branch, Effect)> {
    let flow = binding.flow.as_str();
    let place = Place::Flow(flow.to_owned());
    let branch = start(context, call, binding.uri()?, &place, |request| {
        binding.route(request);
        fork::share(request, count);
        if let Some(address) = call.caller.proven() {
            request.add_header(hop::ASSERTED, &format!("<{address}>"));
        }
    });
    let frame = branch.request.request().to_bytes();
    let effect = hop::send_or_tell(flow, frame, &format!("{BRANCH_KEY}{}", branch.branch));
    Some((branch, effect))
}

/// Sends a call on to the voicemail of this line's address.
pub(super) fn ask_voicemail(context: &Context<'_>, call: &Call) -> (Branch, Effect) {
    let address = super::address(context).to_owned();
    let uri = mailbox_uri(context, call.invite.request());
    let place = Place::Mailbox(address.clone());
    let branch = start(context, call, uri, &place, |_| {});
    let effect = Effect::Signal {
        to: Object::Mailbox(address),
        signal: Box::new(Signal::Voicemail {
            flow: call.flow.clone(),
            caller: call.caller.clone(),
            frame: branch.request.request().to_bytes(),
        }),
        tag: format!("{BRANCH_KEY}{}", branch.branch),
    };
    (branch, effect)
}

/// The mailbox of this line's address; what a URI said of an earlier target stays (RFC 4458).
pub(super) fn mailbox_uri(context: &Context<'_>, invite: &Request) -> Uri {
    let dialled = invite.uri();
    let own = super::address(context).parse();
    let mut uri = own.unwrap_or_else(|_| dialled.clone());
    for name in ["target", "cause"] {
        if let Some(value) = dialled.param(name) {
            uri.set_param(name, &value);
        }
    }
    uri
}

/// An INVITE as it goes on (RFC 3261 16.6): new target, one hop less, our Record-Route, and none of the proofs
/// that were meant for us. `owner` is the address that the caller proved.
pub(super) fn forwarded(
    context: &Context<'_>,
    flow: &str,
    owner: Option<&str>,
    invite: &Request,
    target: Uri,
    place: &Place,
) -> Request {
    let mut request = invite.clone();
    request.set_uri(target);
    request.set_max_forwards(request.max_forwards().saturating_sub(1));
    request.remove_header("Route");
    for name in hop::NOT_PASSED_ON {
        request.remove_header(name);
    }
    let caller = Place::Flow(flow.to_owned());
    let route: NameAddr = hop::record_route_of(context, &caller, place, owner);
    request.push_record_route(&route);
    request
}

/// The same with our Via, as a transaction of ours; `complete` adds what only this branch has.
fn start(
    context: &Context<'_>,
    call: &Call,
    target: Uri,
    place: &Place,
    complete: impl FnOnce(&mut Request),
) -> Branch {
    let owner = call.caller.proven();
    let invite = call.invite.request();
    let mut request = forwarded(context, &call.flow, owner, invite, target, place);
    complete(&mut request);
    let branch = hop::branch_of(context, invite);
    let here = Place::Line(super::address(context).to_owned());
    request.push_via(&hop::via(context, &here, &branch));
    Branch {
        branch,
        call: call.key.clone(),
        flow: match place {
            Place::Flow(name) => Some(name.clone()),
            Place::Line(_) | Place::Mailbox(_) => None,
        },
        ending: Ending::Open,
        request: ClientTransaction::start(request, context.now_ms),
    }
}

const COLUMNS: &str = "branch, call, flow, ending, request";

/// The branch of this name.
pub(super) fn find(sql: &dyn Sql, branch: &str) -> Result<Option<Branch>, SqlError> {
    let mut found = select(sql, "branch", branch)?;
    Ok(found.pop())
}

/// All branches of a call.
pub(super) fn of_call(sql: &dyn Sql, call: &str) -> Result<Vec<Branch>, SqlError> {
    select(sql, "call", call)
}

/// All branches to a connection.
pub(super) fn of_flow(sql: &dyn Sql, flow: &str) -> Result<Vec<Branch>, SqlError> {
    select(sql, "flow", flow)
}

/// Writes a branch as it is now.
pub(super) fn put(sql: &dyn Sql, branch: &Branch) -> Result<(), SqlError> {
    sql.query(
        &format!(
            "INSERT INTO branches ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (branch) DO UPDATE SET ending = excluded.ending, request = excluded.request"
        ),
        &[
            branch.branch.as_str().into(),
            branch.call.as_str().into(),
            branch.flow.clone().into(),
            print(&branch.ending)?.into(),
            print(&branch.request)?.into(),
        ],
    )?;
    Ok(())
}

/// Removes all branches of a call.
pub(super) fn remove_of_call(sql: &dyn Sql, call: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM branches WHERE call = ?", &[call.into()])?;
    Ok(())
}

fn select(sql: &dyn Sql, column: &str, value: &str) -> Result<Vec<Branch>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM branches WHERE {column} = ? ORDER BY branch"),
        &[value.into()],
    )?;
    Ok(rows.iter().filter_map(of_row).collect())
}

fn of_row(row: &Row) -> Option<Branch> {
    Some(Branch {
        branch: row.text(0),
        call: row.text(1),
        flow: row.optional_text(2),
        ending: serde_json::from_str(&row.text(3)).ok()?,
        request: serde_json::from_str(&row.text(4)).ok()?,
    })
}
