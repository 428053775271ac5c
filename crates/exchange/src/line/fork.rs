//! Which contacts a call tries next (RFC 3261 section 16.6): those of one preference together, one connection for each
//! instance (RFC 5626 section 5.3), and no more at once than the call may still fan out (RFC 5393 section 5).

use std::collections::BTreeSet;

use sip::{Request, Uri};

use super::{
    binding::{self, Binding},
    branch::Branch,
    gruu,
};
use crate::{
    context::Context,
    sql::{Sql, SqlError},
};

/// How many branches a call may have in all where it says nothing.
const DEFAULT_BREADTH: usize = 60;
const MAX_BREADTH: &str = "Max-Breadth";

/// The contacts that a call is for and has not tried.
pub(super) struct Candidates {
    left: Vec<Binding>,
    /// Preference of the least preferred contact that was tried and is still there.
    tried_q: Option<i64>,
}

impl Candidates {
    /// Reads them anew: contacts may have come and gone since the last ones were tried.
    pub(super) fn of(
        sql: &dyn Sql,
        context: &Context<'_>,
        target: &Uri,
        branches: &[Branch],
    ) -> Result<Self, SqlError> {
        let wanted = gruu::instance(target);
        let contacts = binding::current(sql, context.now_ms)?.into_iter();
        let contacts = contacts
            .filter(|contact| wanted.is_none() || contact.instance_id() == wanted.as_deref());
        let (tried, left): (Vec<_>, Vec<_>) =
            contacts.partition(|contact| branches.iter().any(|branch| branch.is_to(contact)));
        // An instance that is there has been asked; another of its connections rings the same telephone.
        let asked: BTreeSet<&str> = tried.iter().filter_map(Binding::instance_id).collect();
        let left = left
            .iter()
            .filter(|contact| contact.instance_id().is_none_or(|id| !asked.contains(id)));
        Ok(Self {
            left: left.cloned().collect(),
            tried_q: tried.iter().map(|contact| contact.q).min(),
        })
    }

    /// How many groups of one preference there are.
    pub(super) fn groups(&self) -> usize {
        let groups: BTreeSet<i64> = self.left.iter().map(|contact| contact.q).collect();
        groups.len()
    }

    /// The preferred ones, at most so many. The others wait for their failure.
    pub(super) fn first(&self, most: usize) -> Vec<Binding> {
        let best = self.left.iter().map(|contact| contact.q).max();
        let mut group: Vec<Binding> = Vec::new();
        for contact in self.left.iter().filter(|contact| Some(contact.q) == best) {
            let same = |other: &&mut Binding| {
                other.instance_id().is_some() && other.instance_id() == contact.instance_id()
            };
            match group.iter_mut().find(same) {
                Some(other) if other.expires_ms < contact.expires_ms => *other = contact.clone(),
                Some(_) => {}
                None => group.push(contact.clone()),
            }
        }
        group.truncate(most);
        group
    }

    /// Other connections of what was tried in vain while the rest of its group still rings.
    pub(super) fn beside(&self, most: usize) -> Vec<Binding> {
        let group = self.first(most).into_iter();
        group
            .filter(|contact| self.tried_q.is_some_and(|tried| contact.q >= tried))
            .collect()
    }
}

/// Every telephone that this URI reaches, whatever its preference, by one of its connections.
pub(super) fn telephones(
    sql: &dyn Sql,
    context: &Context<'_>,
    target: &Uri,
) -> Result<Vec<Binding>, SqlError> {
    let mut candidates = Candidates::of(sql, context, target, &[])?;
    for contact in &mut candidates.left {
        contact.q = 0;
    }
    Ok(candidates.first(usize::MAX))
}

/// How many branches this call may have at once.
pub(super) fn breadth(invite: &Request) -> usize {
    let said = invite.header(MAX_BREADTH);
    said.and_then(|value| value.trim().parse().ok())
        .unwrap_or(DEFAULT_BREADTH)
}

/// Gives one of `count` branches its share.
pub(super) fn share(request: &mut Request, count: usize) {
    let share = breadth(request).checked_div(count.max(1)).unwrap_or(1);
    request.set_header(MAX_BREADTH, &share.max(1).to_string());
}
